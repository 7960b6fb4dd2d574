import { expect, it } from 'vitest';
import type { Bench } from './suite.ts';

export function describeEvents({ wires, core, group, namespace }: Bench): void {
  const about = { kind: 'Pod', apiVersion: 'v1', namespace, name: 'subject', uid: 'u-1' };
  const modern = `${group('events.k8s.io/v1')}/events`;
  const eventTime = '2026-01-01T00:00:00.000000Z';
  const classic = (name: string, extra: object = {}) => ({
    metadata: { name },
    involvedObject: about,
    reason: 'AddressAssigned',
    message: 'it works',
    type: 'Normal',
    source: { component: 'eni-agent' },
    ...extra,
  });

  it('both APIs show the same event in their own words', async () => {
    await wires.post(`${core}/events`, classic('old', { count: 2 }));
    expect((await wires.get(`${modern}/old`)).body).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      regarding: about,
      note: 'it works',
      deprecatedSource: { component: 'eni-agent' },
      deprecatedCount: 2,
    });
    const sent = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'new' },
      eventTime,
      reportingController: 'eni-agent.io/node',
      reportingInstance: 'node-1',
      action: 'Assign',
      reason: 'AddressAssigned',
      regarding: about,
      note: 'it works too',
      type: 'Normal',
    };
    expect((await wires.post(modern, sent)).code).toBe(201);
    expect((await wires.get(`${core}/events/new`)).body).toMatchObject({
      involvedObject: about,
      message: 'it works too',
      eventTime,
      reportingComponent: 'eni-agent.io/node',
    });
  });

  it('an event of events.k8s.io needs an eventTime', async () => {
    const sent = {
      metadata: { name: 'timeless' },
      regarding: about,
      reason: 'R',
      note: 'n',
      type: 'Normal',
      action: 'A',
    };
    const refused = await wires.post(modern, { ...sent, reportingController: 'a.io/b', reportingInstance: 'i' });
    expect(refused.body).toMatchObject({ code: 422, reason: 'Invalid' });
  });

  it('an event lives in the namespace of what it is about', async () => {
    const elsewhere = { involvedObject: { ...about, namespace: 'elsewhere' } };
    expect((await wires.post(`${core}/events`, classic('lost', elsewhere))).code).toBe(422);
  });

  it('is counted up by a patch', async () => {
    await wires.post(`${core}/events`, classic('again', { count: 1 }));
    const { body } = await wires.patch(`${core}/events/again`, 'strategic-merge-patch+json', { count: 2 });
    expect(body['count']).toBe(2);
  });

  it('is found by what it is about', async () => {
    await wires.post(
      `${core}/events`,
      classic('found', { reason: 'Found', involvedObject: { ...about, name: 'sought' } }),
    );
    const query = 'fieldSelector=involvedObject.name%3Dsought,involvedObject.kind%3DPod,reason%3DFound,type%3DNormal';
    const { body } = await wires.get(`${core}/events?${query}`);
    expect(body.items.map((item) => item.metadata.name)).toEqual(['found']);
    const same = await wires.get(`${modern}?fieldSelector=regarding.name%3Dsought`);
    expect(same.body.items.map((item) => item.metadata.name)).toEqual(['found']);
  });
}
