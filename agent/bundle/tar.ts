/** One file of an archive. */
export interface TarEntry {
  /** Relative, with `/`; at most 100 bytes behind and 155 before some slash. */
  readonly path: string;
  readonly content: string | Buffer;
}

const BLOCK = 512;

/**
 * A POSIX ustar archive of plain files, readable by everybody. @param mtime seconds since the epoch
 * @throws {Error} when a path is too long for the format.
 */
export function tarOf(entries: readonly TarEntry[], mtime: number): Buffer {
  const blocks = entries.flatMap(({ path, content }) => {
    const body = Buffer.from(content as string);
    const padding = Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK);
    return [header(path, body.length, mtime), body, padding];
  });
  // Two empty blocks end an archive.
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function header(path: string, size: number, mtime: number): Buffer {
  const { name, prefix } = splitPath(path);
  const block = Buffer.alloc(BLOCK);
  const put = (text: string, offset: number) => block.write(text, offset, 'utf8');
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  put(name, 0);
  put(`${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`, 100);
  put(`${octal(size, 11)}\0${octal(Math.floor(mtime), 11)}\0`, 124);
  // The checksum is counted with blanks in its own place.
  put(' '.repeat(8), 148);
  put('0', 156);
  put('ustar\0' + '00', 257);
  put(prefix, 345);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function splitPath(path: string): { readonly name: string; readonly prefix: string } {
  const bytes = (text: string) => Buffer.byteLength(text);
  if (bytes(path) <= 100) return { name: path, prefix: '' };
  for (let at = path.indexOf('/'); at > 0; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (bytes(prefix) <= 155 && bytes(name) <= 100) return { name, prefix };
  }
  throw new Error(`the path ${path.slice(0, 80)}… is too long for a tar archive`);
}
