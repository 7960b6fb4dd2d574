import { beforeAll, expect, it } from 'vitest';
import { pod } from './objects.ts';
import type { Bench } from './suite.ts';

export function describeSelectors({ wires, core }: Bench): void {
  const pods = `${core}/pods`;
  const named = async (query: Record<string, string>) => {
    const { body } = await wires.get(`${pods}?${new URLSearchParams(query).toString()}`);
    return body.items.map((item) => item.metadata.name).filter((name) => name.startsWith('sel-'));
  };

  beforeAll(async () => {
    await wires.post(
      pods,
      pod('sel-a', { metadata: { labels: { app: 'x', tier: 'front' } }, spec: { nodeName: 'n1' } }),
    );
    await wires.post(pods, pod('sel-b', { metadata: { labels: { app: 'y' } }, spec: { nodeName: 'n2' } }));
    await wires.post(pods, pod('sel-c'));
    await wires.merge(`${pods}/sel-a/status`, { status: { podIP: '10.9.9.9', phase: 'Running' } });
  });

  it.each([
    ['app=x', ['sel-a']],
    ['app==x', ['sel-a']],
    ['app!=x', ['sel-b', 'sel-c']],
    ['app in (x,y)', ['sel-a', 'sel-b']],
    ['app notin (x)', ['sel-b', 'sel-c']],
    ['app', ['sel-a', 'sel-b']],
    ['!app', ['sel-c']],
    ['app in (x, y),tier', ['sel-a']],
    ['app,!tier', ['sel-b']],
  ])('labels: %s', async (labelSelector, names) => {
    expect(await named({ labelSelector })).toEqual(names);
  });

  it.each([
    ['spec.nodeName=n1', ['sel-a']],
    ['spec.nodeName=', ['sel-c']],
    ['spec.nodeName!=n1', ['sel-b', 'sel-c']],
    ['metadata.name=sel-b', ['sel-b']],
    ['status.phase=Running,status.podIP=10.9.9.9', ['sel-a']],
    ['status.phase!=Running,spec.restartPolicy=Always', ['sel-b', 'sel-c']],
    ['spec.schedulerName=default-scheduler,spec.nodeName=n2', ['sel-b']],
    ['spec.serviceAccountName=nobody', []],
    ['spec.hostNetwork=true', []],
    ['spec.hostNetwork=false,spec.nodeName=n2', ['sel-b']],
  ])('fields: %s', async (fieldSelector, names) => {
    expect(await named({ fieldSelector })).toEqual(names);
  });

  it('a field that cannot be selected by is 400', async () => {
    expect((await wires.get(`${pods}?fieldSelector=spec.priority%3D0`)).code).toBe(400);
    expect((await wires.get(`${pods}?watch=1&fieldSelector=spec.priority%3D0`)).code).toBe(400);
  });

  it('a label selector that makes no sense is 400', async () => {
    expect((await wires.get(`${pods}?labelSelector=a%20in%20b`)).code).toBe(400);
  });
}
