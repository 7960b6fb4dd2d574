import type { Command } from './command.ts';
import { CONTROLLER_OPTIONS } from './controller-options.ts';
import { hostAddress } from './host-address-type.ts';
import { INTERACTIVE_OPTIONS } from './interactive-options.ts';
import type { Option } from './option.ts';
import { ROUTED_IP_OPTIONS } from './routed-ip-options.ts';
import type { ValueType } from './value-type.ts';
import { choice, duration, hostPort, listOf, text, textMap, toggle, wholePattern } from './value-type.ts';

export type { Option };

const AGENT = ['node', 'plan'] as const;
const CLUSTER_WIDE = ['node', 'plan', 'controller', 'doctor'] as const;
/** Those that people run, with a kubeconfig of their own. */
const BY_HAND = ['status', 'bundle', 'ui'] as const;
const ON_NODE = ['node', 'plan', 'doctor'] as const;
const IN_POD = ['init', 'sidecar'] as const;
const EVERY = ['node', 'plan', 'controller', 'init', 'sidecar', 'host-ip'] as const;

export const OPTIONS = {
  nodeName: {
    flag: 'node-name',
    type: text('NAME'),
    commands: ON_NODE,
    aliases: ['NODE_NAME'],
    required: true,
    unless: ['node', 'all-nodes'],
    help: 'name of the Kubernetes node that this agent serves',
  },
  kubeconfig: {
    flag: 'kubeconfig',
    type: text('FILE'),
    commands: [...CLUSTER_WIDE, ...BY_HAND],
    aliases: ['KUBECONFIG', 'PEC_KUBECONFIG'],
    help: "how to reach the API server; without it, the pod's service account",
  },
  region: {
    flag: 'region',
    type: text('NAME'),
    commands: ['node', 'doctor'],
    aliases: ['PEC_REGION'],
    help: 'AWS region; without it, AWS_REGION, else that of the instance',
  },
  clusterName: {
    flag: 'cluster-name',
    type: text('NAME'),
    commands: CLUSTER_WIDE,
    aliases: ['CLUSTER_NAME', 'PEC_CLUSTER_NAME'],
    help: 'name of the cluster, for tags on what the agent creates in AWS; the controller does not start without it',
  },
  namespaces: {
    flag: 'namespace',
    short: 'n',
    type: listOf(text('NAME')),
    commands: ['node', 'plan', 'controller', 'status', 'ui'],
    aliases: ['NAMESPACE', 'PEC_WATCH_NAMESPACE'],
    help: 'serve, or show, only pods and objects of this namespace; without it, of all namespaces',
  },
  tenantPolicyDir: {
    flag: 'tenant-policy-dir',
    type: text('DIR'),
    commands: CLUSTER_WIDE,
    default: '/etc/eni-agent/tenants',
    help: 'where the ConfigMap with the tenant policy is mounted: which namespace may ask for which floating IPs, Elastic IPs and targets. Empty or absent: each may ask for everything',
  },
  tenantPolicy: {
    flag: 'tenant-policy',
    type: choice('optional', 'required'),
    commands: CLUSTER_WIDE,
    default: 'optional',
    help: 'what a missing tenant policy means at the start: optional (each namespace may ask for everything) or required (for nothing beyond the addresses of IPAM)',
  },
  defaultTags: {
    flag: 'default-tags',
    type: textMap(),
    commands: ['controller'],
    aliases: ['DEFAULT_TAGS'],
    default: '{}',
    help: 'tags for every Elastic IP that the controller allocates, as a JSON object of texts',
  },
  leaseNamespace: {
    flag: 'lease-namespace',
    type: text('NAME'),
    commands: ['node', 'controller', 'doctor'],
    aliases: ['POD_NAMESPACE'],
    help: 'namespace of the Leases that elect the leading controller and the holder of each FloatingIP; without it, that of the service account',
  },
  ...CONTROLLER_OPTIONS,
  observe: {
    flag: 'observe',
    type: choice('live', 'cni', 'annotations'),
    commands: ON_NODE,
    default: 'live',
    help: "where to look for addresses: `annotations` in the API server only; `cni` also in the CNI result cache; `live` also in the pods' network namespaces. Each level needs more privileges",
  },
  takeover: {
    flag: 'takeover',
    type: choice('declared', 'any'),
    commands: AGENT,
    default: 'declared',
    help: 'which addresses may be taken over from another ENI: `declared`: those of IPAM or of a floating-ips annotation; `any`: also those merely seen in a pod',
  },
  allowPrimary: {
    flag: 'allow-primary',
    type: toggle(),
    commands: ON_NODE,
    default: 'false',
    help: 'allow addresses of pods on the primary ENI when the interface of the pod sits on it. The VPC CNI takes every address that it finds there for its own and gives it to an ordinary pod, unless its pool is kept from growing (`WARM_IP_TARGET`)',
  },
  release: {
    flag: 'release',
    type: choice('after-delay', 'never'),
    commands: AGENT,
    default: 'after-delay',
    help: 'whether an address that this agent assigned is released when no pod uses it any more',
  },
  releaseDelayMs: {
    flag: 'release-delay',
    type: duration({ min: '0', max: '24h' }),
    commands: AGENT,
    default: '30s',
    help: 'how long an address must be unused before it is released',
  },
  interfaceFilter: {
    flag: 'interface-filter',
    type: wholePattern(),
    commands: ['node', 'plan', 'init', 'sidecar'],
    default: '(?!eth0$|lo$).*',
    help: "names of the pods' interfaces that are looked at; the whole name must match. The primary network is never looked at",
  },
  ...ROUTED_IP_OPTIONS,
  netnsDir: {
    flag: 'netns-dir',
    type: text('DIR'),
    commands: ON_NODE,
    default: '/run/netns',
    help: "where the container runtime mounts the pods' network namespaces",
  },
  cniCacheDirs: {
    flag: 'cni-cache-dir',
    type: listOf(text('DIR')),
    commands: ON_NODE,
    default: '/var/lib/cni/multus/results,/var/lib/cni/results',
    help: 'where CNI plugins leave their results',
  },
  stateDir: {
    flag: 'state-dir',
    type: text('DIR'),
    commands: AGENT,
    default: '/var/lib/eni-agent',
    help: 'where the ledger of assigned addresses lives; must survive a reboot',
  },
  addressResyncMs: {
    flag: 'address-resync',
    type: duration({ min: '1s', max: '24h' }),
    commands: ['node', 'sidecar'],
    default: '60s',
    help: 'how often all addresses are read again, should a kernel or file event have been lost',
  },
  sweep: {
    flag: 'sweep',
    type: choice('on', 'dry-run', 'off'),
    commands: ['controller'],
    default: 'on',
    help: 'whether Elastic IPs and interfaces with tags of this cluster are given back when their owner is gone; `dry-run` lists them',
  },
  ec2ResyncMs: {
    flag: 'ec2-resync',
    type: duration({ min: '10s', max: '24h' }),
    commands: ['node', 'controller', 'sidecar'],
    default: '10m',
    help: 'how often EC2 is asked when nothing changes. The account shares 20 reads a second among all nodes',
  },
  imdsResyncMs: {
    flag: 'imds-resync',
    type: duration({ min: '1s', max: '24h' }),
    commands: ['node'],
    default: '15s',
    help: 'how often the local metadata service is asked whether ENIs came, went or lost an address',
  },
  floatingIpParkMs: {
    flag: 'floating-ip-park',
    type: duration({ min: '5s', max: '10m' }),
    commands: ['node'],
    default: '30s',
    help: 'how long other nodes wait for an agent that was stopped cleanly before they take over the FloatingIPs that it serves',
  },
  addresses: {
    flag: 'address',
    type: listOf(hostAddress()),
    commands: ['host-ip'],
    aliases: ['NODEPORT_IP'],
    required: true,
    help: 'what to put on this node: IPv4 or IPv6, with the prefix length to use on the interface',
  },
  hostInterface: {
    flag: 'interface',
    type: text('NAME'),
    commands: ['host-ip'],
    help: 'interface of the node that gets the address; without it, that of the ENI whose subnet contains the address, the primary ENI first',
  },
  keepOnStop: {
    flag: 'keep-on-stop',
    type: toggle(),
    commands: ['host-ip'],
    default: 'false',
    help: 'leave the address on the interface when the container stops',
  },
  timeoutMs: {
    flag: 'timeout',
    type: duration({ min: '1s', max: '24h' }),
    commands: ['init', 'host-ip'],
    default: '2m',
    help: 'how long to try before the container fails',
  },
  allowImdsV1: {
    flag: 'allow-imds-v1',
    type: toggle(),
    commands: [...IN_POD, 'host-ip'],
    default: 'false',
    help: 'use version 1 of the instance metadata service where version 2 cannot be reached (a hop limit of 1)',
  },
  httpAddress: {
    flag: 'http-address',
    type: listOf(hostPort()),
    commands: ['node', 'controller', 'doctor'],
    default: ':9808',
    help: 'where /healthz, /readyz, /metrics and /v1/snapshot are served; `off` for nowhere',
  },
  serveSnapshot: {
    flag: 'serve-snapshot',
    type: toggle(),
    commands: ['node', 'controller'],
    default: 'true',
    help: 'serve /v1/snapshot, which `eni-agent status` reads: names of pods, their addresses and ENIs, for whoever reaches the port',
  },
  dryRun: {
    flag: 'dry-run',
    type: toggle(),
    commands: ['node', 'controller', 'init', 'sidecar'],
    default: 'false',
    help: 'log what would be done; change nothing in EC2 and Kubernetes',
  },
  logLevel: {
    flag: 'log-level',
    type: choice('debug', 'info', 'warn', 'error'),
    commands: EVERY,
    aliases: ['PEC_LOG_LEVEL'],
    default: 'info',
    help: 'minimum log level',
  },
  logFormat: {
    flag: 'log-format',
    type: choice('json', 'pretty'),
    commands: EVERY,
    default: 'json',
    help: '`json` for machines, `pretty` for people',
  },
  ...INTERACTIVE_OPTIONS,
} as const satisfies Record<string, Option>;

