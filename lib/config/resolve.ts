import type { Command } from './command.ts';
import type { ConfigFault, Origin } from './fault.ts';
import type { Option } from './option.ts';
import type { OptionsOf } from './options.ts';
import { optionsFor, variableOf } from './options.ts';
import type { Environment, Given, Source } from './sources.ts';
import { CONFIG_FILE, fromEnvironment, fromFile, fromFlags, split } from './sources.ts';
import { Mistake } from './value-type.ts';

export interface ConfigInput {
  /** The words after the command's name. */
  readonly argv: readonly string[];
  readonly environment: Environment;
  /** Content of the `--config` file; may throw, which becomes a fault. */
  readonly readFile: (path: string) => string;
}

export type Resolved<C extends Command> =
  | {
      readonly ok: true;
      readonly options: OptionsOf<C>;
      /** Where each option's value came from, by flag name. */
      readonly origins: ReadonlyMap<string, Origin>;
    }
  | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/**
 * The options of a command: flag over environment over file over default. Reports every fault at once, because a DaemonSet that
 * fails one option per rollout wastes its owner's afternoon. A value that loses to a better source is not looked at.
 */
export function resolveOptions<C extends Command>(command: C, input: ConfigInput): Resolved<C> {
  const flags = fromFlags(command, input.argv);
  const environment = fromEnvironment(command, input.environment);
  const file = readConfigFile(command, input, [flags, environment]);
  const sources = [flags, environment, file];
  const faults = sources.flatMap((source) => source.faults);
  const values: Record<string, unknown> = {};
  const origins = new Map<string, Origin>();
  for (const [key, option] of optionsFor(command)) {
    const given = firstGiven(option, sources);
    const value = given === undefined && isMadeUpFor(option, sources) ? '' : parse(command, option, given);
    if (value instanceof Mistake) faults.push(faultOf(option, given, value));
    else values[key] = value;
    origins.set(option.flag, given?.origin ?? { source: 'default' });
  }
  if (faults.length > 0) return { ok: false, faults };
  return { ok: true, options: values as OptionsOf<C>, origins };
}

function readConfigFile(command: Command, input: ConfigInput, sources: readonly Source[]): Source {
  const given = firstGiven(CONFIG_FILE, sources);
  const path = given?.words[0];
  if (given === undefined || path === undefined) return { given: new Map(), faults: [] };
  try {
    return fromFile(command, path, input.readFile(path));
  } catch (error) {
    const message = `${path} cannot be read (${error instanceof Error ? error.message : String(error)})`;
    return { given: new Map(), faults: [{ subject: '--config', origin: given.origin, message }] };
  }
}

function firstGiven(option: Option, sources: readonly Source[]): Given | undefined {
  const given = sources.map((source) => source.given.get(option.flag)).find((entry) => entry !== undefined);
  if (given !== undefined || option.default === undefined) return given;
  return { origin: { source: 'default' }, words: split(option, option.default) };
}

function isMadeUpFor({ unless = [] }: Option, sources: readonly Source[]): boolean {
  return unless.some((flag) => sources.some((source) => source.given.has(flag)));
}

function parse(command: Command, option: Option, given: Given | undefined): unknown {
  const words = given?.words ?? [];
  if (option.type.repeatable === true) {
    const values = words.map((word) => parseWord(option, word));
    return values.find((value) => value instanceof Mistake) ?? values;
  }
  const word = words.at(-1);
  if (word !== undefined && word !== '') return parseWord(option, word);
  if (option.required !== true) return undefined;
  const [instead] = option.unless ?? [];
  const canLookFromOutside = optionsFor(command).some(([, { flag }]) => flag === instead);
  return new Mistake(
    `is required; give --${option.flag}=${option.type.placeholder} or set ${namesInEnvironment(option)}${canLookFromOutside ? `; on your own machine, --${instead}=NAME instead` : ''}`,
  );
}

function parseWord(option: Option, word: string): unknown {
  const value = option.type.parse(word);
  return value instanceof Mistake ? new Mistake(`${JSON.stringify(word)} ${value.message}`) : value;
}

function faultOf(option: Option, given: Given | undefined, mistake: Mistake): ConfigFault {
  return { subject: `--${option.flag}`, origin: given?.origin ?? { source: 'default' }, message: mistake.message };
}

function namesInEnvironment(option: Option): string {
  return [variableOf(option), ...(option.aliases ?? [])].join(' or ');
}
