import { setTimeout as delay } from 'node:timers/promises';
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { FakeKubelet, networkStatusKey } from '../../sim/kube/kubelet.ts';
import { type KubeApi, startKubeApi } from '../../sim/kube/server.ts';
import { Wires } from './kube-suite/target.ts';

/** What only the simulator can do: fail on purpose, remember requests, and play kubelet. */
describe('the simulated API server, as a test fixture', () => {
  const pods = '/api/v1/namespaces/default/pods';
  let kube: KubeApi;
  let kubelet: FakeKubelet;
  const wires = new Wires(() => ({ baseUrl: kube.url, fetch }));

  beforeEach(async () => {
    kube = await startKubeApi();
    kubelet = new FakeKubelet(kube);
    onTestFinished(kube.close);
  });

  it('serves @kubernetes/client-node through its kubeconfig', async () => {
    const config = new KubeConfig();
    config.loadFromString(kube.kubeconfig());
    const core = config.makeApiClient(CoreV1Api);
    kubelet.createPod({ name: 'typed' });
    const merge = setHeaderOptions('Content-Type', PatchStrategy.MergePatch);
    const body = { metadata: { annotations: { a: 'b' } } };
    await core.patchNamespacedPod({ name: 'typed', namespace: 'default', body }, merge);
    const list = await core.listNamespacedPod({ namespace: 'default' });
    expect(list.items[0]?.metadata).toMatchObject({ annotations: { a: 'b' }, creationTimestamp: expect.any(Date) });
  });

  it.each(['exec', 'attach', 'portforward'])('says in words that its pods have no containers for %s', async (verb) => {
    const answer = await fetch(`${kube.url}${pods}/any/${verb}?command=x`, { method: 'POST' });

    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({
      reason: 'BadRequest',
      message: expect.stringContaining('no containers'),
    });
  });

  it('plays a pod from creation to its end', async () => {
    await using watch = await wires.watch(pods, { fieldSelector: 'spec.nodeName=node-1' });
    kubelet.createPod({ name: 'played' });
    kubelet.bind('played', 'node-1');
    kubelet.setNetworkStatus('played', [{ name: 'default/net', interface: 'net1', ips: ['10.0.0.5'] }]);
    kubelet.run('played', '10.1.0.5');
    kubelet.delete('played');
    kubelet.confirmDeletion('played');
    const seen = [];
    for (let line = await watch.next(); line; line = line.type === 'DELETED' ? undefined : await watch.next()) {
      seen.push([line.type, networkStatusKey in (line.object.metadata.annotations ?? {}), line.object.status['podIP']]);
    }
    expect(seen).toEqual([
      ['ADDED', false, undefined],
      ['MODIFIED', true, undefined],
      ['MODIFIED', true, '10.1.0.5'],
      ['MODIFIED', true, '10.1.0.5'],
      ['MODIFIED', true, '10.1.0.5'],
      ['DELETED', true, '10.1.0.5'],
    ]);
  });

  it('compaction makes a list expire between its pages, and a watch that resumes', async () => {
    kubelet.createPod({ name: 'a' });
    kubelet.createPod({ name: 'b' });
    const { body } = await wires.get(`${pods}?limit=1`);
    const old = body.metadata.resourceVersion;
    kubelet.createPod({ name: 'c' });
    await wires.post('/_sim/compact', {});
    expect((await wires.get(`${pods}?limit=1&continue=${body.metadata.continue}`)).code).toBe(410);
    await using watch = await wires.watch(pods, { resourceVersion: old });
    expect(await watch.next()).toMatchObject({ type: 'ERROR', object: { code: 410, reason: 'Expired' } });
  });

  it('a cut watch breaks off, an ended one ends', async () => {
    const cut = await wires.watch(pods);
    kube.faults.cutWatches();
    await expect(cut.next()).rejects.toThrow('terminated');
    const ended = await wires.watch(pods);
    kube.faults.endWatches();
    expect(await ended.next()).toBeUndefined();
    await expect.poll(() => kube.faults.openWatches).toBe(0);
  });

  it('a hanging watch says nothing until it is cut', async () => {
    await using watch = await wires.watch(pods);
    kube.faults.watchesHang = true;
    kubelet.createPod({ name: 'unheard' });
    const next = watch.next().then(
      () => 'heard',
      () => 'cut',
    );
    expect(await Promise.race([next, delay(100, 'silence')])).toBe('silence');
    kube.faults.cutWatches();
    expect(await next).toBe('cut');
  });

  it('bookmarks come on demand', async () => {
    await using watch = await wires.watch(pods);
    kube.faults.sendBookmarks();
    expect(await watch.next()).toMatchObject({ type: 'BOOKMARK', object: { kind: 'Pod' } });
  });

  it('refuses connections for a while, also those that were open', async () => {
    expect((await wires.get(pods)).code).toBe(200);
    kube.faults.refuseConnections(60_000);
    await expect(wires.get(pods)).rejects.toThrow('fetch failed');
    kube.faults.clear();
    expect((await wires.get(pods)).code).toBe(200);
  });

  it('fails as it is reported, so many times, with Retry-After', async () => {
    await wires.post('/_sim/faults/fail', { code: 429, retryAfter: 3, times: 1, pathIncludes: '/pods' });
    expect((await wires.get('/api/v1/nodes')).code).toBe(200);
    const refused = await fetch(kube.url + pods);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '3']);
    expect((await wires.get(pods)).code).toBe(200);
  });

  it('remembers requests with their code, in process and for other processes', async () => {
    await wires.get(`${pods}?limit=5`);
    await wires.get(`${pods}/nobody`);
    const expected = [
      { method: 'GET', path: pods, query: { limit: '5' }, code: 200 },
      { method: 'GET', path: `${pods}/nobody`, code: 404 },
    ];
    expect(kube.requests).toMatchObject(expected);
    expect(await (await fetch(`${kube.url}/_sim/requests`)).json()).toMatchObject(expected);
  });

  it('a dry run answers and changes nothing', async () => {
    const dry = await wires.post('/api/v1/namespaces?dryRun=All', { metadata: { name: 'imagined' } });
    expect(dry.code).toBe(201);
    expect((await wires.get('/api/v1/namespaces/imagined')).code).toBe(404);
  });

  it('collects dependents of a deleted owner when asked to', async () => {
    await using collecting = await startKubeApi({ garbageCollection: true });
    const own = new Wires(() => ({ baseUrl: collecting.url, fetch }));
    const maps = '/api/v1/namespaces/default/configmaps';
    const { body } = await own.post(maps, { metadata: { name: 'owner' } });
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: body.metadata.uid };
    await own.post(maps, { metadata: { name: 'dependent', ownerReferences: [owner] } });
    await own.delete(`${maps}/owner`);
    expect((await own.get(`${maps}/dependent`)).code).toBe(404);
  });

  it('a deleted namespace takes its content along', async () => {
    kubelet.createNamespace('short-lived');
    kubelet.createPod({ name: 'inside', namespace: 'short-lived' });
    await wires.delete('/api/v1/namespaces/short-lived');
    expect((await wires.get('/api/v1/namespaces/short-lived/pods/inside')).code).toBe(404);
    expect((await wires.get('/api/v1/namespaces/short-lived')).code).toBe(404);
  });
});
