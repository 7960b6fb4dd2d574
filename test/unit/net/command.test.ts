import { describe, expect, test } from 'vitest';
import { CommandError, run, streamLines } from '../../../lib/net/command.ts';

const never = new AbortController().signal;

async function faultOf(promise: Promise<unknown>): Promise<CommandError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CommandError);
  return error as CommandError;
}

function sh(script: string, signal = never): Promise<string> {
  return run('sh', ['-c', script], signal);
}

describe('run', () => {
  test('returns what the command printed', async () => {
    expect(await run('printf', ['%s', 'a b'], never)).toBe('a b');
  });

  test.each([
    ['echo "mount of /sys failed: Operation not permitted" >&2; exit 1', 'denied', 'CAP_SYS_ADMIN'],
    ['echo "nsenter: cannot open /run/netns/x: No such file or directory" >&2; exit 1', 'gone', 'cannot open'],
    [
      'echo "nsenter: reassociate to namespace \'ns/net\' failed: Invalid argument" >&2; exit 1',
      'invalid',
      'reassociate',
    ],
    ['exit 7', 'failed', 'exit code 7'],
  ])('%s is %s', async (script, fault, message) => {
    const error = await faultOf(sh(script));

    expect(error.fault).toBe(fault);
    expect(error.message).toContain(message);
    expect(error.message).toContain('sh -c');
  });

  test('a command that is not installed names the fix', async () => {
    const error = await faultOf(run('no-such-command', ['x'], never));

    expect([error.fault, error.message]).toEqual([
      'missing',
      'no-such-command x: it did not run (install iproute2 and util-linux in the image)',
    ]);
  });

  test('an aborted command ends as aborted', async () => {
    const stop = new AbortController();
    const running = faultOf(sh('exec sleep 60', stop.signal));
    stop.abort();

    expect((await running).fault).toBe('aborted');
  });
});

describe('streamLines', () => {
  test('yields lines of both outputs and fails when the command ends, even well', async () => {
    const lines = await linesOf('echo one; echo two >&2');

    expect(lines.slice(0, 2)).toEqual(expect.arrayContaining(['one', 'two']));
    expect(lines[2]).toMatchObject({ fault: 'failed', exitCode: 0 });
  });

  test('the failure says what the command said last', async () => {
    const lines = await linesOf('echo "setsockopt: Operation not permitted" >&2; exit 1');

    expect(lines[1]).toMatchObject({ fault: 'denied', stderr: 'setsockopt: Operation not permitted' });
  });

  test('stops the command when the consumer leaves', async () => {
    let pid = 0;
    for await (const line of streamLines('sh', ['-c', 'echo up; exec sleep 60'], never, (id) => void (pid = id ?? 0))) {
      expect(line).toBe('up');
      break;
    }

    await expect.poll(() => isRunning(pid)).toBe(false);
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function linesOf(script: string, signal = never): Promise<(string | CommandError)[]> {
  const lines: (string | CommandError)[] = [];
  try {
    for await (const line of streamLines('sh', ['-c', script], signal)) lines.push(line);
  } catch (error) {
    lines.push(error as CommandError);
  }
  return lines;
}
