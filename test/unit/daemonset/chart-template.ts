import { parse as parseYaml, stringify } from 'yaml';

/**
 * A template of the Helm chart, rendered. Understands exactly the part of the language that the chart uses: paths, pipelines,
 * parentheses, `if`, `with`, `range`, `else`, `else if`, trimming, and the functions of the table below.
 *
 * @throws {Error} for everything else, for a field of nothing, and where helm would print `<no value>`
 */
export function renderTemplate(source: string, context: Record<string, unknown>): string {
  const reader = { tokens: tokenize(source), at: 0 };
  const body = readBody(reader);
  if (reader.at < reader.tokens.length) throw new Error('{{ end }} or {{ else }} without a beginning');
  return print(body, { root: context, dot: context });
}

type Token = { readonly text: string } | { readonly action: string };
type Node =
  | { readonly text: string }
  | { readonly value: Pipeline }
  | { readonly block: Keyword; readonly branches: readonly Branch[] };
type Keyword = 'if' | 'with' | 'range';
interface Branch {
  /** Absent: `else`. */
  readonly on?: Pipeline;
  readonly body: readonly Node[];
}
type Pipeline = readonly Command[];
type Command = readonly Operand[];
type Operand =
  | { readonly literal: unknown }
  | { readonly path: readonly string[]; readonly fromRoot: boolean }
  | { readonly name: string }
  | { readonly inner: Pipeline };
interface Scope {
  readonly root: unknown;
  readonly dot: unknown;
}
interface Reader {
  readonly tokens: readonly Token[];
  at: number;
}

function tokenize(source: string): readonly Token[] {
  // A hyphen takes away the white space on its side of the action.
  const trimmed = source.replaceAll(/\s*\{\{- /g, '{{ ').replaceAll(/ -\}\}\s*/g, ' }}');
  return trimmed
    .split(/\{\{(.*?)\}\}/s)
    .map((part, index) => (index % 2 === 0 ? { text: part } : { action: part.trim() }));
}

function readBody(reader: Reader): readonly Node[] {
  const nodes: Node[] = [];
  for (; reader.at < reader.tokens.length; reader.at++) {
    const token = reader.tokens[reader.at] as Token;
    if ('text' in token) {
      nodes.push(token);
      continue;
    }
    const [, keyword, rest = ''] =
      /^(if|with|range|else|end|define|block|template)\b\s*(.*)$/s.exec(token.action) ?? [];
    if (keyword === 'else' || keyword === 'end') break;
    if (keyword === undefined) nodes.push({ value: readPipeline(token.action) });
    else if (keyword === 'if' || keyword === 'with' || keyword === 'range')
      nodes.push(readBlock(reader, keyword, rest));
    else throw new Error(`{{ ${token.action} }} is outside the part of the language that the chart may use`);
  }
  return nodes;
}

/** Ends on the token `end`. */
function readBlock(reader: Reader, block: Keyword, condition: string): Node {
  const branches: Branch[] = [];
  let on: Pipeline | undefined = readPipeline(condition);
  for (;;) {
    reader.at++;
    const body = readBody(reader);
    branches.push(on === undefined ? { body } : { on, body });
    const token = reader.tokens[reader.at];
    if (token === undefined || !('action' in token)) throw new Error(`{{ ${block} ${condition} }} has no end`);
    if (token.action === 'end') return { block, branches };
    const [, next] = /^else if (.+)$/s.exec(token.action) ?? [];
    if (on === undefined || (next === undefined && token.action !== 'else')) throw new Error(`{{ ${token.action} }}?`);
    on = next === undefined ? undefined : readPipeline(next);
  }
}

const WORD = /\s*("(?:[^"\\]|\\.)*"|\d+|\$?\.[\w.]*|\$|\w+|[()|])/y;

function readPipeline(text: string): Pipeline {
  const words: string[] = [];
  WORD.lastIndex = 0;
  for (let at = 0; at < text.trimEnd().length; at = WORD.lastIndex) {
    const word = WORD.exec(text)?.[1];
    if (word === undefined) throw new Error(`{{ ${text} }} is outside the part of the language that the chart may use`);
    words.push(word);
  }
  const pipeline = readCommands(words);
  if (words.length > 0) throw new Error(`{{ ${text} }}: ${words.join(' ')}?`);
  return pipeline;
}

