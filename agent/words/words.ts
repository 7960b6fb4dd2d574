import { isCommand } from '../../lib/config/command.ts';
import { completions } from '../../lib/config/complete.ts';
import { EXIT } from '../../lib/config/exit-codes.ts';
import { renderHelp, renderUsage } from '../../lib/config/render.ts';
import { SHELLS, USES, unknownCommand, WORDS } from '../../lib/config/words.ts';
import { COMMIT, VERSION } from '../version.ts';
import { completionScript } from './completion.ts';

/** What a word that is not a command prints, and the exit code; faults go to stderr. */
export interface Said {
  readonly text: string;
  readonly code: number;
}

/** Answers everything that needs no options: help, version, completion, and words that nobody knows. */
export function answerWord(word: string | undefined, rest: readonly string[]): Said {
  if (rest.some((given) => given === '-h' || given === '--help') && isWord(word)) return helpOf(word);
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

function helpOf(command: string | undefined): Said {
  if (command === undefined) return fine(renderUsage());
  if (isCommand(command)) return fine(renderHelp(command));
  if (!isWord(command)) return wrong(unknownCommand(command));
  return fine(
    [`eni-agent ${command}: ${WORDS[command]}`, '', 'Usage:', ...USES[command].map((use) => `  ${use}`)].join('\n'),
  );
}

function isWord(word: string | undefined): word is keyof typeof WORDS {
  return word !== undefined && Object.hasOwn(WORDS, word);
}

function completionFor(given: string | undefined): Said {
  const shell = SHELLS.find((known) => known === given);
  if (shell !== undefined) return fine(completionScript(shell).trimEnd());
  return wrong(`completion needs the name of your shell: eni-agent completion ${SHELLS.join('|')}`);
}

function fine(text: string): Said {
  return { text: `${text}\n`, code: EXIT.ok };
}

function wrong(message: string): Said {
  return { text: `eni-agent: ${message}\n`, code: EXIT.usage };
}
