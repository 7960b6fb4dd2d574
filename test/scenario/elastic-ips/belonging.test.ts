import { describe, expect, it } from 'vitest';
import { podKey } from '../../../lib/model/pod.ts';
import { HOUR, MINUTE, objectTags, own, pec, rig, SECOND } from './rig.ts';

const PEC = 'aws-samples.github.com/aws-pod-eip-controller';
const HANDOVER = 'eni-agent.io/eip-handover';

/** Tags of an EIP that is somebody else's, with words that a refusal must have. */
const OWNERS: readonly {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly says: string;
}[] = [
  { name: 'an Eip object', tags: objectTags('pod'), says: 'EIP object default/web' },
  {
    name: 'an EIP object',
    tags: { 'eni-agent.io/object-uid': 'u', 'eni-agent.io/object': 'media/web', 'eni-agent.io/cluster': 'test' },
    says: 'EIP object media/web',
  },
  {
    name: "an object of k8s-eip-operator's first version",
    tags: { 'eip.aws.materialize.com/pod_uid': 'u-1', 'eip.aws.materialize.com/cluster_name': 'test' },
    says: 'u-1',
  },
  {
    name: 'an object that is gone and whose EIP was kept',
    tags: { 'eni-agent.io/retained-for': 'EIP/media/web', 'eni-agent.io/cluster': 'test' },
    says: 'EIP/media/web',
  },
  {
    name: 'a FloatingIP',
    tags: { 'eni-agent.io/floating-ip': 'vip', 'eni-agent.io/cluster': 'test', 'eni-agent.io/source': 'auto' },
    says: 'FloatingIP vip',
  },
  {
    name: 'another pod, by our annotation',
    tags: { 'eni-agent.io/cluster': 'test', 'eni-agent.io/pod': 'media/web', 'eni-agent.io/node': 'c' },
    says: 'pod media/web',
  },
  {
    name: 'a pod of this name in another cluster',
    tags: { 'eni-agent.io/cluster': 'other', 'eni-agent.io/pod': 'default/pod' },
    says: 'default/pod of another cluster',
  },
  {
    name: 'another pod, by aws-pod-eip-controller',
    tags: { [`${PEC}-type`]: 'auto', [`${PEC}-cluster-name`]: 'test', [`${PEC}-pod`]: 'media/web' },
    says: 'pod media/web',
  },
];

const WAYS: readonly ((id: string) => Record<string, string>)[] = [
  (id) => own(id),
  () => own('tag:game'),
  () => own('tag:game=a'),
  () => pec({ type: 'fixed-tag', 'fixed-tag': 'game' }),
  (id) => ({ [HANDOVER]: id }),
];

describe('a free Elastic IP of', () => {
  it.each(OWNERS)('$name is given to no pod that names it, and keeps its tags', async ({ name, tags, says }) => {
    for (const [index, way] of WAYS.entries()) {
      const { clock, region, a } = rig();
      a.start();
      const eip = region.prepare({ game: 'a', ...tags });
      const annotations = way(eip.allocationId);
      // Its own pod may have it, by the handover only.
      if (name === 'an Eip object' && HANDOVER in annotations) continue;
      a.run('pod', annotations, '10.0.8.10');
      await clock.advance(MINUTE);
      const status = a.statusOf('pod');
      expect(status, `way ${index}`).toMatchObject({ state: 'refused' });
      const message = status?.state === 'refused' ? status.refusal.message : '';
      expect(message).toContain(HANDOVER in annotations ? 'belongs to' : says);
      a.delete('pod');
      await clock.advance(HOUR);
      expect(region.writes()).toEqual([]);
      expect(region.eip(eip.allocationId)).toEqual(eip);
    }
  });
});

describe('a handover', () => {
  it.each([
    { name: 'of an EIP without an object', tags: { game: 'a' } },
    { name: 'of an object of another namespace', tags: objectTags('pod', 'media') },
    { name: 'of an object that is assigned to another pod', tags: objectTags('web') },
    {
      name: "of another cluster's object",
      tags: { ...objectTags('pod'), 'eip.materialize.cloud/cluster_name': 'other' },
    },
    { name: 'of an EIP that its tags bind to nobody', tags: {} },
    {
      name: "of another namespace's object, from before the tag of the pod was written",
      tags: {
        'eni-agent.io/object-uid': 'u',
        'eni-agent.io/object': 'media/web',
        'eni-agent.io/cluster': 'test',
        'eni-agent.io/handover-cluster': 'test',
        'eni-agent.io/handover-pod': 'default/pod',
      },
    },
  ])('that somebody wrote by hand, $name, binds nothing', async ({ tags }) => {
    const { clock, region, a } = rig();
    a.start();
    const eip = region.prepare(tags);
    a.run('pod', { [HANDOVER]: eip.allocationId }, '10.0.8.10');
    await clock.advance(10 * MINUTE);
    expect(a.statusOf('pod')).toMatchObject({ state: 'refused', refusal: { reason: 'EipInUse' } });
    expect(region.writes()).toEqual([]);
    expect(region.eip(eip.allocationId)).toEqual(eip);
  });

  it('waits in silence for tags that come a moment after the annotation', async () => {
    const { clock, region, a } = rig();
    a.start();
    const eip = region.prepare({ ...objectTags('web') });
    a.run('pod', { [HANDOVER]: eip.allocationId }, '10.0.8.10');
    await clock.advance(2 * SECOND);
    const tags = Object.entries(objectTags('pod')).map(([key, value]) => ({ key, value }));
    region.cloud.createTags({ resources: [eip.allocationId], tags });
    await clock.advance(3 * SECOND);
    expect(a.statusOf('pod')?.state).toBe('bound');
    expect(a.events.map(({ kind }) => kind)).toEqual(['associated']);
  });

  it('from before the tag of the pod was written stays where it is, and its object is served on', async () => {
    const { clock, region, a } = rig();
    const [pod] = [a.schedule('pod', {})];
    a.address('pod', '10.0.8.10');
    const eip = region.prepare({
      'eni-agent.io/object-uid': 'u',
      'eni-agent.io/object': 'default/web',
      'eni-agent.io/cluster': 'test',
      'eni-agent.io/handover-cluster': 'test',
      'eni-agent.io/handover-pod': podKey(pod),
      'eni-agent.io/node': 'a',
    });
    region.associate(eip.allocationId, 'eni-a', '10.0.8.10');
    a.annotate('pod', { [HANDOVER]: eip.allocationId });
    a.start();
    await clock.advance(MINUTE);
    expect(a.statusOf('pod')?.state).toBe('bound');
    expect(region.writes()).toEqual([]);
  });
});

describe('an Elastic IP of an object that a pod had taken before', () => {
  it('loses what the pod put on it, and nothing of the object', async () => {
    const { clock, region, a } = rig();
    const object = {
      'eni-agent.io/object-uid': 'u',
      'eni-agent.io/object': 'media/web',
      'eni-agent.io/cluster': 'test',
    };
    const eip = region.prepare({
      ...object,
      'eni-agent.io/pod': 'default/pod',
      'eni-agent.io/claim': 'eth0',
      'eni-agent.io/source': 'auto',
      'eni-agent.io/node': 'a',
    });
    a.start();
    await clock.advance(5 * MINUTE);
    expect(region.eip(eip.allocationId).tags).toEqual(object);
    expect(region.actions()).toEqual(['DeleteTags']);
  });
});
