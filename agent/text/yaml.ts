/** A JSON value as YAML in block style. Texts that YAML could read as something else are quoted as in JSON, which is YAML, too. */
export function toYaml(value: unknown): string {
  return `${block(value, '').join('\n')}\n`;
}

const PLAIN_TEXT = /^[A-Za-z][\w./-]*$/;
/** Words that a YAML 1.1 or 1.2 reader takes for no text. */
const NOT_TEXT = /^(?:true|false|yes|no|on|off|null|y|n)$/i;

function block(value: unknown, indent: string): string[] {
  if (Array.isArray(value) && value.length > 0) {
    return value.flatMap((item: unknown) => {
      const [first = '', ...rest] = isNested(item) ? block(item, `${indent}  `) : [`${indent}  ${scalar(item)}`];
      return [`${indent}- ${first.slice(indent.length + 2)}`, ...rest];
    });
  }
  if (!isNested(value)) return [`${indent}${scalar(value)}`];
  return Object.entries(value as object).flatMap(([key, item]: [string, unknown]) => {
    if (item === undefined) return [];
    if (!isNested(item)) return [`${indent}${scalar(key)}: ${scalar(item)}`];
    return [`${indent}${scalar(key)}:`, ...block(item, `${indent}  `)];
  });
}

function isNested(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function scalar(value: unknown): string {
  if (typeof value === 'string') return PLAIN_TEXT.test(value) && !NOT_TEXT.test(value) ? value : JSON.stringify(value);
  if (Array.isArray(value)) return '[]';
  return typeof value === 'object' && value !== null ? '{}' : (JSON.stringify(value) ?? 'null');
}
