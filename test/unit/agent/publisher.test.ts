import { describe, expect, it } from 'vitest';
import { Publisher } from '../../../agent/node/publisher.ts';
import { metadataOf } from '../../../lib/dialect/index.ts';
import { requestsOf } from '../../../lib/dialect/requests.ts';
import type { PodChange } from '../../../lib/kube/publish.ts';
import type { EipStatus } from '../../../lib/model/elastic-ips/claim.ts';
import { ip } from '../../../lib/model/ip.ts';
import type { Pod } from '../../../lib/model/pod.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { ReconcileHealth } from '../../../lib/runtime/reconcile-health.ts';
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
  const faults: Error[] = [];
  const stop = new AbortController();
  const health = new ReconcileHealth({ clock });
  let looks = 0;
  const made = new Publisher({
    process: { clock, log: silentLogger, health },
    pods: () => {
      looks += 1;
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      return pods;
    },
    hasNetworks: () => false,
    metadata: metadataOf,
    stop: stop.signal,
    patch: (_pod, change) => {
      patches.push(change);
      return Promise.resolve('written');
    },
  });
  made.routed([]);
  const reportAddresses = () =>
    made.addresses({ at: 0, statuses: [], leftOut: [], refusals: new Map(), enis: [], actions: [], complete: true });
  reportAddresses();
  const report = (statuses: readonly EipStatus[], complete = true) =>
    made.elasticIps({ steps: [], statuses, refusals: new Map(), complete, pods: new Set(pods.map(({ uid }) => uid)) });
  const settled = () => clock.advance(0);
  return { made, clock, patches, report, reportAddresses, stop, health, faults, settled, looks: () => looks };
}

describe('Publisher', () => {
  it('never writes on a pod that asks for nothing and never did', async () => {
    const { clock, patches, report } = publisher(pod());
    report([]);
    await clock.advance(60_000);
    expect(patches).toEqual([]);
  });

  it('looks at the pods once more for a report of Elastic IPs only when it, or the one before, says something', async () => {
    const asking = pod({ annotations: AUTO });
    const { looks, report, settled } = publisher(asking);
    await settled();
    const looksFor = async (reports: readonly Parameters<typeof report>[]) => {
      const counts: number[] = [];
      for (const given of reports) {
        const before = looks();
        report(...given);
        await settled();
        counts.push(looks() - before);
      }
      return counts;
    };
    const bound = statusesOf(asking, 'bound');

    // The pods that it has seen, and that it has seen all, are news the first time.
    expect(await looksFor([[[], false], [[]], [[]]])).toEqual([1, 1, 0]);
    expect(await looksFor([[bound], [bound], [[]], [[]]])).toEqual([1, 1, 1, 0]);
  });

  it('looks at the pods once for all reports of one turn of the event loop, and not before its end', async () => {
    const asking = pod({ annotations: AUTO });
    const { looks, report, settled } = publisher(asking);
    report(statusesOf(asking, 'pending'));
    report(statusesOf(asking, 'bound'));
    expect(looks()).toBe(0);
    await settled();
    expect(looks()).toBe(1);
  });

  it('compares no pod with a report that has not seen what the pod says now', async () => {
    const asking = pod({ annotations: AUTO });
    const { looks, report, reportAddresses, made, settled } = publisher(asking);
    await settled();
    const before = looks();
    report(statusesOf(asking, 'bound'));
    made.outdated();
    await settled();
    expect(looks()).toBe(before);
    reportAddresses();
    await settled();
    expect(looks()).toBe(before + 1);
  });

  it('writes after the stop what became of a call, although no report on addresses follows any more', async () => {
    const asking = pod({ annotations: AUTO });
    const { patches, report, made, stop } = publisher(asking);
    made.outdated();
    stop.abort();
    report(statusesOf(asking, 'bound'));
    await made.idle();
    expect(patches).toHaveLength(1);
  });

  it('writes before it is idle what was reported a moment before', async () => {
    const asking = pod({ annotations: AUTO });
    const { patches, report, made } = publisher(asking);
    report(statusesOf(asking, 'bound'));
    await made.idle();
    expect(patches).toHaveLength(1);
  });

  it('survives a comparison that throws, says so, and tries again', async () => {
    const asking = pod({ annotations: AUTO });
    const { clock, patches, report, health, faults, settled } = publisher(asking);
    faults.push(new Error('a fault of ours'));
    report(statusesOf(asking, 'bound'));
    await settled();
    expect(patches).toEqual([]);
    expect(health.failing()).toEqual(['the loop for pod reports has failed 1 times in a row: a fault of ours']);
    await clock.advance(5_000);
    expect(patches).toHaveLength(1);
    expect(health.failing()).toEqual([]);
  });

  it('writes a public IP at once, in one patch with condition and annotations', async () => {
    const asking = pod({ annotations: AUTO });
    const { patches, report, settled } = publisher(asking);
    report(statusesOf(asking, 'bound'));
    report(statusesOf(asking, 'bound'));
    await settled();
    expect(patches).toMatchObject([
      {
        labels: { 'aws-pod-eip-controller-public-ip': '198.18.0.1', 'aws-pod-eip-controller-type': 'auto' },
        annotations: { 'external-dns.alpha.kubernetes.io/target': '198.18.0.1' },
        conditions: [{ status: 'True' }],
      },
    ]);
  });

  it('writes the public IP at once while another address of the pod is still awaited', async () => {
    const asking = pod({ annotations: { ...AUTO, 'eni-agent.io/eip': 'net1=auto' } });
    const { patches, report, settled } = publisher(asking);
    const [net1, primary] = [statusesOf(asking, 'pending')[0], statusesOf(asking, 'bound')[1]];
    report([net1, primary].filter((status) => status !== undefined));
    await settled();
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

  it('removes its labels from a pod whose annotation went', async () => {
    const labels = { 'aws-pod-eip-controller-public-ip': '198.18.0.1', 'aws-pod-eip-controller-type': 'auto' };
    const { patches, report, settled } = publisher(pod({ labels }));
    report([]);
    await settled();
    expect(patches).toMatchObject([
      { labels: { 'aws-pod-eip-controller-public-ip': null, 'aws-pod-eip-controller-type': null } },
    ]);
  });
});
