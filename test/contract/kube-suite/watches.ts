import { expect, it } from 'vitest';
import { configMap, customResourceDefinition, pod } from './objects.ts';
import type { Bench } from './suite.ts';

export function describeWatches({ wires, core, group }: Bench): void {
  const maps = `${core}/configmaps`;
  const pods = `${core}/pods`;
  const revision = async (path: string) => (await wires.get(path)).body.metadata.resourceVersion;

  it('from the resourceVersion of a list nothing is missed and nothing comes twice', async () => {
    await wires.post(maps, configMap('before'));
    const resourceVersion = await revision(maps);
    await wires.post(maps, configMap('watched', { n: '1' }));
    await using watch = await wires.watch(maps, { resourceVersion });
    await wires.merge(`${maps}/watched`, { data: { n: '2' } });
    await wires.delete(`${maps}/watched`);
    const seen = [await watch.next(), await watch.next(), await watch.next()];
    expect(seen.map((line) => [line?.type, line?.object.metadata.name])).toEqual([
      ['ADDED', 'watched'],
      ['MODIFIED', 'watched'],
      ['DELETED', 'watched'],
    ]);
    const revisions = seen.map((line) => Number(line?.object.metadata.resourceVersion));
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    expect(new Set(revisions).size).toBe(3);
  });

  it('without resourceVersion the present comes first as ADDED', async () => {
    await wires.post(maps, configMap('present'));
    await using watch = await wires.watch(maps);
    expect(await watch.about('present')).toMatchObject({
      type: 'ADDED',
      object: { kind: 'ConfigMap', apiVersion: 'v1' },
    });
  });

  it('resumes from the resourceVersion of any event', async () => {
    const { body } = await wires.post(maps, configMap('resumed', { n: '1' }));
    await wires.merge(`${maps}/resumed`, { data: { n: '2' } });
    await using watch = await wires.watch(maps, { resourceVersion: body.metadata.resourceVersion });
    expect(await watch.about('resumed')).toMatchObject({ type: 'MODIFIED', object: { data: { n: '2' } } });
  });

  it('a pod is ADDED to the watch of its node when it is bound', async () => {
    const query = { fieldSelector: 'spec.nodeName=watched-node', resourceVersion: await revision(pods) };
    await using watch = await wires.watch(pods, query);
    await wires.post(pods, pod('arriving'));
    await wires.post(`${pods}/arriving/binding`, {
      apiVersion: 'v1',
      kind: 'Binding',
      metadata: { name: 'arriving' },
      target: { kind: 'Node', name: 'watched-node' },
    });
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { spec: { nodeName: 'watched-node' } } });
  });

  it('an object that stops to match is DELETED in its last matching state at the new resourceVersion', async () => {
    await wires.post(maps, configMap('fickle', {}, { labels: { chosen: 'yes' } }));
    await using watch = await wires.watch(maps, { labelSelector: 'chosen=yes', resourceVersion: await revision(maps) });
    const { body } = await wires.merge(`${maps}/fickle`, { metadata: { labels: { chosen: 'no' } } });
    const line = await watch.next();
    expect(line).toMatchObject({ type: 'DELETED', object: { metadata: { labels: { chosen: 'yes' } } } });
    expect(line?.object.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
    await wires.merge(`${maps}/fickle`, { metadata: { labels: { chosen: 'yes' } } });
    expect(await watch.next()).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'fickle' } } });
  });

  it('the end of a pod on a node is seen as MODIFIED with a deletionTimestamp, then DELETED', async () => {
    await wires.post(pods, pod('ending', { spec: { nodeName: 'somewhere' } }));
    await using watch = await wires.watch(pods, { resourceVersion: await revision(pods) });
    await wires.delete(`${pods}/ending`);
    await wires.delete(`${pods}/ending?gracePeriodSeconds=0`);
    const seen = [await watch.next(), await watch.next(), await watch.next()];
    expect(seen.map((line) => [line?.type, line?.object.metadata.deletionGracePeriodSeconds])).toEqual([
      ['MODIFIED', 30],
      ['MODIFIED', 0],
      ['DELETED', 0],
    ]);
  });

  it('a pod created again under the same name has another uid', async () => {
    await wires.post(pods, pod('phoenix'));
    await using watch = await wires.watch(pods, { resourceVersion: await revision(pods) });
    await wires.delete(`${pods}/phoenix`);
    await wires.post(pods, pod('phoenix'));
    const uids = new Set<string>();
    let line = await watch.next();
    while (line && line.type !== 'ADDED') {
      uids.add(line.object.metadata.uid);
      line = await watch.next();
    }
    expect(uids.size).toBe(1);
    expect(uids).not.toContain(line?.object.metadata.uid);
  });

  it('timeoutSeconds ends it cleanly', async () => {
    await using watch = await wires.watch(maps, { timeoutSeconds: '1', resourceVersion: await revision(maps) });
    expect(await watch.next()).toBeUndefined();
  });

  it('bookmarks tell a quiet watch how far it is', async () => {
    const resourceVersion = await revision(pods);
    const query = { allowWatchBookmarks: 'true', timeoutSeconds: '3', fieldSelector: 'spec.nodeName=quiet' };
    await using watch = await wires.watch(pods, { ...query, resourceVersion });
    const { body } = await wires.post(pods, pod('noise'));
    const line = await watch.next();
    expect(line).toMatchObject({ type: 'BOOKMARK', object: { kind: 'Pod', apiVersion: 'v1' } });
    expect(Number(line?.object.metadata.resourceVersion)).toBeGreaterThanOrEqual(Number(body.metadata.resourceVersion));
    expect(line?.object.metadata.name).toBeUndefined();
  });

  it('a resourceVersion before all history is an ERROR event with a 410 Status, over HTTP 200', async () => {
    const resource = { group: 'history.example', plural: 'relics', kind: 'Relic', versions: { v1: false } };
    await wires.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', customResourceDefinition(resource));
    const relics = `${group('history.example/v1')}/relics`;
    await wires.until(relics, 200);
    await using watch = await wires.watch(relics, { resourceVersion: '1' });
    expect(watch.code).toBe(200);
    expect(await watch.next()).toMatchObject({
      type: 'ERROR',
      object: { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired' },
    });
    expect(await watch.next()).toBeUndefined();
  });
}
