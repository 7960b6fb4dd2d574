import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE_MS } from './patience.ts';
import { PROGRAM } from './program.ts';

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface SpawnOptions {
  /** The whole environment but PATH and HOME: nothing else is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  /** Runs the program through these words, e.g. `ip netns exec NAME`. */
  readonly through?: readonly string[];
}

/** The real program as a child process, with everything that it prints. It is not restarted and nothing is waited for. */
export class SpawnedAgent {
  readonly child: ChildProcess;
  /** Standard output and error, in order. */
  readonly output: string[] = [];
  /** Exit code, or minus one when a signal ended it. */
  readonly ended: Promise<number>;

  constructor(argv: readonly string[], { environment, through = [] }: SpawnOptions) {
    const words = [...through, process.execPath, PROGRAM, ...argv];
    this.child = spawn(words[0] ?? '', words.slice(1), {
      env: { PATH: process.env['PATH'] ?? '', HOME: tmpdir(), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.output.push(line));
    }
    this.ended = once(this.child, 'close').then(([code]) => (typeof code === 'number' ? code : -1));
  }

  /** The lines that are JSON objects with a message. */
  get log(): LogLine[] {
    return this.output.flatMap((line) => {
      if (!line.startsWith('{')) return [];
      const fields = JSON.parse(line) as LogLine;
      return fields.msg === undefined ? [] : [fields];
    });
  }

  told(msg: string): LogLine[] {
    return this.log.filter((line) => line.msg === msg);
  }

  /** Base URL of the probes and `/metrics`, once the program has said where it listens. */
  get url(): string | undefined {
    const [line] = this.told('listening');
    return line && `http://127.0.0.1:${String(line['port'])}`;
  }

  async ready(timeoutMs = PATIENCE_MS): Promise<void> {
    const isReady = async () => {
      const reply = this.url === undefined ? undefined : await fetch(`${this.url}/readyz`).catch(() => undefined);
      return reply?.ok === true;
    };
    await until('the agent to be ready', isReady, timeoutMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.output.slice(-15).join('\n')}`);
    });
  }

  /** A value of `/metrics` by the start of its line. */
  async metric(series: string): Promise<number | undefined> {
    const page = await (await fetch(`${this.url}/metrics`)).text();
    const line = page.split('\n').find((text) => text.startsWith(series));
    return line === undefined ? undefined : Number(line.split(' ').at(-1));
  }

  /** Ends it and what it has started; resolves with the exit code. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM', graceMs = 15_000): Promise<number> {
    const killer = setTimeout(() => this.#killGroup(), graceMs);
    this.child.kill(signal);
    if (signal === 'SIGKILL') this.#killGroup();
    const code = await this.ended;
    clearTimeout(killer);
    return code;
  }

  #killGroup(): void {
    try {
      if (this.child.pid !== undefined) process.kill(-this.child.pid, 'SIGKILL');
    } catch {
      // Nobody is left.
    }
  }
}

/** Looks each 10 ms until it is so. @throws after the timeout. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  timeoutMs = PATIENCE_MS,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await sleep(10);
  }
}
