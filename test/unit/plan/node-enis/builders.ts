import { cidr, ip } from '../../../../lib/model/ip.ts';
import type { NetworkInterface } from '../../../../lib/model/network-interface.ts';
import { NODE_ENI_FINALIZER, type NodeEni, type NodeEniSpec } from '../../../../lib/model/node-enis/node-eni.ts';
import type { NodeEniNode, NodeEniSnapshot } from '../../../../lib/model/node-enis/plan.ts';
import { nodeEniTags } from '../../../../lib/model/node-enis/tags.ts';
import { networkInterface } from '../../../support/builders.ts';

/** Everything was read now. */
export const NOW = 1_000_000;

export function objectOf(spec: Partial<NodeEniSpec> = {}, more: Partial<NodeEni> = {}): NodeEni {
  return {
    dialect: 'own',
    name: 'multus',
    uid: 'u-1',
    resourceVersion: '1',
    generation: 1,
    terminating: false,
    finalizers: [NODE_ENI_FINALIZER.own],
    faults: [],
    unsupported: undefined,
    status: { observedGeneration: 0, desired: 0, attached: 0, ready: 0, failed: 0, nodes: [], condition: undefined },
    ...more,
    spec: {
      nodeSelector: { role: 'edge' },
      subnets: [{ id: 'subnet-a' }],
      securityGroups: [],
      count: 1,
      deviceIndex: undefined,
      networkCard: undefined,
      interfaceName: 'multus',
      mtu: undefined,
      sourceDestCheck: undefined,
      description: undefined,
      tags: {},
      deletionPolicy: 'Delete',
      ...spec,
    },
  };
}

export function nodeOf(name: string, more: Partial<NodeEniNode> = {}): NodeEniNode {
  return {
    name,
    uid: name,
    resourceVersion: '1',
    labels: { role: 'edge' },
    instanceId: `i-${name}`,
    deleting: false,
    tainted: false,
    announced: undefined,
    announcement: undefined,
    links: undefined,
    ...more,
  };
}

/** As our controller leaves it on a node: attached, marked, in its place. */
export function interfaceOf(node: string, more: Partial<NetworkInterface> = {}, index = 0): NetworkInterface {
  const about = { clusterName: 'c', name: 'multus', node };
  return networkInterface({
    id: `eni-${node}`,
    subnetId: 'subnet-a',
    vpcId: 'vpc-1',
    addresses: [{ ip: ip('10.0.64.9'), primary: true }],
    attachment: {
      id: `attach-${node}`,
      instanceId: `i-${node}`,
      deviceIndex: 2,
      networkCard: 0,
      state: 'attached',
      deleteOnTermination: true,
    },
    sourceDestCheck: true,
    ...more,
    tags: {
      ...nodeEniTags({ uid: 'u-1', instanceId: `i-${node}`, index }, about, { tags: {}, deletionPolicy: 'Delete' }),
      ...more.tags,
    },
  });
}

export function snapshotOf(more: Partial<NodeEniSnapshot> = {}): NodeEniSnapshot {
  const subnet = { vpcId: 'vpc-1', cidrs: [cidr('10.0.64.0/24')], freeAddresses: 100, tags: {} };
  const limits = { interfaces: 4, cards: [{ index: 0, interfaces: 4 }], defaultCard: 0, ipv4PerInterface: 10 };
  const room = (instanceId: string, zone: string) => ({
    at: NOW,
    room: {
      instanceId,
      type: 'm5.large',
      zone,
      vpcId: 'vpc-1',
      attachable: true,
      limits,
      taken: [{ deviceIndex: 0, networkCard: 0 }],
    },
  });
  return {
    now: NOW,
    startedAt: 0,
    clusterName: 'c',
    objects: [objectOf()],
    nodes: [nodeOf('a')],
    interfaces: [],
    interfacesAt: NOW,
    touchedAt: new Map(),
    rooms: new Map([
      ['i-a', room('i-a', 'a')],
      ['i-b', room('i-b', 'b')],
    ]),
    networks: {
      subnets: [
        { ...subnet, id: 'subnet-a', zone: 'a' },
        { ...subnet, id: 'subnet-b', zone: 'b' },
        { ...subnet, id: 'subnet-c', zone: 'a' },
      ],
      groups: [],
      vpcIds: new Set(['vpc-1']),
      at: NOW,
    },
    users: new Map(),
    trustAfter: new Map(),
    failures: new Map(),
    leavingSince: new Map(),
    changedAt: new Map(),
    createdAt: new Map(),
    absentSince: new Map(),
    attempted: new Map(),
    salts: new Map(),
    endings: new Map(),
    reserved: 2,
    ...more,
  };
}
