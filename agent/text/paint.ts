/** Colours for a terminal; each returns its text unchanged where colours are off. */
export interface Paint {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
}

/** SGR codes of ECMA-48 in the sixteen colours that every terminal theme defines. */
const CODES = { bold: 1, dim: 2, good: 32, warn: 33, bad: 31 } as const;

export const PLAIN: Paint = paintWith((_code, text) => text);
export const COLOURED: Paint = paintWith((code, text) => (text === '' ? '' : `\u001B[${code}m${text}\u001B[0m`));

/** Colours on a terminal only, and not where NO_COLOR is set (no-color.org) or the terminal is a dumb one. */
export function paintFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Paint {
  const wanted = stream.isTTY === true && !environment['NO_COLOR'] && environment['TERM'] !== 'dumb';
  return wanted ? COLOURED : PLAIN;
}

function paintWith(apply: (code: number, text: string) => string): Paint {
  const of = (code: number) => (text: string) => apply(code, text);
  return { bold: of(CODES.bold), dim: of(CODES.dim), good: of(CODES.good), warn: of(CODES.warn), bad: of(CODES.bad) };
}
