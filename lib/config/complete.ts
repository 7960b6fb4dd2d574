import { BUILTINS, SHELLS } from './builtins.ts';
import { COMMAND_NAMES, isCommand } from './command.ts';
import type { Option } from './option.ts';
import { optionsFor } from './options.ts';
import { CONFIG_FILE } from './sources.ts';

/**
 * What may stand in place of the last word, which may be empty or half written: commands, flags, or values of a choice. Empty where
 * only the user knows, e.g. the name of a node.
 */
export function completions(words: readonly string[]): readonly string[] {
  const last = words.at(-1) ?? '';
  return candidates(words.slice(0, -1), last).filter((candidate) => candidate.startsWith(last));
}

function candidates(before: readonly string[], last: string): readonly string[] {
  const [command, ...rest] = before;
  if (command === undefined)
    return last.startsWith('-') ? ['--help', '--version'] : [...COMMAND_NAMES, ...Object.keys(BUILTINS)];
  if (command === 'help') return COMMAND_NAMES;
  if (command === 'completion') return SHELLS;
  if (!isCommand(command)) return [];
  const options = [...optionsFor(command).map(([, option]) => option), CONFIG_FILE];
  const assigned = /^--([a-z\d-]+)=/.exec(last)?.[1];
  if (assigned !== undefined)
    return valuesOf(byName(options, `--${assigned}`)).map((value) => `--${assigned}=${value}`);
  const awaited = byName(options, rest.at(-1) ?? '');
  if (awaited !== undefined && awaited.type.placeholder !== '') return valuesOf(awaited);
  if (last.startsWith('-')) return [...options.flatMap(flagsOf), '--help'];
  return valuesOf(options.find(({ operand }) => operand === true));
}

function byName(options: readonly Option[], word: string): Option | undefined {
  return options.find(({ flag, short }) => word === `--${flag}` || (short !== undefined && word === `-${short}`));
}

/** The placeholder of a choice lists its values. */
function valuesOf(option: Option | undefined): readonly string[] {
  const values = option?.type.placeholder.split('|') ?? [];
  return values.length > 1 ? values : [];
}

function flagsOf({ flag, type }: Option): readonly string[] {
  return type.placeholder === '' ? [`--${flag}`, `--no-${flag}`] : [`--${flag}`];
}
