import { type ChartValue, chartValues } from './values.ts';

/** README.md of the chart: how to use it, and a table of every value with its default and its comment in values.yaml. */
export function renderReadme(): string {
  const values = chartValues();
  const rows = values.filter(({ path }) => !values.some((other) => other.path.startsWith(`${path}.`))).map(rowOf);
  return [INTRODUCTION, '| value | default | meaning |', '|---|---|---|', ...rows, ''].join('\n');
}

function rowOf({ path, default: value, comment }: ChartValue): string {
  const shown =
    typeof value === 'object' && value !== null && Object.keys(value).length > 0 ? JSON.stringify(value) : value;
  const text = typeof shown === 'string' ? shown : JSON.stringify(shown);
  return `| \`${path}\` | ${text === '' ? '' : `\`${text}\``} | ${comment.replaceAll('|', '\\|')} |`;
}

const INTRODUCTION = `# Helm chart of eni-agent

Made from \`values.yaml\` by \`npm run monitoring\`; a test keeps the two alike. \`values.schema.json\` is made from it and from the
[options](../../docs/options.md), so that Helm refuses a misspelt value before it installs anything.

\`\`\`sh
helm install eni-agent daemonset/chart --namespace eni-agent-system --create-namespace \\
  --set image.repository=$REGISTRY/eni-agent --set clusterName=$CLUSTER
\`\`\`

The namespace must allow privileged pods: \`kubectl label namespace eni-agent-system pod-security.kubernetes.io/enforce=privileged\`.
The chart makes the same objects as kustomize does with \`daemonset/\` (a test compares them); what they may do is explained in
[security](../../docs/security.md), IAM in [iam](../../docs/iam.md).

## Upgrade

Helm installs the definitions in \`crds/\` once and **never updates or deletes them**. Apply them before each upgrade:

\`\`\`sh
kubectl apply --server-side -k daemonset/crds
helm upgrade eni-agent daemonset/chart --namespace eni-agent-system --reuse-values
\`\`\`

Do not delete them to "start clean": every object of their kinds goes with them, and with it what it owns in EC2
([upgrade and removal](../../docs/upgrade-and-removal.md)).

## Values
`;
