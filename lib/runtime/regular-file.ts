import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

export type FileContent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'absent' }
  /** `fault` completes the sentence "PATH …". */
  | { readonly kind: 'unreadable'; readonly fault: string };

/**
 * Reads a small file without ever waiting: opening a FIFO that nobody writes to would block the whole process, and a device or a
 * huge file has no end. Links are followed. Never throws.
 */
export function readSmallFile(path: string, maxBytes: number): FileContent {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    if (!stats.isFile()) return { kind: 'unreadable', fault: 'is not a regular file' };
    if (stats.size > maxBytes) return { kind: 'unreadable', fault: `is larger than ${maxBytes} bytes` };
    return { kind: 'text', text: readFileSync(file, 'utf8') };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kind: 'absent' };
    // A socket cannot be opened at all.
    return { kind: 'unreadable', fault: code === 'ENXIO' ? 'is not a regular file' : `cannot be read (${message})` };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