export type OptionKey = keyof typeof OPTIONS;
type Table = typeof OPTIONS;
type Given<O> = O extends { readonly type: ValueType<infer T> } ? T : never;
type ValueOf<O> = O extends { readonly type: { readonly repeatable: true } }
  ? readonly Given<O>[]
  : O extends { readonly default: string } | { readonly required: true }
    ? Given<O>
    : Given<O> | undefined;

/** The options of one command with their parsed values: durations in ms, patterns as RegExp. */
export type OptionsOf<C extends Command> = {
  readonly [K in OptionKey as C extends Table[K]['commands'][number] ? K : never]: ValueOf<Table[K]>;
};

export type NodeOptions = OptionsOf<'node'>;
export type PlanOptions = OptionsOf<'plan'>;
export type ControllerOptions = OptionsOf<'controller'>;
export type InitOptions = OptionsOf<'init'>;
export type HostIpOptions = OptionsOf<'host-ip'>;
export type SidecarOptions = OptionsOf<'sidecar'>;
export type DoctorOptions = OptionsOf<'doctor'>;

/** The variable of our own: `ENI_AGENT_RELEASE_DELAY` for `release-delay`. */
export function variableOf(option: Pick<Option, 'flag'>): string {
  return `ENI_AGENT_${option.flag.toUpperCase().replaceAll('-', '_')}`;
}

export function optionsFor(command: Command): readonly (readonly [OptionKey, Option])[] {
  const entries = Object.entries(OPTIONS) as [OptionKey, Option][];
  return entries.filter(([, option]) => option.commands.includes(command));
}
