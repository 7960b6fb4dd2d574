import { COMMAND_NAMES, COMMANDS } from './command.ts';
import { INTERACTIVE_OPTIONS } from './interactive-options.ts';
import { nearest } from './nearest.ts';

/** Commands that are built into the command line: they need no options and start nothing. */
export const BUILTINS = {
  help: 'prints this text, or the options of a command',
  version: 'prints the version, the commit and the version of Node.js',
  completion: 'prints the completion script for your shell',
} as const satisfies Record<string, string>;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

/** How each built-in command is used, for its `--help`. */
export const USES: Readonly<Record<keyof typeof BUILTINS, readonly string[]>> = {
  help: ['eni-agent help [COMMAND]'],
  version: ['eni-agent version    with commit and Node.js', 'eni-agent --version  the version alone, for scripts'],
  completion: [
    'source <(eni-agent completion bash)        in ~/.bashrc',
    'source <(eni-agent completion zsh)         in ~/.zshrc, after compinit',
    'eni-agent completion fish | source         in ~/.config/fish/config.fish',
  ],
};

/** What to say of a word that is not a command: one line with the one that was probably meant, or with all of them. */
export function unknownCommand(word: string): string {
  if (word === 'demo') return 'the demo is not part of the program; run npm run demo in a clone of the repository';
  if (word.startsWith('-'))
    return `unknown option ${JSON.stringify(word)}; a command comes first: eni-agent COMMAND [OPTIONS]`;
  const views: readonly string[] = INTERACTIVE_OPTIONS.view.type.placeholder.split('|');
  if (views.includes(word)) return `unknown command ${JSON.stringify(word)}; did you mean eni-agent status ${word}?`;
  const known = [...COMMAND_NAMES, ...Object.keys(BUILTINS)];
  const meant = nearest(word, known);
  const advice =
    meant === undefined ? `the commands are ${Object.keys(COMMANDS).join(', ')}` : `did you mean ${meant}?`;
  return `unknown command ${JSON.stringify(word)}; ${advice}`;
}
