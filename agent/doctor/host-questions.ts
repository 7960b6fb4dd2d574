import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import type { Answer, FolderFound } from '../../lib/plan/doctor/evidence.ts';

export async function askFolders(
  folders: readonly { readonly path: string; readonly option: string }[],
): Promise<readonly FolderFound[]> {
  return Promise.all(
    folders.map(async ({ path, option }) => {
      const readable = await access(path, constants.R_OK | constants.X_OK).then(
        () => true,
        () => false,
      );
      return { path, option, readable };
    }),
  );
}

/** The line `CapEff` of /proc/self/status (proc_pid_status(5)): a hexadecimal mask. */
export async function askCapabilities(): Promise<Answer<bigint>> {
  const text = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(text)?.[1];
  if (mask === undefined) return { kind: 'failed', message: '/proc/self/status does not tell' };
  return { kind: 'known', value: BigInt(`0x${mask}`) };
}
