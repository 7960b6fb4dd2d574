import { BUILTINS, SHELLS, USES, unknownCommand } from '../../lib/config/builtins.ts';
import { isCommand } from '../../lib/config/command.ts';
import { completions } from '../../lib/config/complete.ts';
import { EXIT } from '../../lib/config/exit-codes.ts';
import { HELP_COLUMNS, renderHelp, renderUsage } from '../../lib/config/render.ts';
import { COMMIT, VERSION } from '../version.ts';
import { completionScript } from './completion.ts';

/** What a built-in command prints, and the exit code; faults go to stderr. */
export interface BuiltinResult {
  readonly text: string;
  readonly code: number;
}

/**
 * Answers everything that needs no options: help, version, completion, and words that nobody knows. Help fits a terminal of so many
 * columns; undefined is a pipe.
 */
export function runBuiltin(word: string | undefined, rest: readonly string[], terminal?: number): BuiltinResult {
  const columns = Math.min(terminal || HELP_COLUMNS, HELP_COLUMNS);
  if (rest.some((given) => given === '-h' || given === '--help') && isBuiltin(word)) return helpOf(word, columns);
  switch (word) {
    case undefined:
    case '-h':
    case '--help':
      return fine(renderUsage(columns));
    case 'help':
      return helpOf(rest[0], columns);
    case '-v':
    case '--version':
      return fine(VERSION);
    case 'version':
      return fine(`eni-agent ${VERSION}\ncommit ${COMMIT}\nNode.js ${process.version}`);
    case 'completion':
      return completionFor(rest[0]);
    case '__complete':
      // The last line is cobra's directive "no file names": kubectl asks its plugins in this way.
      return fine([...completions(rest), ':4'].join('\n'));
    default:
      return wrong(unknownCommand(word));
  }
}

function helpOf(command: string | undefined, columns: number): BuiltinResult {
  if (command === undefined) return fine(renderUsage(columns));
  if (isCommand(command)) return fine(renderHelp(command, columns));
  if (!isBuiltin(command)) return wrong(unknownCommand(command));
  return fine(
    [`eni-agent ${command}: ${BUILTINS[command]}`, '', 'Usage:', ...USES[command].map((use) => `  ${use}`)].join('\n'),
  );
}

function isBuiltin(word: string | undefined): word is keyof typeof BUILTINS {
  return word !== undefined && Object.hasOwn(BUILTINS, word);
}

function completionFor(given: string | undefined): BuiltinResult {
  const shell = SHELLS.find((known) => known === given);
  if (shell !== undefined) return fine(completionScript(shell).trimEnd());
  return wrong(`completion needs the name of your shell: eni-agent completion ${SHELLS.join('|')}`);
}

function fine(text: string): BuiltinResult {
  return { text: `${text}\n`, code: EXIT.ok };
}

function wrong(message: string): BuiltinResult {
  return { text: `eni-agent: ${message}\n`, code: EXIT.usage };
}
