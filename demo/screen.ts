import type { Paint } from '../agent/text/paint.ts';
import { fillLines } from '../lib/config/fill-lines.ts';

/** What a screen needs of a terminal; a pipe has no `isTTY`. */
export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** No line is longer: half of all terminals in the world are this wide. */
export const COLUMNS = 80;
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const FRAME_MS = 120;
const ERASE_LINE = '\r\u001B[2K';

/**
 * The demo's voice: lines of at most 80 columns, and, on a terminal only, a last line that moves while something is waited for. Whoever
 * opens it closes it.
 */
export class Screen {
  readonly paint: Paint;
  readonly #output: Output;
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #waiting: { readonly what: string; readonly since: number } | undefined;
  #frame = 0;

  constructor(output: Output, paint: Paint, now: () => number) {
    this.#output = output;
    this.paint = paint;
    this.#now = now;
  }

  /** Prints text, wrapped with the indentation that it begins with; `style` is put on after that. */
  print(text: string, style: (line: string) => string = (line) => line): void {
    this.#erase();
    for (const line of text.split('\n').flatMap((each) => wrapped(each, COLUMNS)))
      this.#output.write(`${style(line)}\n`);
  }

  /** Prints what is laid out and painted already. */
  show(lines: readonly string[]): void {
    this.#erase();
    for (const line of lines) this.#output.write(`${line}\n`);
  }

  /** From now on the last line says this and moves; undefined: nothing is waited for. */
  wait(what: string | undefined): void {
    this.#erase();
    this.#waiting = what === undefined ? undefined : { what, since: this.#now() };
    if (this.#output.isTTY !== true) return;
    if (what === undefined) this.close();
    else this.#timer ??= setInterval(() => this.#draw(), FRAME_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#erase();
  }

  #draw(): void {
    if (this.#waiting === undefined) return;
    const { what, since } = this.#waiting;
    this.#frame = (this.#frame + 1) % FRAMES.length;
    const line = `   ${FRAMES[this.#frame]} ${what}  ${((this.#now() - since) / 1000).toFixed(1)} s`;
    this.#output.write(`${ERASE_LINE}${this.paint.dim(line.slice(0, COLUMNS - 1))}`);
  }

  #erase(): void {
    if (this.#timer !== undefined || this.#frame > 0) this.#output.write(ERASE_LINE);
    this.#frame = 0;
  }
}

/** The text in lines of at most so many columns, broken at blanks, each with the blanks that the first one begins with. */
export function wrapped(text: string, columns: number): readonly string[] {
  const indent = /^ */.exec(text)?.[0] ?? '';
  return fillLines(text.slice(indent.length).split(' '), columns - indent.length).map((line) => `${indent}${line}`);
}
