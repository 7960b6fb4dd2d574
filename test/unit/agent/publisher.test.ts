import { describe, expect, it } from 'vitest';
import { Publisher } from '../../../agent/node/publisher.ts';
import { metadataOf } from '../../../lib/dialect/index.ts';
import { requestsOf } from '../../../lib/dialect/requests.ts';
import type { PodChange } from '../../../lib/kube/publish.ts';
import type { EipStatus } from '../../../lib/model/elastic-ips/claim.ts';
import { ip } from '../../../lib/model/ip.ts';
import type { Pod } from '../../../lib/model/pod.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const AUTO = { 'aws-samples.github.com/aws-pod-eip-controller-type': 'auto' };

function pod(change: Partial<Pod> = {}): Pod {
  const nothing = { labels: {}, annotations: {}, conditions: [], finalizers: [] };
  const state = { phase: 'Running', terminating: false, hostNetwork: false, podIps: [ip('10.0.0.9')] } as const;
  return { namespace: 'default', name: 'pod', uid: 'u', nodeName: 'n', ...state, ...nothing, ...change };
}

function statusesOf(of: Pod, state: 'bound' | 'pending'): EipStatus[] {
  const { claims } = requestsOf(of, { clusterName: 'test', nodeName: 'n' });
  return claims.map((claim, index) =>
    state === 'pending'
      ? { state, claim }
      : {
          state,
          claim,
          publicIp: ip(`198.18.0.${index + 1}`),
          allocationId: 'eipalloc-1',
          eni: 'eni-1',
          privateIp: ip('10.0.0.9'),
        },
  );
}

function publisher(...pods: Pod[]) {
  const clock = new VirtualClock();
  const patches: PodChange[] = [];
  let looks = 0;
  const made = new Publisher({
    clock,
    log: silentLogger,
    pods: () => {
      looks += 1;
      return pods;
    },
    hasNetworks: () => false,
    marks: metadataOf,
    patch: (_pod, change) => {
      patches.push(change);
      return Promise.resolve('written');
    },
  });
  made.routed([]);
  made.addresses({ at: 0, statuses: [], leftOut: [], refusals: new Map(), enis: [], actions: [], complete: true });
  const report = (statuses: readonly EipStatus[], complete = true) =>
    made.elasticIps({ steps: [], statuses, refusals: new Map(), complete, pods: new Set(pods.map(({ uid }) => uid)) });
  return { clock, patches, report, looks: () => looks };
}

describe('Publisher', () => {
  it('never writes on a pod that asks for nothing and never did', async () => {
    const { clock, patches, report } = publisher(pod());
    report([]);
    await clock.advance(60_000);
    expect(patches).toEqual([]);
  });

  it('looks at the pods once more for a report of Elastic IPs only when it, or the one before, says something', () => {
    const asking = pod({ annotations: AUTO });
    const { looks, report } = publisher(asking);
    const looksFor = (...given: Parameters<typeof report>) => {
      const before = looks();
      report(...given);
      return looks() - before;
    };
    const bound = statusesOf(asking, 'bound');

    // The pods that it has seen, and that it has seen all, are news the first time.
    expect([looksFor([], false), looksFor([]), looksFor([])]).toEqual([1, 1, 0]);
    expect([looksFor(bound), looksFor(bound), looksFor([]), looksFor([])]).toEqual([1, 1, 1, 0]);
  });

  it('writes a public IP at once, in one patch with condition and annotations', () => {
    const asking = pod({ annotations: AUTO });
    const { patches, report } = publisher(asking);
    report(statusesOf(asking, 'bound'));
    report(statusesOf(asking, 'bound'));
    expect(patches).toMatchObject([
      {
        labels: { 'aws-pod-eip-controller-public-ip': '198.18.0.1', 'aws-pod-eip-controller-type': 'auto' },
        annotations: { 'external-dns.alpha.kubernetes.io/target': '198.18.0.1' },
        conditions: [{ status: 'True' }],
      },
    ]);
  });

  it('writes the public IP at once while another address of the pod is still awaited', () => {
    const asking = pod({ annotations: { ...AUTO, 'eni-agent.io/eip': 'net1=auto' } });
    const { patches, report } = publisher(asking);
    const [net1, primary] = [statusesOf(asking, 'pending')[0], statusesOf(asking, 'bound')[1]];
    report([net1, primary].filter((status) => status !== undefined));
    expect(patches).toMatchObject([
      { labels: { 'aws-pod-eip-controller-public-ip': expect.any(String) }, conditions: [{ reason: 'Pending' }] },
    ]);
  });

  it('says that an address is awaited only after a while', async () => {
    const asking = pod({ annotations: AUTO });
    const { clock, patches, report } = publisher(asking);
    report(statusesOf(asking, 'pending'));
    await clock.advance(499);
    expect(patches).toEqual([]);
    await clock.advance(1);
    expect(patches).toMatchObject([{ conditions: [{ status: 'False', reason: 'Pending' }] }]);
  });

  it('removes its labels from a pod whose annotation went', () => {
    const labels = { 'aws-pod-eip-controller-public-ip': '198.18.0.1', 'aws-pod-eip-controller-type': 'auto' };
    const { patches, report } = publisher(pod({ labels }));
    report([]);
    expect(patches).toMatchObject([
      { labels: { 'aws-pod-eip-controller-public-ip': null, 'aws-pod-eip-controller-type': null } },
    ]);
  });
});
