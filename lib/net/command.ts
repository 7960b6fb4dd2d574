import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';

/*
 * On node's own child_process: execa took twice the CPU for each command (2.5 ms instead of 1.3), which lies on the path of every
 * floating address, and a tenth of the bundle.
 */

/**
 * Why a command did not do its work: `missing` it is not installed; `denied` a capability is lacking; `gone` what it was to work on
 * does not exist; `invalid` the path is not a network namespace (yet); `timeout`; `aborted` we stopped it; `failed` anything else.
 */
export type CommandFault = 'missing' | 'denied' | 'gone' | 'invalid' | 'timeout' | 'aborted' | 'failed';

/** The only error that this adapter's commands throw. The message names the command, what it said, and the fix. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly fault: CommandFault;
  readonly exitCode: number | undefined;
  readonly stderr: string;

  constructor(fields: { command: string; fault: CommandFault; exitCode: number | undefined; stderr: string }) {
    const said = fields.stderr || (fields.exitCode === undefined ? 'it did not run' : `exit code ${fields.exitCode}`);
    const fix = FIXES[fields.fault];
    super(`${fields.command}: ${said}${fix === undefined ? '' : ` (${fix})`}`);
    this.fault = fields.fault;
    this.exitCode = fields.exitCode;
    this.stderr = fields.stderr;
  }
}

const FIXES: Partial<Record<CommandFault, string>> = {
  missing: 'install iproute2 and util-linux in the image',
  denied: 'the container needs CAP_SYS_ADMIN, CAP_NET_ADMIN and CAP_NET_BROADCAST',
};

/** What the C library says for the errno values that we tell apart; LC_ALL=C keeps it in English. */
const SAID: readonly (readonly [RegExp, CommandFault])[] = [
  [/Operation not permitted|Permission denied/, 'denied'],
  [/No such file or directory|Cannot find device/, 'gone'],
  [/Invalid argument|Inappropriate ioctl|Too many levels of symbolic links/, 'invalid'],
];

const TIMEOUT_MS = 10_000;

/** Runs a command to its end and returns what it printed. @throws {CommandError} */
export async function run(file: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const { child, ended } = start(file, args, { signal, timeout: TIMEOUT_MS });
  const [end, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (end.exitCode === 0) return stdout;
  throw failure([file, ...args], end, { stderr: stderr.trim(), aborted: signal.aborted, timedOut: child.killed });
}

/**
 * Runs a command that does not end by itself and yields its lines, standard error included, as they come.
 * `onSpawn` is reported the child's id. Stops the command when the consumer leaves the loop or the signal aborts.
 * @throws {CommandError} when the command ends, whatever its exit code: it was not meant to.
 */
export async function* streamLines(
  file: string,
  args: readonly string[],
  signal: AbortSignal,
  onSpawn?: (pid: number | undefined) => void,
): AsyncGenerator<string> {
  const { child, ended } = start(file, args, { signal });
  onSpawn?.(child.pid);
  const both = new PassThrough();
  child.stdout.pipe(both, { end: false });
  child.stderr.pipe(both, { end: false });
  void ended.then(() => both.end());
  let last = '';
  try {
    for await (const line of createInterface({ input: both })) {
      last = line;
      yield line;
    }
  } finally {
    child.kill();
    await ended;
  }
  const end = await ended;
  throw failure([file, ...args], end, { stderr: last.trim() || 'it ended', aborted: signal.aborted, timedOut: false });
}

/** How a command ended: it ran to an exit code, was ended by a signal (neither), or could not be started. */
interface End {
  readonly exitCode: number | undefined;
  /** Of the C library, when it could not be started. */
  readonly errno: string | undefined;
}

/** Starts a command whose end never rejects: every way to end is an `End`. SIGTERM follows when the signal aborts or the time is over. */
function start(file: string, args: readonly string[], limits: { signal: AbortSignal; timeout?: number }) {
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, LC_ALL: 'C' },
    ...limits,
  });
  return { child, ended: endOf(child) };
}

async function endOf(child: ChildProcess): Promise<End> {
  let errno: string | undefined;
  child.on('error', (error: NodeJS.ErrnoException) => {
    errno = error.code;
  });
  // After the last of its output, and also when it could not be started.
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  const code = await closed;
  return { exitCode: code === null || code < 0 ? undefined : code, errno };
}

interface Circumstances {
  readonly stderr: string;
  readonly aborted: boolean;
  readonly timedOut: boolean;
}

function failure(command: readonly string[], { exitCode, errno }: End, about: Circumstances): CommandError {
  const fault = faultOf(errno, about);
  return new CommandError({ command: command.join(' '), fault, exitCode, stderr: about.stderr });
}

function faultOf(errno: string | undefined, { stderr, aborted, timedOut }: Circumstances): CommandFault {
  if (aborted) return 'aborted';
  if (timedOut) return 'timeout';
  if (errno === 'ENOENT') return 'missing';
  if (errno === 'EACCES') return 'denied';
  return SAID.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'failed';
}

/** True when the command failed for one of these reasons. */
export function isFault(error: unknown, ...faults: readonly CommandFault[]): error is CommandError {
  return error instanceof CommandError && faults.includes(error.fault);
}
