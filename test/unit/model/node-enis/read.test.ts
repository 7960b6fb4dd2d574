import { describe, expect, it } from 'vitest';
import { type NodeEniEntry, selectsNode } from '../../../../lib/model/node-enis/node-eni.ts';
import { toNodeEni } from '../../../../lib/model/node-enis/read.ts';
import { nodeEniStatusBody, sameNodeEniStatus, shownEntries } from '../../../../lib/model/node-enis/status.ts';

const SOURCE = {
  name: 'multus',
  uid: 'u1',
  resourceVersion: '1',
  generation: 3,
  deleting: false,
  finalizers: [],
  status: {},
};
const SPEC = { nodeSelector: { role: 'edge' }, subnets: [{ tags: { purpose: 'multus' } }] };

describe('reading a NodeENI', () => {
  it('fills in what the spec leaves open', () => {
    const { spec, faults } = toNodeEni({ ...SOURCE, spec: SPEC });
    expect(faults).toEqual([]);
    expect(spec).toMatchObject({ count: 1, securityGroups: [], deletionPolicy: 'Delete', sourceDestCheck: undefined });
  });

  it.each<[string, object, RegExp]>([
    ['without a selector', { ...SPEC, nodeSelector: {} }, /nodeSelector/],
    ['without subnets', { ...SPEC, subnets: 'x' }, /subnets is empty/],
    ['with a subnet named by nothing', { ...SPEC, subnets: [{}, { id: 'subnet-1' }] }, /subnets has an entry without/],
    ['with a count that no instance carries', { ...SPEC, count: 99 }, /spec\.count is 99/],
  ])('names the fault of one %s', (_what, spec, fault) => {
    expect(toNodeEni({ ...SOURCE, spec: spec as Record<string, unknown> }).faults.join()).toMatch(fault);
  });

  it('selects the nodes that have all of its labels', () => {
    const object = toNodeEni({ ...SOURCE, spec: { ...SPEC, nodeSelector: { role: 'edge', zone: 'a' } } });
    const selected = [{ role: 'edge', zone: 'a', other: 'x' }, { role: 'edge' }, {}].map((labels) =>
      selectsNode(object, { labels }),
    );
    expect(selected).toEqual([true, false, false]);
  });

  it('understands its own status, so that nothing is written twice', () => {
    const entry: NodeEniEntry = {
      node: 'a',
      instanceId: 'i-1',
      index: 0,
      networkInterfaceId: 'eni-1',
      macAddress: '02:00:00:00:00:01',
      subnetId: 'subnet-1',
      zone: 'us-east-1a',
      address: undefined,
      deviceIndex: 2,
      networkCard: 0,
      attachmentId: 'eni-attach-1',
      interfaceName: 'multus',
      state: 'Failed',
      reason: 'SubnetFull',
      message: 'no room',
    };
    const condition = { status: 'False', reason: 'SubnetFull', message: 'no room' } as const;
    const status = { observedGeneration: 3, desired: 1, attached: 0, ready: 0, failed: 1, nodes: [entry], condition };
    const before = toNodeEni({ ...SOURCE, spec: SPEC });
    const written = JSON.parse(JSON.stringify(nodeEniStatusBody(before, status, 0))) as Record<string, unknown>;
    const read = toNodeEni({ ...SOURCE, spec: SPEC, status: written });
    expect(sameNodeEniStatus(read.status, status)).toBe(true);
    expect(nodeEniStatusBody(read, status, 60_000)).toMatchObject({
      conditions: [{ lastTransitionTime: '1970-01-01T00:00:00Z' }],
    });
  });

  it('shows the entries with a reason first when there are more than fit', () => {
    const entries = Array.from({ length: 1_200 }, (_, index) => ({
      node: `n${String(index).padStart(4, '0')}`,
      index: 0,
      reason: index === 1_199 ? 'SubnetFull' : undefined,
    })) as unknown as NodeEniEntry[];
    const shown = shownEntries(entries);
    expect(shown).toHaveLength(1_000);
    expect(shown[0]?.node).toBe('n1199');
  });
});
