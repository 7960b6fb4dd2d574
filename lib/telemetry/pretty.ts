const COLOURS: Readonly<Record<string, string>> = {
  debug: '\u001B[2m',
  info: '\u001B[32m',
  warn: '\u001B[33m',
  error: '\u001B[31m',
};
const RESET = '\u001B[0m';
const DIM = '\u001B[2m';

/**
 * One JSON log line as a line for people: `05:42:25.123 INFO  address assigned  address=10.0.1.5 pod=media/a`.
 * A line that is not JSON is passed on as it is. Ends with a line feed.
 */
export function prettyLine(line: string, colour: boolean): string {
  const record = parse(line);
  if (record === undefined) return line;
  const { level, time, msg, error, ...fields } = record;
  const name = word(level);
  const paint = (code: string, content: string) => (colour && code !== '' ? `${code}${content}${RESET}` : content);
  const head = [
    paint(DIM, word(time).slice(11, 23)),
    paint(COLOURS[name] ?? '', name.toUpperCase().padEnd(5)),
    word(msg),
  ].join(' ');
  const pairs = Object.entries(fields).map(([key, value]) => `${paint(DIM, `${key}=`)}${word(value)}`);
  return `${[head, pairs.join(' ')].filter((part) => part !== '').join('  ')}${errorLines(error)}\n`;
}

function parse(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Text as it is when it has no blanks, else in JSON, so that one line stays one line. */
function word(value: unknown): string {
  if (typeof value === 'string') return value;
  return JSON.stringify(value) ?? '';
}

function errorLines(error: unknown): string {
  if (typeof error !== 'object' || error === null) return error === undefined ? '' : `\n    ${word(error)}`;
  const { stack, name, message, ...rest } = error as Record<string, unknown>;
  const more = Object.keys(rest).length === 0 ? '' : ` ${JSON.stringify(rest)}`;
  const text = typeof stack === 'string' ? stack : `${word(name)}: ${word(message)}`;
  return `\n${`${text}${more}`
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')}`;
}
