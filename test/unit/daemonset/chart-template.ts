import { parse as parseYaml, stringify } from 'yaml';

/**
 * A template of the Helm chart, rendered. Understands exactly the part of the language that the chart uses: paths, pipelines,
 * parentheses, `if`, `with`, `range` (with `$key, $value`), `else`, `else if`, `define`, `include`, comments, trimming, and the functions
 * of the table below. Where Go is installed, `helm.test.ts` compares it with Go's own templates.
 *
 * @param shared the text of `_helpers.tpl`, whose definitions `include` finds
 * @throws {Error} for everything else, for a field of nothing, and where helm would print `<no value>`
 */
export function renderTemplate(source: string, context: Record<string, unknown>, shared = ''): string {
  const definitions = new Map<string, readonly Node[]>();
  read(shared, definitions);
  const body = read(source, definitions);
  return print(body, { root: context, dot: context, variables: {}, definitions });
}

function read(source: string, definitions: Map<string, readonly Node[]>): readonly Node[] {
  const reader = { tokens: tokenize(source), at: 0, definitions };
  const body = readBody(reader);
  if (reader.at < reader.tokens.length) throw new Error('{{ end }} or {{ else }} without a beginning');
  return body;
}

type Token = { readonly text: string } | { readonly action: string };
type Node =
  | { readonly text: string }
  | { readonly value: Pipeline }
  | { readonly block: Keyword; readonly branches: readonly Branch[]; readonly names: readonly string[] };
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
  | { readonly path: readonly string[]; readonly from: 'dot' | 'root' }
  | { readonly variable: string }
  | { readonly name: string }
  | { readonly inner: Pipeline };
interface Scope {
  readonly root: unknown;
  readonly dot: unknown;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly definitions: ReadonlyMap<string, readonly Node[]>;
}
interface Reader {
  readonly tokens: readonly Token[];
  at: number;
  readonly definitions: Map<string, readonly Node[]>;
}

function tokenize(source: string): readonly Token[] {
  // A hyphen takes away the white space on its side of the action.
  const trimmed = source.replaceAll(/\s*\{\{- /g, '{{ ').replaceAll(/ -\}\}\s*/g, ' }}');
  return trimmed
    .split(/\{\{(.*?)\}\}/s)
    .map((part, index) => (index % 2 === 0 ? { text: part } : { action: part.trim() }))
    .filter((token) => !('action' in token && token.action.startsWith('/*')));
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
    else if (keyword === 'define') readDefinition(reader, rest);
    else throw new Error(`{{ ${token.action} }} is outside the part of the language that the chart may use`);
  }
  return nodes;
}

/** Ends on the token `end`. */
function readDefinition(reader: Reader, name: string): void {
  reader.at++;
  const body = readBody(reader);
  const token = reader.tokens[reader.at];
  if (token === undefined || !('action' in token) || token.action !== 'end') throw new Error(`${name} has no end`);
  reader.definitions.set(JSON.parse(name) as string, body);
}

/** Ends on the token `end`. */
function readBlock(reader: Reader, block: Keyword, text: string): Node {
  const [, key, value, condition = text] = /^\$(\w+), \$(\w+) := (.+)$/s.exec(text) ?? [];
  const names = key === undefined || value === undefined ? [] : [key, value];
  const branches: Branch[] = [];
  let on: Pipeline | undefined = readPipeline(condition);
  for (;;) {
    reader.at++;
    const body = readBody(reader);
    branches.push(on === undefined ? { body } : { on, body });
    const token = reader.tokens[reader.at];
    if (token === undefined || !('action' in token)) throw new Error(`{{ ${block} ${condition} }} has no end`);
    if (token.action === 'end') return { block, branches, names };
    const [, next] = /^else if (.+)$/s.exec(token.action) ?? [];
    if (on === undefined || (next === undefined && token.action !== 'else')) throw new Error(`{{ ${token.action} }}?`);
    on = next === undefined ? undefined : readPipeline(next);
  }
}

