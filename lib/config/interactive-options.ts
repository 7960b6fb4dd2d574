import type { Option } from './option.ts';
import { choice, duration, port, text, toggle } from './value-type.ts';

/** Options of the commands that people run to look at a cluster. */
export const INTERACTIVE_OPTIONS = {
  view: {
    flag: 'view',
    operand: true,
    type: choice('overview', 'nodes', 'pods', 'addresses', 'eips', 'floatingips', 'nodeenis', 'agents', 'events'),
    commands: ['status'],
    default: 'overview',
    help: 'what to show; also as a bare word: `eni-agent status pods`',
  },
  context: {
    flag: 'context',
    type: text('NAME'),
    commands: ['status', 'plan', 'doctor', 'bundle', 'ui'],
    help: "context of the kubeconfig; without it, the file's current one",
  },
  allNamespaces: {
    flag: 'all-namespaces',
    short: 'A',
    type: toggle(),
    commands: ['status', 'ui'],
    default: 'false',
    help: 'show all namespaces, whatever --namespace says',
  },
  selector: {
    flag: 'selector',
    short: 'l',
    type: text('LABELS'),
    commands: ['status', 'ui'],
    help: 'show only pods with these labels, as with kubectl; without it, all',
  },
  onlyNode: {
    flag: 'node',
    type: text('NAME'),
    commands: ['status', 'plan', 'doctor', 'bundle', 'ui'],
    help: 'look at this node only; without it, at all of them. `plan` and `doctor` then run in the pod of its agent (`kubectl exec`)',
  },
  allNodes: {
    flag: 'all-nodes',
    type: toggle(),
    commands: ['doctor'],
    default: 'false',
    help: 'check every node, in the pods of the agents (`kubectl exec`)',
  },
  file: {
    flag: 'file',
    type: text('FILE'),
    commands: ['bundle'],
    help: 'name of the archive; without it, eni-agent-bundle-TIME.tar.gz in the current folder',
  },
  redact: {
    flag: 'redact',
    type: toggle(),
    commands: ['bundle'],
    default: 'true',
    help: 'replace account ids with stand-ins and remove whatever looks like a secret',
  },
  output: {
    flag: 'output',
    short: 'o',
    type: choice('text', 'wide', 'json', 'yaml'),
    commands: ['status', 'plan', 'doctor'],
    default: 'text',
    help: 'output format: `text` fits the terminal, `wide` has more columns, `json` and `yaml` are for scripts',
  },
  watch: {
    flag: 'watch',
    short: 'w',
    type: toggle(),
    commands: ['status'],
    default: 'false',
    help: 'refresh until Ctrl-C',
  },
  intervalMs: {
    flag: 'interval',
    type: duration({ min: '1s', max: '1h' }),
    commands: ['status'],
    default: '5s',
    help: 'time between refreshes with --watch',
  },
  snapshots: {
    flag: 'snapshots',
    type: toggle(),
    commands: ['status', 'ui'],
    default: 'true',
    help: "ask each agent for what it knows, through the API server's proxy (`get` on `pods/proxy`); without it, limits of ENIs and the quota are not shown",
  },
  port: {
    flag: 'port',
    type: port(),
    commands: ['ui'],
    default: '9810',
    help: 'port of 127.0.0.1 on which the page is served; 0 for any free one',
  },
} as const satisfies Record<string, Option>;
