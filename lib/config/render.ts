import { BUILTINS } from './builtins.ts';
import type { Command } from './command.ts';
import { COMMAND_NAMES, COMMANDS } from './command.ts';
import { exitCodesOf, looksOnly } from './exit-codes.ts';
import { fillLines } from './fill-lines.ts';
import type { Option } from './option.ts';
import { OPTIONS, optionsFor, variableOf } from './options.ts';
import { CONFIG_FILE } from './sources.ts';

/** Lines of help are no longer than this, however wide the terminal. */
export const HELP_COLUMNS = 100;

/** What `eni-agent --help` prints; lines stay within `columns`. */
export function renderUsage(columns = HELP_COLUMNS): string {
  const width = Math.max(...COMMAND_NAMES.map((name) => name.length)) + 2;
  const lines = (words: readonly (readonly [name: string, text: string])[]) =>
    words.flatMap(([name, text]) =>
      wrap(text, columns - width - 2).map((line, index) => `  ${(index === 0 ? name : '').padEnd(width)}${line}`),
    );
  const commands = COMMAND_NAMES.map((name) => [name, COMMANDS[name]] as const);
  return [
    ...wrap('eni-agent keeps the EC2 addresses of a Kubernetes node in step with what its pods really use.', columns),
    '',
    'Usage: eni-agent COMMAND [OPTIONS]',
    '',
    'To look at a cluster; these change nothing:',
    ...lines(commands.filter(([name]) => looksOnly(name))),
    '',
    'What runs in the cluster:',
    ...lines(commands.filter(([name]) => !looksOnly(name))),
    '',
    'Other:',
    ...lines(Object.entries(BUILTINS)),
    '',
    ...wrap('eni-agent COMMAND --help lists the options and exit codes of a command.', columns),
  ].join('\n');
}

/** What `eni-agent COMMAND --help` prints; lines stay within `columns`. */
export function renderHelp(command: Command, columns = HELP_COLUMNS): string {
  const options = [...optionsFor(command).map(([, option]) => option), CONFIG_FILE];
  const blocks = options.map((option) => {
    const notes = [variableNote(option), defaultNote(option)].filter((note) => note !== '').join('; ');
    const help = wrap(`${option.help} (${notes})`, columns - 6).map((line) => `      ${line}`);
    return [`  ${synopsis(option)}`, ...help].join('\n');
  });
  return [
    ...wrap(`eni-agent ${command}: ${COMMANDS[command]}`, columns),
    '',
    `Usage: eni-agent ${command}${operandOf(options)} [OPTIONS]`,
    '',
    'Options (flags override the environment, which overrides the --config file):',
    ...blocks,
    '',
    ...wrap(`Exit codes: ${exitCodesOf(command)}.`, columns),
    ...(WITHOUT_AWS.has(command) ? [] : ['', ...wrap(AWS_NOTE, columns)]),
  ].join('\n');
}

/** Commands that speak to the API server only. */
const WITHOUT_AWS: ReadonlySet<Command> = new Set<Command>(['status', 'ui', 'bundle']);

const AWS_NOTE =
  'AWS is reached with the settings of the AWS SDK: its credential chain, AWS_REGION, AWS_ENDPOINT_URL_EC2 and AWS_EC2_METADATA_SERVICE_ENDPOINT.';

/** The whole of docs/options.md. */
export function renderOptionsDocument(): string {
  const rows = [...Object.values(OPTIONS), CONFIG_FILE].map((option: Option) =>
    [
      `\`${synopsis(option).replaceAll('|', '\\|')}\``,
      [variableOf(option), ...(option.aliases ?? [])].map((name) => `\`${name}\``).join(', '),
      option.default === undefined
        ? option.required === true
          ? 'required'
          : ''
        : `\`${option.default.replaceAll('|', '\\|')}\``,
      option.commands.length === COMMAND_NAMES.length ? 'all' : option.commands.join(', '),
      option.help.replaceAll('|', '\\|'),
    ].join(' | '),
  );
  return [
    INTRODUCTION,
    '| option | environment | default | commands | meaning |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row} |`),
    '',
  ].join('\n');
}

const INTRODUCTION = `# Options

This page is made from the option table in \`lib/config/options.ts\`; a test keeps the two alike
(\`npx vitest run --project unit test/unit/config -u\` rewrites it).

A value is taken from the command line, else from the environment, else from the JSON file that \`--config\` names, else the
default counts. At start all mistakes are reported together, each with the place where it was written. Options that may be
repeated also take a comma-separated list. Durations are a number with a unit: \`500ms\`, \`30s\`, \`5m\`, \`2h\`. A switch is
turned off by \`--no-NAME\` or by \`false\`.

A file for \`--config\` holds one object of flag names without dashes, and one file may serve several commands:

\`\`\`json
{ "observe": "cni", "namespace": ["media", "trading"], "release-delay": "1m" }
\`\`\`

AWS is reached with the standard settings of the AWS SDK and no option of ours: its credential chain (environment, IRSA, EKS Pod
Identity, instance profile), \`AWS_REGION\`, \`AWS_ENDPOINT_URL_EC2\` and \`AWS_EC2_METADATA_SERVICE_ENDPOINT\`.
`;

function synopsis(option: Option): string {
  const { placeholder, repeatable } = option.type;
  const short = option.short === undefined ? '' : `-${option.short}, `;
  if (placeholder === '') return `${short}--[no-]${option.flag}`;
  return `${short}--${option.flag}=${placeholder}${repeatable === true ? '...' : ''}`;
}

function operandOf(options: readonly Option[]): string {
  const operand = options.find((option) => option.operand === true);
  return operand === undefined ? '' : ` [${operand.flag.toUpperCase()}]`;
}

function variableNote(option: Option): string {
  return `env ${[variableOf(option), ...(option.aliases ?? [])].join(', ')}`;
}

function defaultNote(option: Option): string {
  if (option.required === true) return 'required';
  return option.default === undefined ? '' : `default ${option.default}`;
}

function wrap(words: string, columns: number): readonly string[] {
  return fillLines(words.split(' '), columns);
}
