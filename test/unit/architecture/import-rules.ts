import type { Import } from './source-tree.ts';

/**
 * What the files of one place may import. Entries that end in `/` mean everything below; others mean exactly that, and `types of X`
 * nothing but the types of X.
 */
export interface ImportRule {
  readonly from: string;
  readonly mayImport: readonly string[];
  readonly because: string;
}

/** The first rule whose `from` begins the path counts, so exceptions stand before what they are excepted from. */
const IMPORT_RULES: readonly ImportRule[] = [
  {
    from: 'lib/model/ip.ts',
    mayImport: ['ipaddr.js'],
    because: 'one file knows the IP parser and its traps; everybody else sees branded text',
  },
  {
    from: 'lib/model/',
    mayImport: ['lib/model/'],
    because: 'the values mean the same everywhere only while they depend on nothing',
  },
  {
    from: 'lib/plan/',
    mayImport: ['lib/model/', 'lib/plan/'],
    because: 'decisions are pure and synchronous: no clock, no I/O, no SDK can slip in',
  },
  {
    from: 'lib/dialect/',
    mayImport: ['lib/model/', 'lib/dialect/'],
    because: 'a dialect translates foreign manifests into claims and does nothing else',
  },
  {
    from: 'lib/runtime/',
    mayImport: ['node:', 'lib/runtime/'],
    because: 'mechanism has no domain: batches and rate limits can be understood and tested without EC2',
  },
  {
    from: 'lib/config/',
    mayImport: ['node:util', 'lib/model/', 'lib/config/'],
    because: 'options are values; reading files and the environment is left to the composition root',
  },
  {
    from: 'lib/ec2/credentials.ts',
    mayImport: ['@aws-sdk/credential-providers'],
    because: 'one chain of credentials serves all clients of the process',
  },
  {
    from: 'lib/ec2/service-quotas.ts',
    mayImport: ['@aws-sdk/client-service-quotas', 'lib/model/', 'lib/ec2/'],
    because: 'only the controller asks for quotas: nobody else pays for that client',
  },
  {
    from: 'lib/ec2/',
    mayImport: ['node:', '@aws-sdk/client-ec2', 'lib/model/', 'lib/runtime/', 'lib/ec2/'],
    because: 'an adapter knows its own library and no other adapter; SDK types end here',
  },
  {
    from: 'lib/kube/kube-config.ts',
    mayImport: ['node:', '@kubernetes/client-node', 'js-yaml', 'lib/kube/'],
    because: 'one place reads kubeconfigs, and puts right what the library lacks',
  },
  {
    from: 'lib/kube/',
    mayImport: ['node:', 'types of @kubernetes/client-node', 'lib/model/', 'lib/runtime/', 'lib/kube/'],
    because:
      'an adapter knows its own library and no other adapter; API object types end here, and only one place runs it',
  },
  {
    from: 'lib/net/command.ts',
    mayImport: ['execa'],
    because: 'one place runs commands, so that every one has its limits and its errors are reported in one way',
  },
  {
    from: 'lib/net/folder-watch.ts',
    mayImport: ['node:', 'chokidar'],
    because: 'one place watches folders, and keeps what the library lacks',
  },
  {
    from: 'lib/net/',
    mayImport: ['node:', 'lib/model/', 'lib/runtime/', 'lib/net/'],
    because: 'an adapter knows its own library and no other adapter; commands and folder watches have one place each',
  },
  {
    from: 'lib/telemetry/',
    mayImport: ['node:', 'pino', 'prom-client', '@opentelemetry/', 'lib/runtime/', 'lib/telemetry/'],
    because: 'logs, metrics and traces stand behind the ports of runtime, so that nobody else imports their libraries',
  },
  {
    from: 'demo/',
    mayImport: ['node:', 'agent/', 'lib/', 'sim/', 'demo/'],
    because: 'the demo lets the program run in the simulated world and is part of neither',
  },
  {
    from: 'agent/',
    mayImport: ['node:', 'agent/', 'lib/'],
    because: 'the program wires what lib/ offers; libraries and the simulation stay behind it',
  },
  {
    from: 'daemonset/',
    mayImport: ['node:', 'yaml', 'lib/', 'daemonset/'],
    because: 'manifests are made from the tables of the product and from nothing that runs',
  },
  {
    from: 'sim/',
    mayImport: ['node:', 'execa', 'ipaddr.js', 'lib/model/', 'sim/'],
    because: 'a simulator that shared code with the agent would share its mistakes; values are all they have in common',
  },
];

/** A sentence for an import that no rule allows, or undefined. */
export function violation({ from, to, types = false }: Import): string | undefined {
  const rule = IMPORT_RULES.find((entry) => from.startsWith(entry.from));
  if (rule === undefined) return `${from} is in no place that the import rules know`;
  const isAllowed = (allowed: string) => covers(allowed, to) || (types && allowed === `types of ${to}`);
  if (!rule.mayImport.some(isAllowed)) return `${from} imports ${to}, but ${rule.because}`;
  return undefined;
}

function covers(allowed: string, to: string): boolean {
  return allowed.endsWith('/') || allowed.endsWith(':') ? to.startsWith(allowed) : to === allowed;
}
