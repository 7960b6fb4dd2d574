import { describe, expect, it } from 'vitest';
import { NODE_TAG } from '../../../lib/model/elastic-ips/plan.ts';
import { RELEASE_DELAY_MS } from './eip-node.ts';
import { eniOf } from './region.ts';
import { pec, rig, SECOND } from './rig.ts';

/** The tags that aws-pod-eip-controller leaves on an Elastic IP. */
function tagsOf(type: string, pod: string): Record<string, string> {
  return pec({ type, 'cluster-name': 'test', pod: `default/${pod}` });
}

/** What a pod of each type has when the old controller is scaled to 0. */
const BOUND = [
  { type: 'auto', annotations: pec({ type: 'auto' }), own: {} },
  { type: 'fixed-tag', annotations: pec({ type: 'fixed-tag', 'fixed-tag': 'game' }), own: { game: 'a' } },
  {
    type: 'fixed-tag-value',
    annotations: pec({ type: 'fixed-tag-value', 'fixed-tag-value': 'who' }),
    own: { who: 'default/pod' },
  },
];

describe('switching from aws-pod-eip-controller', () => {
  it.each(BOUND)('keeps a pod of type $type on its Elastic IP, and writes nothing but the node tag', async (pod) => {
    const { clock, region, a } = rig();
    const tags = { ...pod.own, ...tagsOf(pod.type, 'pod') };
    const { allocationId } = region.prepare(tags);
    a.schedule('pod', pod.annotations);
    a.address('pod', '10.0.8.11');
    region.associate(allocationId, eniOf('a'), '10.0.8.11');
    region.calls.length = 0;

    a.start();
    await clock.advance(10 * SECOND);

    expect(a.statusOf('pod')).toMatchObject({ state: 'bound', allocationId });
    expect(region.writes().map(({ action }) => action)).toEqual(['CreateTags']);
    expect(region.eip(allocationId)?.tags).toEqual({ ...tags, [NODE_TAG]: 'a' });
    expect(region.eips()).toHaveLength(1);
  });

  it('gives back what the old controller forgot, although no tag names the node', async () => {
    const { clock, region, a } = rig();
    const { allocationId } = region.prepare(tagsOf('auto', 'gone'));
    region.assign(eniOf('a'), '10.0.8.12');
    region.associate(allocationId, eniOf('a'), '10.0.8.12');
    region.calls.length = 0;

    a.start();
    await clock.advance(RELEASE_DELAY_MS + 10 * SECOND);

    expect(region.writes().map(({ action }) => action)).toEqual(['DisassociateAddress', 'ReleaseAddress']);
    expect(region.eips()).toEqual([]);
  });

  it('leaves the Elastic IPs of another cluster alone', async () => {
    const { clock, region, a } = rig();
    const tags = { ...tagsOf('auto', 'pod'), ...pec({ 'cluster-name': 'other' }) };
    const { allocationId } = region.prepare(tags);
    a.start();
    await clock.advance(RELEASE_DELAY_MS + 10 * SECOND);

    expect(region.eip(allocationId)?.tags).toEqual(tags);
  });
});
