import type { KernelLink } from './addresses.ts';
import { parseLinks } from './addresses.ts';
import { CommandError, run } from './command.ts';

/**
 * `ip -j addr show` in a namespace, or in our own for no path. Entered with nsenter and not with `ip -n`, which also mounts /sys again, and a confined
 * container may not do that. @throws {CommandError}
 */
export async function readLinks(path: string | undefined, signal: AbortSignal): Promise<readonly KernelLink[]> {
  const [file, args] = inNamespace(path, ['ip', '-j', 'addr', 'show']);
  const text = await run(file, args, signal);
  const links = parseLinks(text);
  if (links === undefined) {
    throw new CommandError({
      command: [file, ...args].join(' '),
      fault: 'failed',
      exitCode: 0,
      stderr: 'it printed no JSON list',
    });
  }
  return links;
}

/** The command as file and arguments, run in the namespace when one is given. */
export function inNamespace(
  path: string | undefined,
  command: readonly [string, ...string[]],
): [file: string, args: readonly string[]] {
  const [file, ...args] = command;
  return path === undefined ? [file, args] : ['nsenter', [`--net=${path}`, file, ...args]];
}
