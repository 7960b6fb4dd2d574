import { afterEach, describe, expect, it } from 'vitest';
import { createEventRecorder } from '../../../lib/kube/events.ts';
import { type Answer, type Call, startScriptedApi } from './scripted-api.ts';
import { manualClock } from './time.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

const POD = { apiVersion: 'v1', kind: 'Pod', namespace: 'ns', name: 'a', uid: 'uid-a' };
const ASSIGNED = { type: 'Normal', reason: 'AddressAssigned', message: '10.0.0.5 on eni-1' } as const;

async function start(answer: (call: Call) => Answer = () => ({})) {
  const api = await startScriptedApi(answer);
  cleanups.push(() => api.close());
  const clock = manualClock();
  const drops: string[] = [];
  const recorder = createEventRecorder({
    client: api.client(clock),
    clock,
    signal: new AbortController().signal,
    component: 'eni-agent',
    host: 'node-1',
    onDrop: (cause) => drops.push(cause),
  });
  return { api, clock, recorder, drops };
}

describe('createEventRecorder', () => {
  it('creates an Event about the object in its namespace', async () => {
    const { api, recorder } = await start();
    recorder.record(POD, ASSIGNED);
    await recorder.drained();

    expect(api.calls).toMatchObject([
      {
        method: 'POST',
        path: '/api/v1/namespaces/ns/events',
        body: {
          involvedObject: POD,
          ...ASSIGNED,
          count: 1,
          firstTimestamp: '2026-11-21T10:00:00Z',
          source: { component: 'eni-agent', host: 'node-1' },
        },
      },
    ]);
  });

  it('counts a repeated Event up within ten minutes and creates a new one after that', async () => {
    const { api, clock, recorder } = await start();
    for (const pause of [0, 60_000, 540_000, 600_000]) {
      await clock.advance(pause);
      recorder.record(POD, ASSIGNED);
      await recorder.drained();
    }

    expect(api.calls.map(({ method, body }) => [method, body.count])).toEqual([
      ['POST', 1],
      ['PATCH', 2],
      ['PATCH', 3],
      ['POST', 1],
    ]);
    expect(api.calls[1]?.path).toBe(`/api/v1/namespaces/ns/events/${api.calls[0]?.body.metadata.name}`);
  });

  it('creates again what the server has forgotten', async () => {
    const { api, recorder, drops } = await start(({ method }) => (method === 'PATCH' ? { status: 404 } : {}));
    recorder.record(POD, ASSIGNED);
    recorder.record(POD, ASSIGNED);
    await recorder.drained();

    expect(api.calls.map(({ method }) => method)).toEqual(['POST', 'PATCH', 'POST']);
    expect(drops).toEqual([]);
  });

  it('lets one noisy object have 25 Events and leaves the others theirs', async () => {
    const { api, clock, recorder, drops } = await start();
    for (let index = 0; index < 30; index += 1) recorder.record(POD, { ...ASSIGNED, message: String(index) });
    recorder.record({ ...POD, name: 'b', uid: 'uid-b' }, ASSIGNED);
    await recorder.drained();
    expect(api.calls).toHaveLength(26);
    expect(drops).toEqual(Array.from({ length: 5 }, () => 'spam'));

    await clock.advance(5 * 60_000);
    recorder.record(POD, ASSIGNED);
    await recorder.drained();
    expect(api.calls).toHaveLength(27);
  });

  it('drops and counts what cannot be written', async () => {
    const { recorder, drops } = await start(() => ({ status: 403 }));
    recorder.record(POD, ASSIGNED);
    await recorder.drained();
    expect(drops).toEqual(['failed']);
  });
});
