import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** A ConfigMap holds 1 MiB in all. */
const MAX_BYTES = 1024 * 1024;

/**
 * The entries of a mounted ConfigMap: content by file name. Empty when the folder does not exist; names that begin with a dot are the
 * kubelet's own. A file that is not an ordinary one counts as empty.
 * @throws {Error} when the folder or a file cannot be read.
 */
export async function readEntries(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const visible = names.filter((name) => !name.startsWith('.')).toSorted();
  return new Map(await Promise.all(visible.map(async (name) => [name, await read(join(folder, name))] as const)));
}

async function read(path: string): Promise<string> {
  // A FIFO would block an ordinary open until somebody writes.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = await file.stat().then((stat) => (stat.isFile() ? stat : { size: 0 }));
    if (size > MAX_BYTES) throw new Error(`${path} has ${size} bytes; a ConfigMap holds ${MAX_BYTES}`);
    return size === 0 ? '' : await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
