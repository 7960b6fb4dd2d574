import { constants } from 'node:fs';
import { access, readdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostLink } from '../../lib/model/node-links/node-links.ts';
import { readHostLinks } from '../../lib/net/link-settings.ts';
import type { Answer, FolderFound, NamespacesFound, RpFiltersFound } from '../../lib/plan/doctor/evidence.ts';

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

/** statfs(2)'s type of a mounted namespace (`NSFS_MAGIC`). The empty file below the mount has the folder's. */
const NSFS = 0x6e736673;

/** How many files of the folder are mounted network namespaces as far as this process sees. */
export async function askNamespaces(dir: string): Promise<Answer<NamespacesFound>> {
  try {
    const files = (await readdir(dir, { withFileTypes: true })).filter((entry) => entry.isFile());
    const types = await Promise.all(files.map(({ name }) => statfs(join(dir, name)).then(({ type }) => type)));
    return {
      kind: 'known',
      value: { dir, files: files.length, mounted: types.filter((type) => type === NSFS).length },
    };
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

/** The line `CapEff` of /proc/self/status (proc_pid_status(5)): a hexadecimal mask. */
export async function askCapabilities(): Promise<Answer<bigint>> {
  const text = await readFile('/proc/self/status', 'utf8').catch(() => '');
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(text)?.[1];
  if (mask === undefined) return { kind: 'failed', message: '/proc/self/status has no line CapEff' };
  return { kind: 'known', value: BigInt(`0x${mask}`) };
}

/** The links of the host, where this process shares its network. */
export async function askLinks(signal: AbortSignal): Promise<Answer<readonly HostLink[]>> {
  try {
    return { kind: 'known', value: await readHostLinks(signal) };
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}

const IPV4_SETTINGS = '/proc/sys/net/ipv4/conf';

/** Reverse path filtering of each link of this network namespace. */
export async function askRpFilters(): Promise<Answer<RpFiltersFound>> {
  try {
    const names = await readdir(IPV4_SETTINGS);
    const read = async (name: string) => Number(await readFile(join(IPV4_SETTINGS, name, 'rp_filter'), 'utf8'));
    const byLink = new Map(await Promise.all(names.map(async (name) => [name, await read(name)] as const)));
    return { kind: 'known', value: { all: byLink.get('all') ?? 0, byLink } };
  } catch (error) {
    return { kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}
