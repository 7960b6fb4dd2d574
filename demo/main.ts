import { parseArgs } from 'node:util';
import { stopSignal } from '../agent/stop-signal.ts';
import { EXIT } from '../lib/config/exit-codes.ts';
import { LOG_LEVELS } from '../lib/runtime/logger.ts';
import { type DemoOptions, runDemo } from './demo.ts';

const USAGE = `Usage: npm run demo -- [--serve] [--log-level=${LOG_LEVELS.join('|')}] [--log-format=json|pretty]

Real agents against a simulated AWS and Kubernetes, on this machine. --serve keeps the simulated cluster up afterwards, to play with
using kubectl. Exit codes: 0 every scene and the final state are right; 1 something was wrong; 64 the command line cannot be used; 130
Ctrl-C.`;

/** What the command line says; undefined when it asks for help. Throws for what it does not know. */
function readCommandLine(args: readonly string[]): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      serve: { type: 'boolean', default: false },
      'log-level': { type: 'string', default: 'info' },
      'log-format': { type: 'string', default: 'json' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    serve: values.serve,
    logLevel: oneOf(LOG_LEVELS, '--log-level', values['log-level']),
    logFormat: oneOf(['json', 'pretty'] as const, '--log-format', values['log-format']),
  };
}

function oneOf<T extends string>(choices: readonly T[], flag: string, given: string): T {
  const chosen = choices.find((choice) => choice === given);
  if (chosen === undefined) throw new Error(`${flag} is one of ${choices.join(', ')}, not ${JSON.stringify(given)}`);
  return chosen;
}

async function main(): Promise<number> {
  let options: DemoOptions | undefined;
  try {
    options = readCommandLine(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}\n`);
    return EXIT.usage;
  }
  if (options !== undefined) return runDemo(options, stopSignal());
  process.stdout.write(`${USAGE}\n`);
  return 0;
}

process.exitCode = await main();