/** Takes words from the front, up to a closing parenthesis. */
function readCommands(words: string[]): Pipeline {
  const commands: Operand[][] = [[]];
  while (words.length > 0 && words[0] !== ')') {
    const word = words.shift() as string;
    if (word === '|') commands.push([]);
    else commands.at(-1)?.push(word === '(' ? parenthesis(words) : operand(word));
  }
  if (commands.some(({ length }) => length === 0)) throw new Error('an empty command');
  return commands;
}

function parenthesis(words: string[]): Operand {
  const inner = readCommands(words);
  if (words.shift() !== ')') throw new Error('a parenthesis is not closed');
  return { inner };
}

function operand(word: string): Operand {
  if (/^["\d]/.test(word)) return { literal: JSON.parse(word) as unknown };
  if (word === 'true' || word === 'false') return { literal: word === 'true' };
  const [, dollar, path] = /^(\$?)\.?(.*)$/.exec(word) ?? [];
  if (!dollar && !word.startsWith('.')) return { name: word };
  return { path: (path ?? '').split('.').filter(Boolean), fromRoot: dollar === '$' };
}

function print(nodes: readonly Node[], scope: Scope): string {
  return nodes.map((node) => printNode(node, scope)).join('');
}

function printNode(node: Node, scope: Scope): string {
  if ('text' in node) return node.text;
  if ('value' in node) return shown(valueOf(node.value, scope));
  for (const { on, body } of node.branches) {
    const value = on === undefined ? true : valueOf(on, scope);
    if (!isTrue(value)) continue;
    if (on === undefined || node.block === 'if') return print(body, scope);
    const dots = node.block === 'range' ? (value as readonly unknown[]) : [value];
    return dots.map((dot) => print(body, { ...scope, dot })).join('');
  }
  return '';
}

function valueOf(pipeline: Pipeline, scope: Scope): unknown {
  return pipeline.reduce<readonly unknown[]>((piped, command) => [call(command, piped, scope)], [])[0];
}

function call([first, ...rest]: Command, piped: readonly unknown[], scope: Scope): unknown {
  const values = [...rest.map((one) => operandValue(one, scope)), ...piped];
  if (first === undefined || !('name' in first)) {
    if (values.length > 0 || first === undefined) throw new Error('only a function takes arguments');
    return operandValue(first, scope);
  }
  const apply = FUNCTIONS[first.name];
  if (apply === undefined) throw new Error(`${first.name} is not a function that the chart may use`);
  return apply(...values);
}

function operandValue(one: Operand, scope: Scope): unknown {
  if ('literal' in one) return one.literal;
  if ('inner' in one) return valueOf(one.inner, scope);
  if ('name' in one) return call([one], [], scope);
  return one.path.reduce<unknown>(
    (value, key) => {
      if (typeof value !== 'object' || value === null) throw new Error(`.${one.path.join('.')}: no ${key} in nothing`);
      return (value as Record<string, unknown>)[key];
    },
    one.fromRoot ? scope.root : scope.dot,
  );
}

/** With the piped value last, as in Go's templates and Sprig. */
const FUNCTIONS: Record<string, (...values: unknown[]) => unknown> = {
  quote: (value) => JSON.stringify(shown(value)),
  lower: (value) => shown(value).toLowerCase(),
  default: (otherwise, value) => (isTrue(value) ? value : otherwise),
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  not: (value) => !isTrue(value),
  or: (...values) => values.find(isTrue) ?? values.at(-1),
  toJson: (value) => JSON.stringify(value),
  toYaml: (value) => stringify(value, { lineWidth: 0 }).trimEnd(),
  nindent: (spaces, text) => `\n${shown(text).replaceAll(/^(?=.)/gm, ' '.repeat(Number(spaces)))}`,
};

/** What Go's templates take for true: neither nothing nor empty nor zero. */
function isTrue(value: unknown): boolean {
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  return Boolean(value);
}

function shown(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  throw new Error(`${JSON.stringify(value)} cannot be printed; helm would write <no value> or a Go map`);
}

/** As helm merges `--values` into values.yaml: maps key by key, null takes a key away, everything else is replaced. */
export function mergeValues(base: unknown, over: unknown): unknown {
  if (!isMap(base) || !isMap(over)) return over;
  const merged = { ...base };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete merged[key];
    else merged[key] = mergeValues(merged[key], value);
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The text of values.yaml. */
export function parseValues(text: string): Record<string, unknown> {
  return parseYaml(text) as Record<string, unknown>;
}
