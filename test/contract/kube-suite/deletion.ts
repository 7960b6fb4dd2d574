import { expect, it } from 'vitest';
import { configMap, pod } from './objects.ts';
import type { Bench } from './suite.ts';

export function describeDeletion({ wires, core }: Bench): void {
  const pods = `${core}/pods`;
  const maps = `${core}/configmaps`;
  const bound = (name: string) => wires.post(pods, pod(name, { spec: { nodeName: 'somewhere' } }));

  it('a ConfigMap goes at once and the answer is a Status with its uid', async () => {
    const { body } = await wires.post(maps, configMap('gone'));
    const { uid } = body.metadata;
    const reply = await wires.delete(`${maps}/gone`);
    expect(reply.body).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'gone', uid } });
    expect((await wires.get(`${maps}/gone`)).code).toBe(404);
    expect((await wires.delete(`${maps}/gone`)).body).toMatchObject({ code: 404, reason: 'NotFound' });
  });

  it('a pod on a node gets its grace period, and a second call may only shorten it', async () => {
    await bound('graceful');
    const first = await wires.delete(`${pods}/graceful`);
    expect(first.body.metadata.deletionGracePeriodSeconds).toBe(30);
    expect(first.body.metadata.deletionTimestamp).toMatch(/Z$/);
    const longer = await wires.delete(`${pods}/graceful?gracePeriodSeconds=60`);
    expect(longer.body.metadata.deletionGracePeriodSeconds).toBe(30);
    const shorter = await wires.delete(`${pods}/graceful`, { gracePeriodSeconds: 5 });
    expect(shorter.body.metadata.deletionGracePeriodSeconds).toBe(5);
    const now = await wires.delete(`${pods}/graceful?gracePeriodSeconds=0`);
    expect(now.body).toMatchObject({ kind: 'Pod', metadata: { deletionGracePeriodSeconds: 0 } });
    expect((await wires.get(`${pods}/graceful`)).code).toBe(404);
  });

  it('a pod without a node goes at once', async () => {
    await wires.post(pods, pod('unbound'));
    expect((await wires.delete(`${pods}/unbound`)).body.kind).toBe('Pod');
    expect((await wires.get(`${pods}/unbound`)).code).toBe(404);
  });

  it('a finished pod goes at once', async () => {
    await bound('finished');
    await wires.merge(`${pods}/finished/status`, { status: { phase: 'Succeeded' } });
    await wires.delete(`${pods}/finished`);
    expect((await wires.get(`${pods}/finished`)).code).toBe(404);
  });

  it('finalizers hold an object until the last is removed, and none can be added meanwhile', async () => {
    await wires.post(maps, configMap('held', {}, { finalizers: ['a.io/one', 'a.io/two'] }));
    const { body } = await wires.delete(`${maps}/held`);
    expect(body.metadata.deletionTimestamp).toBeDefined();
    const set = (finalizers: string[] | null) => wires.merge(`${maps}/held`, { metadata: { finalizers } });
    expect((await set(['a.io/one', 'a.io/three'])).body).toMatchObject({ code: 422, reason: 'Invalid' });
    expect((await set(['a.io/one'])).code).toBe(200);
    expect((await wires.get(`${maps}/held`)).code).toBe(200);
    expect((await set(null)).code).toBe(200);
    expect((await wires.get(`${maps}/held`)).code).toBe(404);
  });

  it('a finalizer holds even a force-deleted pod', async () => {
    await wires.post(pods, pod('held', { metadata: { finalizers: ['a.io/one'] }, spec: { nodeName: 'somewhere' } }));
    const { body } = await wires.delete(`${pods}/held?gracePeriodSeconds=0`);
    expect(body.metadata.deletionGracePeriodSeconds).toBe(0);
    await wires.merge(`${pods}/held`, { metadata: { finalizers: [] } });
    expect((await wires.get(`${pods}/held`)).code).toBe(404);
  });

  it.each([
    ['uid', { uid: '00000000-0000-0000-0000-000000000000' }],
    ['resourceVersion', { resourceVersion: '1' }],
  ])('a delete that means another %s is a conflict', async (_, preconditions) => {
    await wires.post(maps, configMap('meant'));
    const { body } = await wires.delete(`${maps}/meant`, { preconditions });
    expect(body).toMatchObject({ code: 409, reason: 'Conflict' });
    expect((await wires.get(`${maps}/meant`)).code).toBe(200);
  });

  it('a collection is deleted by selector', async () => {
    await wires.post(maps, configMap('sweep-1', {}, { labels: { sweep: 'yes' } }));
    await wires.post(maps, configMap('sweep-2', {}, { labels: { sweep: 'no' } }));
    await wires.delete(`${maps}?labelSelector=sweep%3Dyes`);
    expect((await wires.get(`${maps}/sweep-1`)).code).toBe(404);
    expect((await wires.get(`${maps}/sweep-2`)).code).toBe(200);
  });
}
