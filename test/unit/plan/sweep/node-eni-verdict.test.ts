import { describe, expect, it } from 'vitest';
import { podDialects } from '../../../../lib/dialect/index.ts';
import { ip } from '../../../../lib/model/ip.ts';
import type { NetworkInterface } from '../../../../lib/model/network-interface.ts';
import { nodeEniTags } from '../../../../lib/model/node-enis/tags.ts';
import type { OwnerVerdict } from '../../../../lib/model/sweep.ts';
import { sweepItems } from '../../../../lib/plan/sweep/items.ts';
import { type NodeEniEvidence, nodeEniVerdict } from '../../../../lib/plan/sweep/node-eni-verdict.ts';
import { networkInterface } from '../../../support/builders.ts';

const SLOT = { uid: 'u-1', instanceId: 'i-1', index: 0 };
const about = { clusterName: 'c', name: 'multus', node: 'a' };
const attachment = { id: 'attach-1', instanceId: 'i-1', deviceIndex: 2, networkCard: 0, state: 'attached' } as const;

function facts(more: Partial<NetworkInterface> = {}, policy: 'Delete' | 'Retain' = 'Delete'): NetworkInterface {
  return networkInterface({
    addresses: [{ ip: ip('10.0.64.9'), primary: true }],
    attachment,
    ...more,
    tags: { ...nodeEniTags(SLOT, about, { tags: {}, deletionPolicy: policy }), ...more.tags },
  });
}

describe('whether a NodeENI or a pod still has a claim to an interface', () => {
  const gone: NodeEniEvidence = { own: new Set(['u-2']), legacy: 'unserved', pods: [] };
  const user = (uses: string) => [{ pod: 'ns/p', uses: new Set([uses]) }];
  const elsewhere = { ...attachment, instanceId: 'i-2' };
  const second = { addresses: [{ ip: ip('10.0.64.20'), primary: false }] };
  const adopted = { tags: { 'kubernetes.io/cluster/managed-by': 'nodeeni-controller' } };

  it.each<[string, Partial<NetworkInterface>, Partial<NodeEniEvidence>, OwnerVerdict]>([
    ['its object exists', {}, { own: new Set(['u-1']) }, 'lives'],
    ['its object of the replaced controller exists', {}, { legacy: new Set(['u-1']) }, 'lives'],
    ['its object is gone and nothing uses it', {}, {}, 'gone'],
    ['it is not attached any more', { attachment: undefined }, { pods: undefined }, 'gone'],
    ['a pod names its MAC address', {}, { pods: user('02:00:00:00:00:01') }, 'lives'],
    ['a pod names the ENI', {}, { pods: user('eni-1') }, 'lives'],
    ['a pod may come to use any', {}, { pods: user('*') }, 'lives'],
    ['a pod uses another one', {}, { pods: user('02:00:00:00:00:02') }, 'gone'],
    ['an address is still assigned to it', second, {}, 'lives'],
    ['no Node names its instance', {}, { pods: undefined }, 'unknown'],
    ['somebody attached it to another instance', { attachment: elsewhere }, {}, 'unknown'],
    ['the objects could not be listed', {}, { own: undefined }, 'unknown'],
    ['the definition is gone', {}, { own: 'unserved' }, 'unknown'],
    ['the objects of the replaced controller could not be listed', {}, { legacy: undefined }, 'unknown'],
    ['it was adopted and the definition of the replaced controller is gone', adopted, {}, 'unknown'],
  ])('when %s', (_, more, evidence, expected) => {
    expect(nodeEniVerdict(facts(more), { ...gone, ...evidence })).toBe(expected);
  });
});

describe('what the sweep sees of the interfaces of nodes', () => {
  const adapters = { pods: podDialects, objects: [], context: { clusterName: 'c', nodeName: '' } };
  const seen = (one: NetworkInterface) => sweepItems([], [one], adapters).map(({ owner }) => owner);

  it('are those of this cluster whose object wanted them deleted', () => {
    expect(seen(facts())).toEqual([{ kind: 'object', of: 'node-enis', uid: 'u-1', namespace: '' }]);
    expect(seen(facts({}, 'Retain'))).toEqual([]);
    expect(seen(facts({ tags: { 'eni-agent.io/retained-for': 'NodeENI/multus' } }))).toEqual([]);
    expect(seen(facts({ tags: { 'eni-agent.io/cluster': 'other' } }))).toEqual([]);
    expect(seen(facts({ managed: true }))).toEqual([]);
  });
});
