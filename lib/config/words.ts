import { COMMAND_NAMES, COMMANDS } from './command.ts';
import { nearest } from './nearest.ts';

/** Words that stand where a command stands and need no options. */
export const WORDS = {
  help: 'prints this text, or the options of a command: eni-agent help COMMAND',
  version: 'prints the version, the commit it was built from and the version of Node',
  completion: 'prints what makes a shell complete our words: eni-agent completion bash|zsh|fish',
} as const satisfies Record<string, string>;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

/** What to say of a word that is not a command: one line with the one that was probably meant, or with all of them. */
export function unknownCommand(word: string): string {
  if (word === 'demo') return 'the demo is not part of the program; run npm run demo in a clone of the repository';
  const known = [...COMMAND_NAMES, ...Object.keys(WORDS)];
  const meant = nearest(word, known);
  const advice =
    meant === undefined ? `the commands are ${Object.keys(COMMANDS).join(', ')}` : `did you mean ${meant}?`;
  return `unknown command ${JSON.stringify(word)}; ${advice}`;
}
