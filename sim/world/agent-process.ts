import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

export interface AgentProcessOptions {
  /** The program's file: `agent/main.ts` or the bundle. */
  readonly entry: string;
  /** The command and its flags, without `--http-address`. */
  readonly argv: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Told every line that the agent prints. */
  readonly onLine?: (line: string) => void;
  /** Told when it is ready and when it has ended. */
  readonly onReady?: (isReady: boolean, port: number) => void;
}

/** How long a start may take and how long a stop, ms. */
const START_MS = 60_000;
const STOP_MS = 5_000;

/** A real agent as a child process, which can be killed and started again with the same files. */
export class AgentProcess {
  readonly #options: AgentProcessOptions;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #port: number | undefined;
  #expectedToEnd = false;
  #lastLines: string[] = [];
  /** Ends that nobody asked for, in words. */
  readonly crashes: string[] = [];

  constructor(options: AgentProcessOptions) {
    this.#options = options;
    this.#log = createWriteStream(options.logFile, { flags: 'a' });
  }

  get running(): boolean {
    return this.#child !== undefined;
  }

  get logFile(): string {
    return this.#options.logFile;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Base URL of `/metrics` and the probes. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts it and waits until it says that it is ready. @throws when it ends before, takes too long, or the signal aborts. */
  async start(signal: AbortSignal): Promise<void> {
    this.#port ??= await freePort();
    const { entry, argv, environment } = this.#options;
    this.#expectedToEnd = false;
    const child = spawn(process.execPath, [entry, ...argv, `--http-address=127.0.0.1:${this.#port}`], {
      env: { ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A process group of its own: whatever the agent has started goes with it, and Ctrl-C reaches only us.
      detached: true,
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', this.#keep);
    child.once('error', (error) => this.#ended(child, String(error)));
    child.once('exit', (code, name) => this.#ended(child, name ?? `code ${code}`));
    await this.#ready(AbortSignal.any([signal, AbortSignal.timeout(START_MS)]));
    this.#options.onReady?.(true, this.#port);
  }

  /** Sends the signal and waits until the process is gone; one that ignores SIGTERM is killed. Fine when it is not running. */
  async end(name: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#expectedToEnd = true;
    const gone = once(child, 'exit');
    child.kill(name);
    const killer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(killer);
    killGroup(child);
  }

  /** Ends the process at once, without waiting: for the moment in which this process ends itself. */
  abandon(): void {
    this.#expectedToEnd = true;
    if (this.#child) killGroup(this.#child);
  }

  /** Ends the process cleanly and closes the log. */
  async close(): Promise<void> {
    await this.end('SIGTERM');
    this.#log.end();
  }

  readonly #keep = (line: string): void => {
    this.#log.write(`${line}\n`);
    this.#lastLines = [...this.#lastLines.slice(-9), line];
    this.#options.onLine?.(line);
  };

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    this.#options.onReady?.(false, this.#port ?? 0);
    if (!this.#expectedToEnd) this.crashes.push(`${this.#options.argv.join(' ')} ended with ${how}`);
  }

  async #ready(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (this.#child === undefined)
        throw new Error(`the agent ended before it was ready:\n${this.#lastLines.join('\n')}`);
      const reply = await fetch(`${this.url}/readyz`, { signal }).catch(() => undefined);
      if (reply?.ok === true) return;
      signal.throwIfAborted();
      await sleep(20, undefined, { signal });
    }
  }
}

/** Kills the child and its own children, those that outlived it included. */
function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}