const WORD = /\s*("(?:[^"\\]|\\.)*"|\d+|\$?\.[\w.]*|\$\w*|\w+|[()|])/y;

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
  if (/^\$\w/.test(word)) return { variable: word.slice(1) };
  const [, dollar, path] = /^(\$?)\.?(.*)$/.exec(word) ?? [];
  if (!dollar && !word.startsWith('.')) return { name: word };
  return { path: (path ?? '').split('.').filter(Boolean), from: dollar === '$' ? 'root' : 'dot' };
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
    if (node.block === 'with') return print(body, { ...scope, dot: value });
    return ranged(value, node.names, scope)
      .map((inner) => print(body, inner))
      .join('');
  }
  return '';
}

/** A scope for each turn: of a list the items, of a map the values in the order of their keys. */
function ranged(value: unknown, [key, item]: readonly string[], scope: Scope): readonly Scope[] {
  const entries = Object.entries(value as object);
  const sorted = Array.isArray(value) ? entries : entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return sorted.map(([name, dot]) => {
    const named = key === undefined || item === undefined ? {} : { [key]: name, [item]: dot as unknown };
    return { ...scope, dot, variables: { ...scope.variables, ...named } };
  });
}

function valueOf(pipeline: Pipeline, scope: Scope): unknown {
  return pipeline.reduce<readonly unknown[]>((piped, command) => [call(command, piped, scope)], [])[0];
}

function call([first, ...rest]: Command, piped: readonly unknown[], scope: Scope): unknown {
  const values = [...rest.map((one) => operandValue(one, scope)), ...piped];
  if (first !== undefined && 'name' in first && first.name === 'include') return included(values, scope);
  if (first !== undefined && 'path' in first && values.length > 0) return called(first, values, scope);
  if (first === undefined || !('name' in first)) {
    if (values.length > 0 || first === undefined) throw new Error('only a function takes arguments');
    return operandValue(first, scope);
  }
  const apply = FUNCTIONS[first.name];
  if (apply === undefined) throw new Error(`${first.name} is not a function that the chart may use`);
  return apply(...values);
}

function included([name, dot]: readonly unknown[], scope: Scope): string {
  const body = scope.definitions.get(String(name));
  if (body === undefined) throw new Error(`include ${String(name)}: _helpers.tpl has no such definition`);
  return print(body, { ...scope, root: dot, dot, variables: {} });
}

/** A method, as `.Files.Get "files/rules.yaml"`. */
function called(path: Operand, values: readonly unknown[], scope: Scope): unknown {
  const method = operandValue(path, scope);
  if (typeof method !== 'function') throw new Error('only a function takes arguments');
  return (method as (...given: readonly unknown[]) => unknown)(...values);
}

function operandValue(one: Operand, scope: Scope): unknown {
  if ('literal' in one) return one.literal;
  if ('variable' in one) return scope.variables[one.variable];
  if ('inner' in one) return valueOf(one.inner, scope);
  if ('name' in one) return call([one], [], scope);
  return one.path.reduce<unknown>(
    (value, key) => {
      if (typeof value !== 'object' || value === null) throw new Error(`.${one.path.join('.')}: no ${key} in nothing`);
      return (value as Record<string, unknown>)[key];
    },
    one.from === 'root' ? scope.root : scope.dot,
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
  upper: (value) => shown(value).toUpperCase(),
  trim: (value) => shown(value).trim(),
  toString: (value: unknown) => shown(value),
  join: (separator, list) => (list as readonly unknown[]).map(shown).join(shown(separator)),
  replace: (from, to, value) => shown(value).replaceAll(shown(from), shown(to)),
  printf: (format, ...values) =>
    values.reduce<string>((text, value) => text.replace('%s', shown(value)), shown(format)),
  kindIs: (kind, value): unknown =>
    kind === (Array.isArray(value) ? 'slice' : typeof value === 'object' ? 'map' : typeof value),
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
