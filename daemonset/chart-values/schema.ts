import type { Command } from '../../lib/config/command.ts';
import { OPTIONS, type Option } from '../../lib/config/options.ts';
import { type ChartValue, chartValues } from './values.ts';

type Schema = Readonly<Record<string, unknown>>;

/** Options of both programs that have a value of their own, or a fixed place in the manifests. */
const SHARED = ['cluster-name', 'namespace', 'http-address', 'log-level'];

/** What the default of a value cannot show. */
const KNOWN: Readonly<Record<string, Schema>> = {
  'image.digest': { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  'image.pullPolicy': { enum: ['', 'Always', 'IfNotPresent', 'Never'] },
  imagePullSecrets: listOfMaps('name'),
  resyncPeriod: { type: ['integer', 'string'] },
  // In capitals too, as aws-pod-eip-controller had it.
  logLevel: { enum: OPTIONS.logLevel.type.placeholder.split('|').flatMap((level) => [level, level.toUpperCase()]) },
  observe: choiceOf(OPTIONS.observe),
  takeover: choiceOf(OPTIONS.takeover),
  release: choiceOf(OPTIONS.release),
  releaseDelay: durationSchema(),
  httpAddress: { type: 'string', pattern: '^(off|.*:9808)$' },
  options: optionsSchema('node', ['node-name', ...SHARED, 'region', 'observe', 'takeover', 'release', 'release-delay']),
  extraEnv: listOfMaps('name'),
  tolerations: { type: 'array', items: { type: 'object' } },
  maxUnavailable: { type: ['string', 'integer'] },
  'prometheusRule.runbookBase': { type: 'string', pattern: '^(.*/)?$' },
  'podMonitor.interval': { type: 'string', pattern: '^\\d+(ms|s|m|h)$' },
  'networkPolicy.from': { type: 'array', items: { type: 'object' } },
  'controller.replicas': { type: 'integer', minimum: 1 },
  'controller.options': optionsSchema('controller', [...SHARED, 'default-tags']),
  'controller.extraEnv': listOfMaps('name'),
  'controller.tolerations': { type: 'array', items: { type: 'object' } },
};

/** Maps that hold whatever Kubernetes or the user wants: texts only, or anything. */
const OF_TEXTS = /(?:Annotations|Labels|labels|defaultTags|nodeSelector)$/;

/** values.schema.json: what Helm refuses before it installs anything. Unknown keys are refused: they are misspelt ones. */
export function renderSchema(): string {
  const values = chartValues();
  const schema = {
    $schema: 'http://json-schema.org/draft-07/schema#',
    ...sectionSchema(values, ''),
    title: 'Values of eni-agent',
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function sectionSchema(values: readonly ChartValue[], prefix: string): Schema {
  const direct = values.filter(({ path }) => path.startsWith(prefix) && !path.slice(prefix.length).includes('.'));
  const entries = direct.map((value) => {
    const isSection = values.some(({ path }) => path.startsWith(`${value.path}.`));
    const schema = isSection ? sectionSchema(values, `${value.path}.`) : leafSchema(value);
    const known = { description: value.comment, ...schema };
    // Values of aws-pod-eip-controller name the image in one text.
    return [value.path.slice(prefix.length), value.path === 'image' ? { anyOf: [{ type: 'string' }, known] } : known];
  });
  // Helm puts the values of a parent chart under `global`.
  const global = prefix === '' ? { global: { type: 'object' } } : {};
  return { type: 'object', additionalProperties: false, properties: { ...Object.fromEntries(entries), ...global } };
}

function leafSchema({ path, default: value }: ChartValue): Schema {
  const known = KNOWN[path];
  if (known !== undefined) return known;
  if (OF_TEXTS.test(path)) return { type: 'object', additionalProperties: { type: 'string' } };
  if (Array.isArray(value)) throw new Error(`${path} is a list of unknown things; say of what in schema.ts`);
  if (typeof value === 'number') return { type: 'integer' };
  return { type: typeof value };
}

function listOfMaps(required: string): Schema {
  return { type: 'array', items: { type: 'object', required: [required] } };
}

/** The placeholder of a choice lists its words: `live|cni|annotations`. */
function choiceOf({ type }: Option): Schema {
  return { enum: type.placeholder.split('|') };
}

function durationSchema(): Schema {
  return { type: 'string', pattern: '^(0|\\d+(\\.\\d+)?(ms|s|m|h))$' };
}

/** One property for each option of a command, but for those that the chart sets by a value of its own. */
function optionsSchema(command: Command, elsewhere: readonly string[]): Schema {
  const options = (Object.values(OPTIONS) as readonly Option[]).filter(({ commands }) => commands.includes(command));
  const properties = options
    .filter(({ flag }) => !elsewhere.includes(flag))
    .map((option) => [option.flag, { description: option.help, ...optionSchema(option) }]);
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) };
}

function optionSchema(option: Option): Schema {
  const { placeholder, repeatable } = option.type;
  if (placeholder === '') return { type: 'boolean' };
  if (repeatable) return { type: ['string', 'array'], items: { type: 'string' } };
  if (placeholder === 'DURATION') return durationSchema();
  return placeholder.includes('|') ? choiceOf(option) : { type: 'string' };
}
