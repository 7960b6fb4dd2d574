import { execa, type Options, type Result } from 'execa';

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

/**
 * The same for every command. Without `cleanup`, because execa would listen to the process's signals for it: whoever runs a command
 * stops it by its signal. SIGTERM follows when the signal aborts or the time is over, and SIGKILL five seconds later.
 */
const OPTIONS = { stdin: 'ignore', env: { LC_ALL: 'C' }, cleanup: false, stripFinalNewline: false } satisfies Options;

/** Runs a command to its end and returns what it printed. @throws {CommandError} */
export async function run(file: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const result = await execa(file, args, { ...OPTIONS, cancelSignal: signal, timeout: TIMEOUT_MS, reject: false });
  if (!result.failed) return result.stdout;
  throw failure([file, ...args], result, result.stderr.trim());
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
  const child = execa(file, args, { ...OPTIONS, cancelSignal: signal, all: true, buffer: false, reject: false });
  onSpawn?.(child.pid);
  let last = '';
  for await (const line of child.iterable({ from: 'all' })) {
    last = line;
    let isWanted = false;
    try {
      yield line;
      isWanted = true;
    } finally {
      // The iteration waits for the command's end: one that nobody listens to any more has to be stopped.
      if (!isWanted) child.kill();
    }
  }
  throw failure([file, ...args], await child, last.trim() || 'it ended');
}

type Outcome = Pick<Result, 'isCanceled' | 'timedOut' | 'code' | 'exitCode'>;

function failure(command: readonly string[], outcome: Outcome, stderr: string): CommandError {
  const { exitCode } = outcome;
  return new CommandError({ command: command.join(' '), fault: faultOf(outcome, stderr), exitCode, stderr });
}

function faultOf({ isCanceled, timedOut, code }: Outcome, stderr: string): CommandFault {
  if (isCanceled) return 'aborted';
  if (timedOut) return 'timeout';
  if (code === 'ENOENT') return 'missing';
  if (code === 'EACCES') return 'denied';
  return SAID.find(([pattern]) => pattern.test(stderr))?.[1] ?? 'failed';
}

/** True when the command failed for one of these reasons. */
export function isFault(error: unknown, ...faults: readonly CommandFault[]): error is CommandError {
  return error instanceof CommandError && faults.includes(error.fault);
}
