import { isCommand } from '../../lib/config/command.ts';
import { completions } from '../../lib/config/complete.ts';
import { EXIT } from '../../lib/config/exit-codes.ts';
import { renderHelp, renderUsage } from '../../lib/config/render.ts';
import { SHELLS, unknownCommand } from '../../lib/config/words.ts';
import { COMMIT, VERSION } from '../version.ts';
import { completionScript } from './completion.ts';

/** What a word that is not a command prints, and the exit code; faults go to stderr. */
export interface Said {
  readonly text: string;
  readonly code: number;
}

/** Answers everything that needs no options: help, version, completion, and words that nobody knows. */
export function answerWord(word: string | undefined, rest: readonly string[]): Said {
  switch (word) {
    case undefined:
    case '-h':
    case '--help':
      return fine(renderUsage());
    case 'help':
      return helpOf(rest[0]);
    case '-v':
    case '--version':
      return fine(VERSION);
    case 'version':
      return fine(`eni-agent ${VERSION}\ncommit ${COMMIT}\nNode ${process.version}`);
    case 'completion':
      return completionFor(rest[0]);
    case '__complete':
      // The last line is cobra's directive "no file names": kubectl asks its plugins in this way.
      return fine([...completions(rest), ':4'].join('\n'));
    default:
      return wrong(unknownCommand(word));
  }
}

function helpOf(command: string | undefined): Said {
  if (command === undefined) return fine(renderUsage());
  return isCommand(command) ? fine(renderHelp(command)) : wrong(unknownCommand(command));
}

function completionFor(given: string | undefined): Said {
  const shell = SHELLS.find((known) => known === given);
  if (shell !== undefined) return fine(completionScript(shell).trimEnd());
  return wrong(`completion needs the name of a shell: eni-agent completion ${SHELLS.join('|')}`);
}

function fine(text: string): Said {
  return { text: `${text}\n`, code: EXIT.ok };
}

function wrong(message: string): Said {
  return { text: `eni-agent: ${message}\n`, code: EXIT.usage };
}
