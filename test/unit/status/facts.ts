import { floatingIpOf } from '../../../lib/model/floating-ips/floating-ip.ts';
import type { IpAddress } from '../../../lib/model/ip.ts';
import type { Pod, PodCondition } from '../../../lib/model/pod.ts';
import { type NodeSnapshotView, SNAPSHOT_SCHEMA, type SnapshotEni } from '../../../lib/model/status/agent-snapshot.ts';
import type { AgentPodFact, ClusterFacts, NodeFact } from '../../../lib/model/status/cluster-facts.ts';

/** Builders of what a collector reads; each says only what its test is about. */
export function factsOf(given: Partial<ClusterFacts> = {}): ClusterFacts {
  return {
    at: Date.parse('2026-01-02T03:04:05Z'),
    server: 'https://api.example:6443',
    scope: { namespaces: [] },
    nodes: [],
    pods: [],
    agents: [],
    floatingIps: [],
    nodeEnis: [],
    eipObjects: [],
    eniObjects: [],
    events: [],
    snapshots: new Map(),
    forbidden: [],
    gaps: [],
    ...given,
  };
}

export function nodeFact(name: string, given: Partial<NodeFact> = {}): NodeFact {
  return {
    name,
    ready: true,
    unschedulable: false,
    instanceId: `i-${name}`,
    instanceType: 'm5.large',
    zone: 'us-east-1a',
    ...given,
  };
}

export function agentFact(node: string, given: Partial<AgentPodFact> = {}): AgentPodFact {
  return {
    namespace: 'eni-agent-system',
    name: `eni-agent-${node}`,
    role: 'node',
    node,
    ready: true,
    image: 'registry.example/eni-agent:1.0.0',
    restarts: 0,
    port: 9808,
    trouble: undefined,
    ...given,
  };
}

interface PodGiven {
  readonly node?: string;
  readonly phase?: Pod['phase'];
  /** Of the annotation `eni-agent.io/addresses`. */
  readonly addresses?: readonly object[];
  readonly condition?: Partial<PodCondition>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function podOf(name: string, given: PodGiven = {}): Pod {
  const { node = 'a', phase = 'Running', addresses = [], annotations = {} } = given;
  const condition = { status: 'True' as const, reason: 'Assigned', message: '', ...given.condition };
  return {
    namespace: 'default',
    name,
    uid: `uid-${name}`,
    nodeName: node,
    phase,
    terminating: false,
    hostNetwork: false,
    podIps: ['192.168.0.9' as IpAddress],
    labels: {},
    annotations: { 'eni-agent.io/addresses': JSON.stringify(addresses), ...annotations },
    conditions: [{ type: 'eni-agent.io/AddressesAssigned', ...condition }],
    finalizers: [],
  };
}

export function eniView(id: string, given: Partial<SnapshotEni> = {}): SnapshotEni {
  return {
    id,
    deviceIndex: 1,
    networkCard: 0,
    subnetId: 'subnet-1',
    mac: '02:00:00:00:00:01',
    cidrs: ['10.0.1.0/24'],
    ipv4: { used: 1, limit: 10 },
    ipv6: { used: 0, limit: 10 },
    prefixes: [],
    addresses: [],
    ...given,
  };
}

export function snapshotOf(node: string, given: Partial<NodeSnapshotView> = {}): NodeSnapshotView {
  const at = Date.parse('2026-01-02T03:04:00Z');
  return {
    schema: SNAPSHOT_SCHEMA,
    kind: 'node',
    version: '1.0.0',
    node,
    instanceId: `i-${node}`,
    instanceType: 'm5.large',
    region: 'us-east-1',
    at,
    startedAt: at - 60_000,
    observe: 'live',
    takeover: 'declared',
    release: 'after-delay',
    dryRun: false,
    describedAt: at - 4_000,
    complete: true,
    notReady: [],
    notes: [],
    enis: [],
    claims: [],
    inputFaults: [],
    elasticIps: [],
    ...given,
  };
}

export function floatingIp(name: string, spec: object, status: object = {}) {
  const object = floatingIpOf({ metadata: { name, uid: `uid-${name}`, generation: 1 }, spec, status });
  if (object === undefined) throw new Error('not a FloatingIP');
  return object;
}
