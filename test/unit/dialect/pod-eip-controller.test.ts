import { describe, expect, test } from 'vitest';
import { podEipController } from '../../../lib/dialect/pod-eip-controller.ts';
import type { ElasticIpClaim } from '../../../lib/model/elastic-ips/claim.ts';
import type { Pod } from '../../../lib/model/pod.ts';
import { boundTo, CONTEXT, podWith } from './samples.ts';

const KEY = 'aws-samples.github.com/aws-pod-eip-controller';
const NO_LABELS = {
  'aws-pod-eip-controller-public-ip': null,
  'aws-pod-eip-controller-type': null,
  'aws-pod-eip-controller-public-ipv4-pool': null,
  'aws-pod-eip-controller-fixed-tag': null,
  'aws-pod-eip-controller-fixed-tag-value': null,
};

/** A pod with annotations of the tool, their keys without the common beginning. */
function annotated(annotations: Readonly<Record<string, string>>): Pod {
  return podWith(Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${KEY}-${key}`, value])));
}

function onlyClaim(pod: Pod): ElasticIpClaim {
  const { claims, refusals } = podEipController.requests(pod, CONTEXT);
  expect(refusals).toEqual([]);
  expect(claims).toHaveLength(1);
  return claims[0] as ElasticIpClaim;
}

describe('requests of pod-eip-controller', () => {
  test.each([
    ['auto takes from Amazon', { type: 'auto' }, { kind: 'allocate', pool: 'amazon' }],
    [
      'auto takes from the pool that is named',
      { type: 'auto', 'public-ipv4-pool': 'ipv4pool-ec2-1' },
      { kind: 'allocate', pool: 'ipv4pool-ec2-1' },
    ],
    ['an empty pool is none named', { type: 'auto', 'public-ipv4-pool': '' }, { kind: 'allocate', pool: 'amazon' }],
    [
      'fixed-tag accepts any value',
      { type: 'fixed-tag', 'fixed-tag': 'pec-ip-pool' },
      { kind: 'tagged', key: 'pec-ip-pool', value: undefined },
    ],
    [
      'fixed-tag-value wants the pod as the value',
      { type: 'fixed-tag-value', 'fixed-tag-value': 'pec-ip-pool' },
      { kind: 'tagged', key: 'pec-ip-pool', value: 'apps/web-0' },
    ],
    ['blanks around a value do not count', { type: ' auto\n' }, { kind: 'allocate', pool: 'amazon' }],
    [
      'companions of other types do not count',
      { type: 'auto', 'fixed-tag': 'a', 'fixed-tag-value': 'b' },
      { kind: 'allocate', pool: 'amazon' },
    ],
  ])('%s', (_name, annotations, source) => {
    expect(onlyClaim(annotated(annotations)).source).toEqual(source);
  });

  test('a claim is for the primary address and owned by cluster, pod and type, as the tool tags it', () => {
    expect(onlyClaim(annotated({ type: 'auto' }))).toEqual({
      id: 'pod-eip-controller|apps/web-0|eth0',
      dialect: 'pod-eip-controller',
      owner: { namespace: 'apps', name: 'web-0', uid: 'uid-1' },
      source: { kind: 'allocate', pool: 'amazon' },
      target: { kind: 'primary' },
      tags: { [`${KEY}-type`]: 'auto', [`${KEY}-cluster-name`]: 'blue', [`${KEY}-pod`]: 'apps/web-0' },
      identity: [`${KEY}-type`, `${KEY}-cluster-name`, `${KEY}-pod`],
    });
  });

  test('a recreated pod has the claim of its predecessor', () => {
    const pod = annotated({ type: 'auto' });

    const [before, after] = [onlyClaim(pod), onlyClaim({ ...pod, uid: 'uid-2' })];

    expect(after).toEqual({ ...before, owner: { ...before.owner, uid: 'uid-2' } });
  });

  test.each([
    ['no annotation', {}],
    ['an empty type, as templates write it,', { type: '' }],
    ['companions alone', { 'public-ipv4-pool': 'amazon', 'fixed-tag': 'a' }],
  ])('%s asks for nothing', (_name, annotations) => {
    expect(podEipController.requests(annotated(annotations), CONTEXT)).toEqual({ claims: [], refusals: [] });
  });

  test.each([
    [{ type: 'Auto' }, `${KEY}-type: "Auto" is not a type; use auto, fixed-tag or fixed-tag-value`],
    [{ type: 'constructor' }, `${KEY}-type: "constructor" is not a type; use auto, fixed-tag or fixed-tag-value`],
    [{ type: 'fixed-tag' }, `${KEY}-type: type fixed-tag needs the key of a tag, and ${KEY}-fixed-tag is not set`],
    [
      { type: 'fixed-tag-value', 'fixed-tag': 'wrong-companion' },
      `${KEY}-type: type fixed-tag-value needs the key of a tag, and ${KEY}-fixed-tag-value is not set`,
    ],
    [{ type: 'fixed-tag', 'fixed-tag': 'k'.repeat(129) }, `${KEY}-fixed-tag: the tag key is longer than the 128`],
    [{ type: 'fixed-tag', 'fixed-tag': 'a\u0000b' }, `${KEY}-fixed-tag: the tag key has control characters`],
  ])('%j is refused by name', (annotations, message) => {
    const { claims, refusals } = podEipController.requests(annotated(annotations), CONTEXT);

    expect(claims).toEqual([]);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]).toMatchObject({ reason: 'InvalidAnnotation', message: expect.stringContaining(message) });
  });

  test('a name that no tag can hold is refused', () => {
    const pod = { ...annotated({ type: 'auto' }), name: 'n'.repeat(253) };

    const { claims, refusals } = podEipController.requests(pod, CONTEXT);

    expect(claims).toEqual([]);
    expect(refusals).toMatchObject([
      { reason: 'InvalidAnnotation', message: expect.stringContaining('shorter names') },
    ]);
  });
});

describe('labels of pod-eip-controller', () => {
  test.each([
    ['auto without a pool', { type: 'auto' }, { type: 'auto' }],
    [
      'auto with Amazon named',
      { type: 'auto', 'public-ipv4-pool': 'amazon' },
      { type: 'auto', 'public-ipv4-pool': 'amazon' },
    ],
    [
      'auto with a pool',
      { type: 'auto', 'public-ipv4-pool': 'ipv4pool-ec2-1' },
      { type: 'auto', 'public-ipv4-pool': 'ipv4pool-ec2-1' },
    ],
    ['fixed-tag', { type: 'fixed-tag', 'fixed-tag': 'k' }, { type: 'fixed-tag', 'fixed-tag': 'k' }],
    [
      'fixed-tag-value',
      { type: 'fixed-tag-value', 'fixed-tag-value': 'k' },
      { type: 'fixed-tag-value', 'fixed-tag-value': 'k' },
    ],
    ['a tag key that no label can hold', { type: 'fixed-tag', 'fixed-tag': 'team/pool' }, { type: 'fixed-tag' }],
  ])('%s: an EIP that is bound', (_name, annotations, labels) => {
    const pod = annotated(annotations);

    expect(podEipController.metadata(pod, [boundTo(onlyClaim(pod))])).toEqual({
      annotations: {},
      labels: {
        ...NO_LABELS,
        'aws-pod-eip-controller-public-ip': '203.0.113.7',
        ...Object.fromEntries(Object.entries(labels).map(([key, value]) => [`aws-pod-eip-controller-${key}`, value])),
      },
    });
  });

  test('are all removed when nothing is asked for any more, and while nothing is bound', () => {
    const pod = annotated({ type: 'auto' });
    const claim = onlyClaim(pod);

    expect(podEipController.metadata(pod, []).labels).toEqual(NO_LABELS);
    expect(podEipController.metadata(pod, [{ state: 'pending', claim }]).labels).toEqual(NO_LABELS);
    expect(
      podEipController.metadata(pod, [
        { state: 'refused', claim, refusal: { reason: 'EipQuotaReached', message: 'full' } },
      ]).labels,
    ).toEqual(NO_LABELS);
  });

  test.each(['', 'a b', '-a', 'a-', 'a/b', 'ä', 'x'.repeat(64), 'a\n'])(
    'never hold %j, which the API server would reject',
    (key) => {
      const pod = annotated({ type: 'fixed-tag', 'fixed-tag': 'k' });
      const claim: ElasticIpClaim = { ...onlyClaim(pod), source: { kind: 'tagged', key, value: undefined } };

      const { labels } = podEipController.metadata(pod, [boundTo(claim)]);

      expect(labels['aws-pod-eip-controller-fixed-tag']).toBeNull();
      expect(labels['aws-pod-eip-controller-public-ip']).toBe('203.0.113.7');
    },
  );
});

describe('tags of pod-eip-controller', () => {
  const tags = { [`${KEY}-type`]: 'auto', [`${KEY}-cluster-name`]: 'blue', [`${KEY}-pod`]: 'apps/web-0' };

  test.each([
    ['of this cluster', tags, 'apps/web-0'],
    ['of another cluster', { ...tags, [`${KEY}-cluster-name`]: 'green' }, undefined],
    ['without a cluster', { [`${KEY}-type`]: 'auto', [`${KEY}-pod`]: 'apps/web-0' }, undefined],
    ['without a pod', { [`${KEY}-type`]: 'auto', [`${KEY}-cluster-name`]: 'blue' }, undefined],
    ['with a pod that is not a name', { ...tags, [`${KEY}-pod`]: 'a/b/c' }, undefined],
    ['of nobody', {}, undefined],
  ])('%s name their owner', (_name, found, owner) => {
    expect(podEipController.ownerOf(found, CONTEXT)).toBe(owner);
  });

  test('name no owner to an agent that does not know its cluster', () => {
    const nameless = { ...tags, [`${KEY}-cluster-name`]: '' };

    expect(podEipController.ownerOf(tags, { ...CONTEXT, clusterName: undefined })).toBeUndefined();
    expect(podEipController.ownerOf(nameless, { ...CONTEXT, clusterName: '' })).toBeUndefined();
  });

  test('only those of type auto give the EIP up for release', () => {
    const allocated = ['auto', 'fixed-tag', 'fixed-tag-value', ''].map((type) =>
      podEipController.allocatedByUs({ ...tags, [`${KEY}-type`]: type }),
    );

    expect(allocated).toEqual([true, false, false, false]);
    expect(podEipController.allocatedByUs({})).toBe(false);
  });

  test('are all removed again from an EIP that was only taken', () => {
    expect(Object.keys(onlyClaim(annotated({ type: 'auto' })).tags).sort()).toEqual(
      [...podEipController.ownTags].sort(),
    );
  });
});
