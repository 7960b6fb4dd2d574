import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import type { Change } from '../../lib/kube/object-store.ts';
import { podConverter } from '../../lib/kube/pods.ts';
import { createReflector } from '../../lib/kube/reflector.ts';
import type { Pod } from '../../lib/model/pod.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { kubeAdapterSuite } from '../contract/adapter-kube-suite.ts';
import { waitFor } from '../support/wait-for.ts';
import { type RealApiServer, startRealApiServer } from './kube-api-server.ts';

const assets = process.env['KUBEBUILDER_ASSETS'] ?? '';

describe('the adapter on a real API server', () => {
  kubeAdapterSuite(() => startRealApiServer(assets));
});

describe('the reflector on a real API server', () => {
  const clock = systemClock();
  let api: RealApiServer;
  let direct: KubeClient;
  let linked: KubeClient;
  const stop = new AbortController();
  let running: Promise<void> | undefined;

  beforeAll(async () => {
    api = await startRealApiServer(assets);
    direct = createKubeClient({ connection: api.connection, clock });
    linked = createKubeClient({ connection: api.link.connection, clock });
  });
  afterAll(async () => {
    stop.abort();
    await running;
    await Promise.all([direct.close(), linked.close()]);
    await api.stop();
  });

  const pods = '/api/v1/namespaces/default/pods';
  const create = (name: string) =>
    direct.request({
      method: 'POST',
      path: pods,
      body: { metadata: { name }, spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }] } },
    });
  const remove = (name: string) =>
    direct.request({ method: 'DELETE', path: `${pods}/${name}`, query: { gracePeriodSeconds: 0 } });

  it('keeps its pods while the server is gone, and after restart and compaction tells just what has changed', async () => {
    for (const name of ['stays', 'vanishes', 'recreated']) await create(name);
    const changes: Change<Pod>[] = [];
    const errors: unknown[] = [];
    const reflector = createReflector<Pod>({
      source: {
        client: linked,
        path: '/api/v1/pods',
        query: { fieldSelector: 'spec.nodeName=n1' },
        convert: podConverter(),
      },
      clock,
      random: Math.random,
      onChange: (change) => changes.push(change),
      onError: (error) => errors.push(error),
    });
    running = reflector.run(stop.signal);
    await waitFor(() => expect(reflector.connected).toBe(true));
    const before = reflector.get('default/recreated');
    changes.length = 0;

    api.link.cut();
    await waitFor(() => expect(reflector.connected).toBe(false));
    await remove('vanishes');
    await remove('recreated');
    await create('recreated');
    await api.compact();
    await api.restart();
    expect([...reflector.items()]).toHaveLength(3);
    expect(reflector.synced).toBe(true);

    api.link.mend();
    await waitFor(() => expect(changes).toHaveLength(3));
    expect(changes.map(({ type, key }) => `${type} ${key}`).toSorted()).toEqual([
      'added default/recreated',
      'deleted default/recreated',
      'deleted default/vanishes',
    ]);
    expect(errors.some((error) => isKubeError(error) && error.expired)).toBe(true);
    expect(reflector.get('default/recreated')?.uid).not.toBe(before?.uid);

    await waitFor(() => expect(reflector.connected).toBe(true));
    await create('later');
    await waitFor(() => expect(changes.at(-1)).toMatchObject({ type: 'added', key: 'default/later' }));
  });
});
