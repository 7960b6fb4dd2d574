import { describe, expect, it } from 'vitest';
import { objectDialects } from '../../../../lib/dialect/handover-adapter.ts';
import { podDialects } from '../../../../lib/dialect/index.ts';
import type { ElasticIp } from '../../../../lib/model/elastic-ips/elastic-ip.ts';
import { NODE_TAG } from '../../../../lib/model/elastic-ips/plan.ts';
import type { Pod } from '../../../../lib/model/pod.ts';
import { sweepItems } from '../../../../lib/plan/sweep/items.ts';
import { type PodEvidence, podVerdict } from '../../../../lib/plan/sweep/pod-verdict.ts';
import { elasticIp, networkInterface } from '../../../support/builders.ts';

const context = { clusterName: 'c', nodeName: '' };

function eip(tags: Record<string, string>, more: Partial<ElasticIp> = {}): ElasticIp {
  return elasticIp({ tags, ...more });
}

function pod(name: string, annotations: Record<string, string>, nodeName = 'node-a'): Pod {
  const base = {
    namespace: 'ns',
    uid: `uid-${name}`,
    phase: 'Running',
    terminating: false,
    hostNetwork: false,
  } as const;
  return {
    ...base,
    name,
    nodeName,
    annotations,
    podIps: [],
    labels: {},
    conditions: [],
    finalizers: [],
  } as unknown as Pod;
}

const ofPod = {
  'eni-agent.io/cluster': 'c',
  'eni-agent.io/pod': 'ns/web',
  'eni-agent.io/claim': 'eth0',
  'eni-agent.io/source': 'auto',
};
const ofAddress = { ...ofPod, 'eni-agent.io/claim': '10.10.1.100' };
const asks = { 'eni-agent.io/eip': 'auto' };
const asksForAddress = { 'eni-agent.io/eip': '10.10.1.100=auto' };
const [claim] = podDialects[0]?.requests(pod('web', asks), context).claims ?? [];
const [shared] = podDialects[0]?.requests(pod('web', asksForAddress), context).claims ?? [];

describe('whether the owner of an Elastic IP lives', () => {
  const tags = { ...ofPod, ...claim?.tags };
  const sharedTags = { ...ofAddress, ...shared?.tags };
  const all = (evidence: Partial<PodEvidence>): PodEvidence => ({
    owner: null,
    nodes: new Set(['node-a']),
    pods: [],
    ...evidence,
  });

  it.each<[string, ElasticIp, PodEvidence, string]>([
    ['its pod asks for it', eip(tags), all({ owner: pod('web', asks) }), 'lives'],
    ['its pod is gone', eip(tags), all({}), 'gone'],
    ['its pod could not be read', eip(tags), all({ owner: undefined }), 'unknown'],
    ['the other pods could not be read', eip(tags), all({ pods: undefined }), 'unknown'],
    [
      'another pod may hold the floating address',
      eip(sharedTags),
      all({ pods: [pod('standby', asksForAddress)] }),
      'lives',
    ],
    ['another pod asks for another address', eip(sharedTags), all({ pods: [pod('other', asks)] }), 'gone'],
    [
      "a pod's request cannot be read",
      eip(sharedTags),
      all({ pods: [pod('broken', { 'eni-agent.io/eip': '=?' })] }),
      'unknown',
    ],
    [
      'its pod asks no more, its node gives it back',
      eip({ ...tags, [NODE_TAG]: 'node-a' }),
      all({ owner: pod('web', {}) }),
      'lives',
    ],
    [
      "its pod asks no more, the pod's node gives it back",
      eip({ ...tags, [NODE_TAG]: 'old' }),
      all({ owner: pod('web', {}) }),
      'lives',
    ],
    [
      'its pod asks no more, its node is gone forever',
      eip({ ...tags, [NODE_TAG]: 'old' }),
      all({ owner: pod('web', {}, 'older') }),
      'gone',
    ],
    [
      'its pod asks no more, nodes could not be read',
      eip({ ...tags, [NODE_TAG]: 'old' }),
      all({ owner: pod('web', {}), nodes: undefined }),
      'unknown',
    ],
  ])('when %s', (_, one, evidence, expected) => {
    expect(podVerdict(one, evidence, podDialects, context)).toBe(expected);
  });
});

describe('what the sweep sees', () => {
  const adapters = { pods: podDialects, objects: objectDialects, context };
  const ownerOf = (one: ElasticIp) => sweepItems([one], [], adapters)[0]?.owner;

  it.each<[string, ElasticIp, unknown]>([
    ['no tags', eip({}), undefined],
    ["another cluster's", eip({ ...ofPod, 'eni-agent.io/cluster': 'd' }), undefined],
    ['held by a service', eip(ofPod, { serviceManaged: true }), undefined],
    ["a pod's", eip(ofPod), { kind: 'pod', pod: 'ns/web' }],
    [
      "an Eip's of k8s-eip-operator",
      eip({ 'eip.materialize.cloud/eip_uid': 'u-1', 'eip.materialize.cloud/cluster_name': 'c' }),
      { kind: 'object', of: 'eip-operator', uid: 'u-1' },
    ],
    [
      "an EIP's that is handed to a pod: still the object's",
      eip({
        'eni-agent.io/cluster': 'c',
        'eni-agent.io/object-uid': 'u-2',
        'eni-agent.io/handover-cluster': 'c',
        'eni-agent.io/handover-pod': 'ns/web',
      }),
      { kind: 'object', of: 'aws-operator', uid: 'u-2' },
    ],
  ])('an Elastic IP with %s', (_, one, expected) => {
    expect(ownerOf(one)).toEqual(expected);
  });

  it('an interface of an ENI object, but not one that was left for another of its name', () => {
    const seen = (more: Record<string, string>) => {
      const tags = {
        'eni-agent.io/cluster': 'c',
        'eni-agent.io/eni-uid': 'u',
        'eni-agent.io/eni-namespace': 'ns',
        ...more,
      };
      return sweepItems([], [networkInterface({ tags: tags })], adapters).map(({ owner }) => owner);
    };

    expect(seen({})).toEqual([{ kind: 'object', of: 'enis', uid: 'u', namespace: 'ns' }]);
    expect(seen({ 'eni-agent.io/retained-for': 'ENI/ns/web' })).toEqual([]);
    expect(seen({ 'eni-agent.io/retained-for': '' })).toHaveLength(1);
  });

  it('of aws-pod-eip-controller: allocated ones are released, only taken ones lose their tags', () => {
    const key = (name: string) => `aws-samples.github.com/aws-pod-eip-controller-${name}`;
    const tags = (type: string) => ({ [key('type')]: type, [key('cluster-name')]: 'c', [key('pod')]: 'ns/web' });
    const [auto] = sweepItems([eip(tags('auto'))], [], adapters);
    const [fixed] = sweepItems([eip(tags('fixed-tag'))], [], adapters);

    expect([auto, fixed].map((item) => item?.kind === 'elastic-ip' && item.allocatedByUs)).toEqual([true, false]);
    expect(fixed?.kind === 'elastic-ip' && fixed.ownTags.toSorted()).toEqual(Object.keys(tags('')).toSorted());
  });
});
