import { expect, it } from 'vitest';
import { configMap, lease, pod } from './objects.ts';
import type { Bench } from './suite.ts';

export function describeWrites({ wires, core, group, namespace }: Bench): void {
  const maps = `${core}/configmaps`;

  it('creation gives the object its identity', async () => {
    const { code, body } = await wires.post(maps, configMap('born', { a: 'b' }));
    expect(code).toBe(201);
    expect(body).toMatchObject({ kind: 'ConfigMap', apiVersion: 'v1', data: { a: 'b' }, metadata: { namespace } });
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.metadata.creationTimestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(await wires.get(`${maps}/born`)).toEqual({ code: 200, body });
  });

  it('generateName becomes a name with five more characters', async () => {
    const { body } = await wires.post(maps, { metadata: { generateName: 'gen-' } });
    expect(body.metadata.name).toMatch(/^gen-[a-z0-9]{5}$/);
  });

  it('a new pod is Pending whatever status it is sent with', async () => {
    const { body } = await wires.post(`${core}/pods`, {
      ...pod('fresh'),
      status: { phase: 'Running', podIP: '1.2.3.4' },
    });
    expect(body.status).toMatchObject({ phase: 'Pending' });
    expect(body.status['podIP']).toBeUndefined();
    expect(body.spec).toMatchObject({ restartPolicy: 'Always', terminationGracePeriodSeconds: 30 });
  });

  it.each([
    ['a name that exists', maps, configMap('twice'), 409, 'AlreadyExists'],
    ['a namespace that does not exist', '/api/v1/namespaces/nowhere/configmaps', configMap('a'), 404, 'NotFound'],
    ['another namespace in the body', maps, configMap('a', {}, { namespace: 'other' }), 400, 'BadRequest'],
    ['a name that is none', maps, configMap('Not_A_Name'), 422, 'Invalid'],
    ['no name at all', maps, { metadata: {} }, 422, 'Invalid'],
    ['a pod without containers', `${core}/pods`, { metadata: { name: 'empty' }, spec: {} }, 422, 'Invalid'],
    ['another kind in the body', maps, { ...configMap('a'), kind: 'Pod' }, 400, 'BadRequest'],
    ['the collection of all namespaces', '/api/v1/configmaps', configMap('a'), 405, 'MethodNotAllowed'],
  ])('creation refuses %s', async (_, path, body, code, reason) => {
    await wires.post(maps, configMap('twice'));
    const refused = await wires.post(path, body);
    expect(refused.body).toMatchObject({ kind: 'Status', status: 'Failure', code, reason });
    expect(refused.code).toBe(code);
  });

  it('update with the resourceVersion that was read goes through, with an old one it is a conflict', async () => {
    const { body: first } = await wires.post(maps, configMap('raced', { n: '1' }));
    const second = await wires.put(`${maps}/raced`, { ...first, data: { n: '2' } });
    const third = await wires.put(`${maps}/raced`, { ...first, data: { n: '3' } });
    expect(second.code).toBe(200);
    expect(second.body.metadata.resourceVersion).not.toBe(first.metadata.resourceVersion);
    expect(third.body).toMatchObject({ code: 409, reason: 'Conflict', details: { name: 'raced', kind: 'configmaps' } });
  });

  it('update without resourceVersion overwrites a ConfigMap, but not a Lease', async () => {
    await wires.post(maps, configMap('blind', { n: '1' }));
    const leases = group('coordination.k8s.io/v1') + '/leases';
    await wires.post(leases, lease('blind', { holderIdentity: 'a' }));
    expect(await wires.put(`${maps}/blind`, configMap('blind', { n: '2' }))).toMatchObject({ code: 200 });
    const refused = await wires.put(`${leases}/blind`, lease('blind', { holderIdentity: 'b' }));
    expect(refused.body).toMatchObject({ code: 422, reason: 'Invalid' });
  });

  it('update with the uid of an earlier object of that name is a conflict', async () => {
    const { body } = await wires.post(maps, configMap('reborn'));
    await wires.delete(`${maps}/reborn`);
    await wires.post(maps, configMap('reborn'));
    const metadata = { name: 'reborn', uid: body.metadata.uid };
    expect((await wires.put(`${maps}/reborn`, configMap('reborn', {}, metadata))).code).toBe(409);
  });

  it('update of what does not exist is 404', async () => {
    expect((await wires.put(`${maps}/nobody`, configMap('nobody'))).body).toMatchObject({
      code: 404,
      reason: 'NotFound',
    });
  });

  it('a write that changes nothing keeps the resourceVersion', async () => {
    const { body } = await wires.post(maps, configMap('same', { a: 'b' }));
    const again = await wires.merge(`${maps}/same`, { data: { a: 'b' } });
    expect(again.body.metadata.resourceVersion).toBe(body.metadata.resourceVersion);
  });

  it('a list comes in pages with limit and continue', async () => {
    for (const name of ['page-a', 'page-b', 'page-c']) {
      await wires.post(maps, configMap(name, {}, { labels: { paged: 'yes' } }));
    }
    const first = await wires.get(`${maps}?labelSelector=paged&limit=2`);
    const token = encodeURIComponent(first.body.metadata.continue);
    const second = await wires.get(`${maps}?labelSelector=paged&limit=2&continue=${token}`);
    expect([...first.body.items, ...second.body.items].map((item) => item.metadata.name)).toEqual([
      'page-a',
      'page-b',
      'page-c',
    ]);
    expect(second.body.metadata.continue ?? '').toBe('');
  });

  it('a path that nothing is served at is 404', async () => {
    expect((await wires.get(`${core}/gadgets`)).code).toBe(404);
    expect((await wires.get('/apis/nobody.example/v1/gadgets')).code).toBe(404);
  });
}
