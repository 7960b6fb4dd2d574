import type { Options } from 'execa';
import { ExecaError, execa } from 'execa';

/**
 * Why a command did not do its work: `missing` it is not installed; `denied` a capability is lacking; `gone` what it was to work on
 * does not exist; `invalid` the path is no network namespace (yet); `timeout`; `aborted` we stopped it; `failed` anything else.
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
  [/Invalid argument|Inappropriate ioctl/, 'invalid'],
];

const TIMEOUT_MS = 10_000;

/** Runs a command to its end and returns what it printed. @throws {CommandError} */
export async function run(file: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  try {
    const { stdout } = await execa(file, args, {
      ...SHARED,
      cancelSignal: signal,
      timeout: TIMEOUT_MS,
      maxBuffer: 16 * 1024 * 1024,
    });
    return stdout;
  } catch (error) {
    throw translate(file, args, error);
  }
}

/**
 * Runs a command that does not end by itself and yields its lines, standard error included, as they come.
 * `onSpawn` is told the child's id. Stops the command when the consumer leaves the loop or the signal aborts.
 * @throws {CommandError} when the command ends, whatever its exit code: it was not meant to.
 */
export async function* streamLines(
  file: string,
  args: readonly string[],
  signal: AbortSignal,
  onSpawn?: (pid: number | undefined) => void,
): AsyncGenerator<string> {
  const child = execa(file, args, { ...SHARED, cancelSignal: signal, all: true, buffer: false });
  // Its failure is reported by the loop below; without this, leaving the loop early would leave a rejection unowned.
  child.catch(() => {});
  onSpawn?.(child.pid);
  const lines = child.iterable({ from: 'all' });
  let last = '';
  try {
    for (let item = await lines.next(); item.done !== true; item = await lines.next()) {
      last = item.value;
      yield last;
    }
  } catch (error) {
    throw translate(file, args, error, last);
  } finally {
    // In this order: the iteration ends only when the command has ended.
    child.kill();
    await lines.return?.().catch(() => {});
  }
  throw new CommandError({
    command: [file, ...args].join(' '),
    fault: 'failed',
    exitCode: 0,
    stderr: last || 'it ended',
  });
}

const SHARED = { stdin: 'ignore', env: { LC_ALL: 'C' } } satisfies Options;

function translate(file: string, args: readonly string[], error: unknown, lastLine = ''): CommandError {
  const command = [file, ...args].join(' ');
  if (!(error instanceof ExecaError)) {
    return new CommandError({ command, fault: 'failed', exitCode: undefined, stderr: String(error) });
  }
  const stderr = (typeof error.stderr === 'string' && error.stderr !== '' ? error.stderr : lastLine).trim();
  return new CommandError({ command, fault: faultOf(error, stderr), exitCode: error.exitCode, stderr });
}

function faultOf(error: ExecaError, stderr: string): CommandFault {
  if (error.isCanceled) return 'aborted';
  if (error.timedOut) return 'timeout';
  if (error.code === 'ENOENT') return 'missing';
  if (error.code === 'EACCES') return 'denied';
  return SAID.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'failed';
}

/** True when the command failed for one of these reasons. */
export function isFault(error: unknown, ...faults: readonly CommandFault[]): error is CommandError {
  return error instanceof CommandError && faults.includes(error.fault);
}
