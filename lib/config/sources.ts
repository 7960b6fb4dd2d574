import { parseArgs } from 'node:util';
import { COMMAND_NAMES, type Command } from './command.ts';
import type { ConfigFault, Origin } from './fault.ts';
import { nearest } from './nearest.ts';
import type { Option } from './option.ts';
import { OPTIONS, optionsFor, variableOf } from './options.ts';

/** The words given for one option at one place, before they are parsed. */
export interface Given {
  readonly origin: Origin;
  readonly words: readonly string[];
}

/** What one source says: by flag name, with what it says that no option means. */
export interface Source {
  readonly given: ReadonlyMap<string, Given>;
  readonly faults: readonly ConfigFault[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** `--config FILE` is read before all others, so it stands outside the table. */
export const CONFIG_FILE: Option<string> = {
  flag: 'config',
  type: { placeholder: 'FILE', parse: (word) => word },
  commands: COMMAND_NAMES,
  help: 'JSON file with options: an object of flag names without dashes; flags and environment win over it',
};

const ALL_OPTIONS: readonly Option[] = [...Object.values(OPTIONS), CONFIG_FILE];

/** Reads the command line after the command's name. Never throws: node's own parser would stop at the first mistake. */
export function fromFlags(command: Command, argv: readonly string[]): Source {
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      ALL_OPTIONS.map((option) => [
        option.flag,
        { type: parserType(option), ...(option.short !== undefined && { short: option.short }) } as const,
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, Given>();
  const faults: ConfigFault[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') {
      const operand = ALL_OPTIONS.find((option) => option.operand === true && option.commands.includes(command));
      const origin = { source: 'flag', name: token.value } as const;
      if (operand === undefined || given.get(operand.flag)?.origin.source === 'flag')
        faults.push(fault(token.value, 'is not expected here; options begin with --'));
      else add(given, operand.flag, origin, [token.value]);
    } else if (token.kind === 'option') {
      const read = readFlag(command, token);
      if (typeof read === 'string') faults.push(fault(token.rawName, read));
      else add(given, read.flag, { source: 'flag', name: token.rawName }, read.words);
    }
  }
  return { given, faults };
}

/** Reads the environment: our own variable of an option wins over its aliases; an empty one counts as absent. */
export function fromEnvironment(command: Command, environment: Environment): Source {
  const given = new Map<string, Given>();
  for (const option of [...optionsFor(command).map(([, entry]) => entry), CONFIG_FILE]) {
    const name = [variableOf(option), ...(option.aliases ?? [])].find((variable) => environment[variable]?.trim());
    if (name === undefined) continue;
    add(given, option.flag, { source: 'environment', name }, split(option, environment[name] ?? ''));
  }
  return { given, faults: [] };
}

/** Reads the content of the `--config` file. Keys of other commands' options are welcome: one file can serve several. */
export function fromFile(command: Command, path: string, content: string): Source {
  const given = new Map<string, Given>();
  const faults: ConfigFault[] = [];
  const parsed = parseObject(content);
  if (typeof parsed === 'string') {
    return { given, faults: [{ subject: '--config', origin: fileOrigin(path, ''), message: parsed }] };
  }
  for (const [key, value] of Object.entries(parsed)) {
    const option = ALL_OPTIONS.find((entry) => entry.flag === key && entry !== CONFIG_FILE);
    const words = wordsOf(value);
    const complain = (message: string) => faults.push({ subject: key, origin: fileOrigin(path, key), message });
    if (option === undefined) complain(unknownOption(key, ''));
    else if (words === undefined) complain('must be a text, a number, true or false, or a list of those');
    else if (option.commands.includes(command)) {
      add(
        given,
        key,
        fileOrigin(path, key),
        words.flatMap((word) => split(option, word)),
      );
    }
  }
  return { given, faults };
}

interface FlagToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

/** The words of one flag, or what is wrong with it. */
function readFlag(command: Command, token: FlagToken): { flag: string; words: readonly string[] } | string {
  const negated = token.name.startsWith('no-') ? token.name.slice(3) : undefined;
  const option = ALL_OPTIONS.find((entry) => entry.flag === token.name || (entry.flag === negated && isToggle(entry)));
  if (option === undefined) return unknownOption(token.name, '--');
  if (!option.commands.includes(command)) {
    return `is an option of ${option.commands.join(', ')}, not of ${command}; remove it`;
  }
  if (option.flag === negated) {
    return token.value === undefined ? { flag: negated, words: ['false'] } : 'takes no value; remove it';
  }
  if (isToggle(option)) return { flag: option.flag, words: [token.value ?? 'true'] };
  if (!token.value?.trim()) return `needs a value: --${option.flag}=${option.type.placeholder}`;
  if (token.inlineValue !== true && token.value.startsWith('-')) {
    return `needs a value; if it really begins with a dash, write --${option.flag}=${token.value}`;
  }
  return { flag: option.flag, words: split(option, token.value) };
}

function unknownOption(name: string, dashes: string): string {
  const meant = nearest(
    name,
    ALL_OPTIONS.map((option) => option.flag),
  );
  return meant === undefined ? 'unknown option; remove it' : `unknown option; did you mean ${dashes}${meant}?`;
}

/** Adds to what the same source said before: a repeatable flag gathers, for others the last one counts. */
function add(given: Map<string, Given>, flag: string, origin: Origin, words: readonly string[]): void {
  const repeatable = ALL_OPTIONS.find((option) => option.flag === flag)?.type.repeatable === true;
  const earlier = repeatable ? (given.get(flag)?.words ?? []) : [];
  given.set(flag, { origin, words: [...earlier, ...words] });
}

export function split(option: Pick<Option, 'type'>, value: string): readonly string[] {
  if (option.type.repeatable !== true) return [value.trim()];
  return value
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function parseObject(content: string): Record<string, unknown> | string {
  try {
    const value: unknown = JSON.parse(content);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
    return 'must hold one JSON object, such as {"observe": "cni"}';
  } catch (error) {
    return `is not JSON (${error instanceof Error ? error.message : 'unreadable'})`;
  }
}

function wordsOf(value: unknown): readonly string[] | undefined {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.every(isScalar) ? values.map(String) : undefined;
}

function isScalar(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function isToggle(option: Option): boolean {
  return option.type.placeholder === '';
}

function parserType(option: Option): 'boolean' | 'string' {
  return isToggle(option) ? 'boolean' : 'string';
}

function fileOrigin(path: string, name: string): Origin {
  return { source: 'file', name, path };
}

function fault(subject: string, message: string): ConfigFault {
  return { subject, origin: { source: 'flag', name: subject }, message };
}
