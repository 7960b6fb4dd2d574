import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import type { Connection } from '../../lib/kube/connection.ts';
import { createEventRecorder } from '../../lib/kube/events.ts';
import { createLeaseElector } from '../../lib/kube/lease.ts';
import { createNadCache } from '../../lib/kube/nads.ts';
import { getNode } from '../../lib/kube/node.ts';
import type { Change, RawObject } from '../../lib/kube/object-store.ts';
import { hasOtherReadyNode } from '../../lib/kube/own-node.ts';
import { podConverter } from '../../lib/kube/pods.ts';
import { createPodPublisher } from '../../lib/kube/publish.ts';
import { createReflector } from '../../lib/kube/reflector.ts';
import type { Pod } from '../../lib/model/pod.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { waitFor } from '../support/wait-for.ts';

/** What the adapter relies on, to hold for the simulated and for a real API server alike. */
export interface ApiUnderTest {
  readonly connection: Connection;
  stop(): Promise<void>;
}

const clock = systemClock();
const random = () => 0.5;
const NODE = 'node-of-adapter-suite';

/** Defines the tests; call it inside a `describe`. */
export function kubeAdapterSuite(start: () => Promise<ApiUnderTest>): void {
  let api: ApiUnderTest;
  let client: KubeClient;
  const stop = new AbortController();
  const owned: Promise<unknown>[] = [];

  beforeAll(async () => {
    api = await start();
    client = createKubeClient({ connection: api.connection, clock });
    // The first connection loads client-node: 2 700 files where it is not bundled.
  });
  afterAll(async () => {
    stop.abort();
    await Promise.all(owned);
    await client.close();
    await api.stop();
  });

  async function createPod(name: string, nodeName = NODE): Promise<{ uid: string; resourceVersion: string }> {
    const body = {
      metadata: { name },
      spec: { nodeName, containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 0 },
    };
    const raw = await client.request<RawObject>({ method: 'POST', path: '/api/v1/namespaces/default/pods', body });
    return { uid: raw.metadata.uid ?? '', resourceVersion: raw.metadata.resourceVersion ?? '' };
  }
  const deletePod = (name: string) =>
    client.request({
      method: 'DELETE',
      path: `/api/v1/namespaces/default/pods/${name}`,
      query: { gracePeriodSeconds: 0 },
    });

  function watchPods(query: { fieldSelector?: string }, silenceMs = 90_000) {
    const changes: Change<Pod>[] = [];
    const errors: unknown[] = [];
    const reflector = createReflector<Pod>({
      source: { client, path: '/api/v1/pods', query, convert: podConverter() },
      clock,
      random,
      life: { silenceMs },
      onChange: (change) => changes.push(change),
      onError: (error) => errors.push(error),
    });
    owned.push(reflector.run(stop.signal));
    return { reflector, changes, errors };
  }

  it("the reflector tells a node's pods from creation to deletion, and none of another node", async () => {
    const { reflector, changes, errors } = watchPods({ fieldSelector: `spec.nodeName=${NODE}` });
    await waitFor(() => expect(reflector.connected).toBe(true));
    await createPod('elsewhere', 'another-node');
    await createPod('watched');
    await waitFor(() =>
      expect(changes).toMatchObject([{ type: 'added', key: 'default/watched', item: { nodeName: NODE } }]),
    );
    await deletePod('watched');
    await waitFor(() => expect(changes.at(-1)).toMatchObject({ type: 'deleted', key: 'default/watched' }));
    await deletePod('elsewhere');

    expect([...reflector.items()]).toEqual([]);
    expect(errors).toEqual([]);
  });

  it('the reflector lists again after silence and says nothing twice', async () => {
    await createPod('quiet');
    const { changes, errors } = watchPods({ fieldSelector: 'metadata.name=quiet' }, 400);
    await waitFor(() => expect(errors.length).toBeGreaterThanOrEqual(2));
    await deletePod('quiet');
    await waitFor(() => expect(changes.at(-1)?.type).toBe('deleted'));
    expect(changes.filter(({ type }) => type !== 'updated')).toHaveLength(2);
    expect(errors[0]).toMatchObject({ reason: 'Timeout' });
  });

  it('the publisher writes annotations, labels and conditions through pods/status and keeps the time of an unchanged status', async () => {
    const publisher = createPodPublisher({ client, clock, random, signal: stop.signal });
    const { uid } = await createPod('patched');
    const pod = { namespace: 'default', name: 'patched', uid, conditions: [] };
    const condition = {
      type: 'eni-agent.io/AddressesAssigned',
      status: 'False',
      reason: 'Throttled',
      message: 'wait',
    } as const;
    const change = {
      annotations: { 'eni-agent.io/addresses': '[]' },
      labels: { 'eip.materialize.cloud/x': 'y' },
      conditions: [condition],
    };
    expect(await publisher.patchPod(pod, change)).toBe('written');
    const first = await readPod('patched');
    await sleep(1_100);
    await publisher.patchPod(
      { ...pod, conditions: [condition] },
      { annotations: { 'eni-agent.io/addresses': null }, conditions: [{ ...condition, message: 'again' }] },
    );
    const second = await readPod('patched');

    expect(first).toMatchObject({ metadata: { annotations: change.annotations, labels: change.labels } });
    expect(first.status.conditions).toMatchObject([condition]);
    expect(second.metadata.annotations ?? {}).toEqual({});
    expect(second.status.conditions).toMatchObject([
      { message: 'again', lastTransitionTime: first.status.conditions[0]?.lastTransitionTime },
    ]);
    await deletePod('patched');
  });

  it("the publisher leaves another pod of the same name alone and says 'gone'", async () => {
    const publisher = createPodPublisher({ client, clock, random, signal: stop.signal });
    const { uid } = await createPod('twin');
    await deletePod('twin');
    const pod = { namespace: 'default', name: 'twin', uid, conditions: [] };
    expect(await publisher.patchPod(pod, { labels: { l: '1' } })).toBe('gone');
    await createPod('twin');
    expect(await publisher.patchPod(pod, { labels: { l: '1' } })).toBe('gone');
    expect((await readPod('twin')).metadata.labels).toBeUndefined();
    await deletePod('twin');
  });

  it('the recorder creates an Event and counts its repetition', async () => {
    const onDrop = (cause: string) => expect.fail(cause);
    const about = { component: 'eni-agent', host: NODE, onDrop };
    const recorder = createEventRecorder({ client, clock, signal: stop.signal, ...about });
    const target = { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name: 'talked-about', uid: 'some-uid' };
    for (const _ of [1, 2])
      recorder.record(target, { type: 'Warning', reason: 'AddressRefused', message: 'the ENI is full' });
    await recorder.drained();

    const { items } = await client.request<{
      items: { count: number; reason: string; involvedObject: { name: string } }[];
    }>({
      method: 'GET',
      path: '/api/v1/namespaces/default/events',
    });
    const ours = items.filter((event) => event.involvedObject.name === 'talked-about');
    expect(ours).toMatchObject([{ count: 2, reason: 'AddressRefused' }]);
  });

  it('two electors lead one after the other', async () => {
    const order: string[] = [];
    const candidates = ['a', 'b'].map((identity) => {
      const leave = new AbortController();
      const elector = createLeaseElector({
        client,
        clock,
        random: Math.random,
        lock: { namespace: 'default', name: 'adapter-suite', identity },
        times: { leaseDurationMs: 2_000, renewDeadlineMs: 1_500, retryPeriodMs: 200 },
        callbacks: {
          onStartedLeading: () => order.push(`${identity} started`),
          onStoppedLeading: () => void order.push(`${identity} stopped`),
        },
      });
      return { identity, elector, leave, running: elector.run(leave.signal) };
    });
    await waitFor(() => expect(order).toHaveLength(1));
    await sleep(1_000);
    const first = candidates.find(({ elector }) => elector.isLeader());
    const second = candidates.find((candidate) => candidate !== first);
    first?.leave.abort();
    await first?.running;
    await waitFor(() => expect(order).toHaveLength(3));

    expect(order).toEqual([`${first?.identity} started`, `${first?.identity} stopped`, `${second?.identity} started`]);
    expect(second?.elector.holder()).toBe(second?.identity);
    second?.leave.abort();
    await second?.running;
  });

  it('a missing resource type is an absent definition, and a Node tells its instance', async () => {
    const nads = createNadCache({ client, clock, signal: stop.signal });
    expect(await nads.get('default/none')).toEqual({ state: 'absent' });
    const spec = { providerID: 'aws:///us-east-1a/i-0abc' };
    await client.request({
      method: 'POST',
      path: '/api/v1/nodes',
      body: { metadata: { name: NODE, labels: { zone: 'a' } }, spec },
    });
    expect(await getNode(client, NODE)).toMatchObject({
      name: NODE,
      providerId: spec.providerID,
      labels: { zone: 'a' },
    });
  });

  it('another node is ready only with the labels, ready, and not cordoned', async () => {
    const create = async (name: string, ready: string, unschedulable = false) => {
      const metadata = { name, labels: { role: 'ingress' } };
      await client.request({
        method: 'POST',
        path: '/api/v1/nodes',
        body: { metadata, ...(unschedulable && { spec: { unschedulable } }) },
      });
      const body = { status: { conditions: [{ type: 'Ready', status: ready }] } };
      const path = `/api/v1/nodes/${name}/status`;
      await client.request({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body });
    };
    const asked = (labels: Record<string, string>) => hasOtherReadyNode(client, 'ingress-1', labels, stop.signal);
    await create('ingress-1', 'True');
    await create('ingress-2', 'Unknown');
    await create('ingress-3', 'True', true);
    expect(await asked({ role: 'ingress' })).toBe(false);

    await create('ingress-4', 'True');
    // The API server answers from its cache, which is some moments old.
    await waitFor(async () => expect(await asked({ role: 'ingress' })).toBe(true));
    expect(await asked({ role: 'ingress', zone: 'z' })).toBe(false);
  });

  interface PodRead {
    readonly metadata: { readonly annotations?: object; readonly labels?: object };
    readonly status: { readonly conditions: readonly { readonly lastTransitionTime?: string }[] };
  }
  const readPod = (name: string) =>
    client.request<PodRead>({ method: 'GET', path: `/api/v1/namespaces/default/pods/${name}` });
}
