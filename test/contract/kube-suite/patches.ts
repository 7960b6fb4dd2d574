import { beforeEach, expect, it } from 'vitest';
import { configMap, pod } from './objects.ts';
import type { Bench } from './suite.ts';

export function describePatches({ wires, core }: Bench): void {
  let count = 0;
  let path = '';
  let uid = '';

  beforeEach(async () => {
    const name = `patched-${count++}`;
    path = `${core}/pods/${name}`;
    uid = (await wires.post(`${core}/pods`, pod(name))).body.metadata.uid;
  });

  it('a merge patch makes missing maps, replaces values and deletes by null', async () => {
    await wires.merge(path, { metadata: { annotations: { 'a.io/x': '1', 'a.io/y': '2' } } });
    const { code, body } = await wires.merge(path, { metadata: { annotations: { 'a.io/x': '3', 'a.io/y': null } } });
    expect(code).toBe(200);
    expect(body.metadata.annotations).toEqual({ 'a.io/x': '3' });
  });

  it('a JSON patch cannot add into annotations that do not exist', async () => {
    const add = [{ op: 'add', path: '/metadata/annotations/a.io~1x', value: '1' }];
    const refused = await wires.patch(path, 'json-patch+json', add);
    expect(refused.body).toMatchObject({ code: 422, reason: 'Invalid' });
    await wires.merge(path, { metadata: { annotations: { 'a.io/y': '2' } } });
    const { body } = await wires.patch(path, 'json-patch+json', add);
    expect(body.metadata.annotations).toEqual({ 'a.io/x': '1', 'a.io/y': '2' });
  });

  it('a JSON patch does nothing when its test fails', async () => {
    const patch = [
      { op: 'add', path: '/metadata/labels', value: { a: 'b' } },
      { op: 'test', path: '/metadata/name', value: 'somebody-else' },
    ];
    expect((await wires.patch(path, 'json-patch+json', patch)).code).toBe(422);
    expect((await wires.get(path)).body.metadata.labels).toBeUndefined();
  });

  it('a strategic merge of conditions goes by type', async () => {
    const set = (conditions: object[]) =>
      wires.patch(`${path}/status`, 'strategic-merge-patch+json', { status: { conditions } });
    await set([{ type: 'A', status: 'False' }]);
    await set([{ type: 'B', status: 'False' }]);
    await set([{ type: 'A', status: 'True' }]);
    const { body } = await set([{ type: 'B', $patch: 'delete' }]);
    expect(body.status['conditions']).toMatchObject([{ type: 'A', status: 'True' }]);
    expect(body.status['conditions']).toHaveLength(1);
  });

  it('a merge patch of conditions replaces the list', async () => {
    const set = (type: string) => wires.merge(`${path}/status`, { status: { conditions: [{ type, status: 'True' }] } });
    await set('A');
    expect((await set('B')).body.status['conditions']).toMatchObject([{ type: 'B' }]);
  });

  it('a strategic merge of finalizers is a union, and removes by $deleteFromPrimitiveList', async () => {
    const set = (metadata: object) => wires.patch(path, 'strategic-merge-patch+json', { metadata });
    await set({ finalizers: ['a.io/one'] });
    expect((await set({ finalizers: ['a.io/two'] })).body.metadata.finalizers.toSorted()).toEqual([
      'a.io/one',
      'a.io/two',
    ]);
    const left = await set({ '$deleteFromPrimitiveList/finalizers': ['a.io/one'] });
    expect(left.body.metadata.finalizers).toEqual(['a.io/two']);
    await wires.merge(path, { metadata: { finalizers: null } });
  });

  it('a strategic merge of containers goes by name', async () => {
    const patch = { spec: { containers: [{ name: 'main', image: 'other' }] } };
    const { body } = await wires.patch(path, 'strategic-merge-patch+json', patch);
    expect(body.spec['containers']).toMatchObject([{ name: 'main', image: 'other' }]);
  });

  it('a resourceVersion in a patch is a precondition: 409', async () => {
    const stale = { metadata: { resourceVersion: '1', annotations: { a: 'b' } } };
    expect((await wires.merge(path, stale)).body).toMatchObject({ code: 409, reason: 'Conflict' });
  });

  it('a uid in a patch is a precondition too, but answered with 422', async () => {
    const other = { metadata: { uid: '00000000-0000-0000-0000-000000000000', annotations: { a: 'b' } } };
    expect((await wires.merge(path, other)).body).toMatchObject({
      code: 422,
      reason: 'Invalid',
      details: { causes: expect.arrayContaining([expect.objectContaining({ field: 'metadata.uid' })]) },
    });
    expect((await wires.merge(path, { metadata: { uid, annotations: { a: 'b' } } })).code).toBe(200);
  });

  it('the name cannot be patched: 400', async () => {
    expect((await wires.merge(path, { metadata: { name: 'renamed' } })).code).toBe(400);
  });

  it('the node of a pod cannot be patched: 422', async () => {
    expect((await wires.merge(path, { spec: { nodeName: 'elsewhere' } })).body).toMatchObject({
      code: 422,
      reason: 'Invalid',
    });
  });

  it('a media type that is not a patch is 415', async () => {
    const reply = await wires.send('PATCH', path, {}, 'application/json');
    expect(reply.body).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  });

  it('a patch of what does not exist is 404', async () => {
    expect((await wires.merge(`${core}/pods/nobody`, {})).code).toBe(404);
  });

  it('a null value in a merge patch of data deletes the key only', async () => {
    await wires.post(`${core}/configmaps`, configMap('nulls', { a: '1', b: '2' }));
    const { body } = await wires.merge(`${core}/configmaps/nulls`, { data: { a: null } });
    expect(body['data']).toEqual({ b: '2' });
  });
}
