import { afterEach, describe, expect, it } from 'vitest';
import { createPodPublisher } from '../../../lib/kube/publish.ts';
import type { PodCondition } from '../../../lib/model/pod.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Answer, type Call, startScriptedApi } from './scripted-api.ts';
import { fastClock } from './time.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const ASSIGNED: PodCondition = {
  type: 'eni-agent.io/AddressesAssigned',
  status: 'True',
  reason: 'Assigned',
  message: '',
};

function pod(name: string, conditions: PodCondition[] = []) {
  return { namespace: 'ns', name, uid: `uid-${name}`, conditions };
}

async function start(answer: (call: Call) => Answer | Promise<Answer>, concurrency = 8) {
  const api = await startScriptedApi(answer);
  cleanups.push(() => api.close());
  const clock = fastClock(100);
  const stop = new AbortController();
  const publisher = createPodPublisher({
    // Time for its requests passes as it does: on a busy machine an answer may take 100 ms.
    client: api.client(fastClock(1)),
    clock,
    random: () => 0,
    signal: stop.signal,
    concurrency,
  });
  return { api, publisher, stop };
}

describe('createPodPublisher', () => {
  it('writes annotations, labels and conditions in one PATCH that names the uid', async () => {
    const { api, publisher } = await start(() => ({}));
    const outcome = await publisher.patchPod(pod('a'), {
      annotations: { x: '1', y: null },
      labels: { l: '2' },
      conditions: [ASSIGNED],
    });

    expect(outcome).toBe('written');
    expect(api.calls).toMatchObject([
      {
        method: 'PATCH',
        path: '/api/v1/namespaces/ns/pods/a/status',
        contentType: 'application/strategic-merge-patch+json',
        body: {
          metadata: { uid: 'uid-a', annotations: { x: '1', y: null }, labels: { l: '2' } },
          status: { conditions: [{ ...ASSIGNED, lastTransitionTime: expect.stringMatching(/^\d{4}-.*:\d\dZ$/) }] },
        },
      },
    ]);
  });

  it('leaves lastTransitionTime alone while the status stays', async () => {
    const { api, publisher } = await start(() => ({}));
    await publisher.patchPod(pod('a', [ASSIGNED]), { conditions: [{ ...ASSIGNED, message: 'more' }] });

    expect(api.calls[0]?.body.status.conditions).toEqual([{ ...ASSIGNED, message: 'more' }]);
  });

  it.each([
    ['the pod is not there', 404, { reason: 'NotFound' }, 'gone'],
    ['another pod has its name', 422, { reason: 'Invalid', details: { causes: [{ field: 'metadata.uid' }] } }, 'gone'],
    ['its precondition failed', 409, { reason: 'Conflict' }, 'gone'],
  ])('says that the pod is gone when %s', async (_name, status, body, outcome) => {
    const { publisher } = await start(({ method }) =>
      method === 'GET' ? { body: { metadata: { uid: 'other' } } } : { status, body },
    );
    expect(await publisher.patchPod(pod('a'), { labels: { l: '1' } })).toBe(outcome);
  });

  it('repeats a conflict when the pod is still the same', async () => {
    let conflicts = 2;
    const { publisher } = await start(({ method }) => {
      if (method === 'GET') return { body: { metadata: { uid: 'uid-a' } } };
      conflicts -= 1;
      return conflicts >= 0 ? { status: 409, body: { reason: 'Conflict' } } : {};
    });
    expect(await publisher.patchPod(pod('a'), { labels: { l: '1' } })).toBe('written');
  });

  it('merges what arrives during a write: the newest value of each key goes out in the next one', async () => {
    const gate = Promise.withResolvers<void>();
    const { api, publisher } = await start(async () => {
      if (api.calls.length === 1) await gate.promise;
      return {};
    });
    const writes = [publisher.patchPod(pod('a'), { annotations: { x: '0' } })];
    await waitFor(() => expect(api.calls).toHaveLength(1));
    for (const x of ['1', '2', '3']) writes.push(publisher.patchPod(pod('a'), { annotations: { x, [`k${x}`]: x } }));
    gate.resolve();

    expect(await Promise.all(writes)).toEqual(['written', 'written', 'written', 'written']);
    expect(api.calls.map((call) => call.body.metadata.annotations)).toEqual([
      { x: '0' },
      { x: '3', k1: '1', k2: '2', k3: '3' },
    ]);
    expect(publisher.pending).toBe(0);
  });

  it.each([
    ['503', { status: 503 }],
    ['429', { status: 429, headers: { 'retry-after': '1' } }],
    ['a dropped connection', (response: { destroy(): void }) => response.destroy()],
  ] as [string, Answer][])('repeats after %s, with what was merged since', async (_name, fault) => {
    // Down until the merged write arrives: an answer in between would leave nothing to merge.
    const { api, publisher } = await start(({ body }) => (body.metadata.annotations.x === '2' ? {} : fault));
    const first = publisher.patchPod(pod('a'), { annotations: { x: '1', y: '1' } });
    await waitFor(() => expect(api.calls.length).toBeGreaterThanOrEqual(1));
    const second = publisher.patchPod(pod('a'), { annotations: { x: '2' } });
    await Promise.all([first, second]);

    expect(api.calls.at(-1)?.body.metadata.annotations).toEqual({ x: '2', y: '1' });
  });

  it('rejects what the server refuses for good', async () => {
    const { publisher } = await start(() => ({
      status: 403,
      body: { reason: 'Forbidden', message: 'pods/status is forbidden' },
    }));
    await expect(publisher.patchPod(pod('a'), {})).rejects.toMatchObject({ status: 403, reason: 'Forbidden' });
    expect(publisher.pending).toBe(0);
  });

  it('keeps the number of writes in flight bounded', async () => {
    let [inFlight, most] = [0, 0];
    const { api, publisher } = await start(async () => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, 2));
      inFlight -= 1;
      return {};
    }, 3);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => publisher.patchPod(pod(`p${index}`), { labels: { l: '1' } })),
    );

    expect(most).toBe(3);
    expect(new Set(api.calls.map((call) => call.port)).size).toBeLessThanOrEqual(3);
  });

  it('ends what waits when it is told to stop', async () => {
    const { publisher, stop } = await start(() => () => {});
    const writes = [publisher.patchPod(pod('a'), {}), publisher.patchPod(pod('a'), {})];
    stop.abort(new Error('stopping'));

    await expect(Promise.allSettled(writes)).resolves.toMatchObject([{ status: 'rejected' }, { status: 'rejected' }]);
    await expect(publisher.patchPod(pod('a'), {})).rejects.toThrow('stopping');
  });
});
