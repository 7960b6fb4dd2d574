import { beforeAll, expect, it } from 'vitest';
import { customResourceDefinition } from './objects.ts';
import type { Bench } from './suite.ts';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';

export function describeCustomResources({ wires, group }: Bench): void {
  const widgets = `${group('contract.example/v1')}/widgets`;

  beforeAll(async () => {
    const versions = { v1: true, v2: false };
    const resource = { group: 'contract.example', plural: 'widgets', kind: 'Widget', versions };
    await wires.post(definitions, customResourceDefinition(resource));
    await wires.until(widgets, 200);
  });

  it('the definition says that it is established', async () => {
    const { body } = await wires.get(`${definitions}/widgets.contract.example`);
    expect(body.status['conditions']).toMatchObject([
      { type: 'NamesAccepted', status: 'True' },
      { type: 'Established', status: 'True' },
    ]);
  });

  it('discovery lists the resource and its sub-resource', async () => {
    const { body } = await wires.get('/apis/contract.example/v1');
    const names = (body['resources'] as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual(['widgets', 'widgets/status']);
  });

  it('creation drops the status and starts the generation at 1', async () => {
    const { body } = await wires.post(widgets, widget('born', { status: { ok: true } }));
    expect(body.status).toBeUndefined();
    expect(body.metadata.generation).toBe(1);
  });

  it('a write to status changes the status alone, not metadata, spec or generation', async () => {
    await wires.post(widgets, widget('separate'));
    const patch = {
      metadata: { annotations: { a: 'b' }, labels: { c: 'd' } },
      spec: { size: 9 },
      status: { ok: true },
    };
    const { body } = await wires.merge(`${widgets}/separate/status`, patch);
    expect(body).toMatchObject({ spec: { size: 1 }, status: { ok: true }, metadata: { generation: 1 } });
    expect(body.metadata.annotations).toBeUndefined();
    expect(body.metadata.labels).toBeUndefined();
  });

  it('a write to the resource changes everything but the status, and counts generations of the spec', async () => {
    await wires.post(widgets, widget('counted'));
    await wires.merge(`${widgets}/counted/status`, { status: { ok: true } });
    const annotated = await wires.merge(`${widgets}/counted`, {
      metadata: { annotations: { a: 'b' } },
      status: { ok: false },
    });
    expect(annotated.body).toMatchObject({
      status: { ok: true },
      metadata: { generation: 1, annotations: { a: 'b' } },
    });
    const resized = await wires.merge(`${widgets}/counted`, { spec: { size: 2 } });
    expect(resized.body).toMatchObject({ spec: { size: 2 }, metadata: { generation: 2 } });
  });

  it('another version shows the same object, and has no status sub-resource unless it declares one', async () => {
    await wires.post(widgets, widget('versioned'));
    const other = `${group('contract.example/v2')}/widgets/versioned`;
    expect((await wires.get(other)).body).toMatchObject({ apiVersion: 'contract.example/v2', spec: { size: 1 } });
    expect((await wires.get(`${other}/status`)).code).toBe(404);
  });

  it('strategic merge is 415', async () => {
    await wires.post(widgets, widget('plain'));
    const reply = await wires.patch(`${widgets}/plain`, 'strategic-merge-patch+json', { spec: { size: 2 } });
    expect(reply.body).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
  });

  it('an update needs the resourceVersion', async () => {
    await wires.post(widgets, widget('blind'));
    expect((await wires.put(`${widgets}/blind`, widget('blind'))).body).toMatchObject({ code: 422, reason: 'Invalid' });
  });

  it('a body must name its kind', async () => {
    expect((await wires.post(widgets, { metadata: { name: 'kindless' } })).code).toBe(400);
  });

  it('only name and namespace can be selected by', async () => {
    await wires.post(widgets, widget('sought'));
    expect((await wires.get(`${widgets}?fieldSelector=metadata.name%3Dsought`)).body.items).toHaveLength(1);
    expect((await wires.get(`${widgets}?fieldSelector=spec.size%3D1`)).code).toBe(400);
  });

  it('items of a list name their kind, which those of built-in lists do not', async () => {
    await wires.post(widgets, widget('listed'));
    const { body } = await wires.get(widgets);
    expect(body).toMatchObject({ kind: 'WidgetList', apiVersion: 'contract.example/v1' });
    expect(body.items[0]).toMatchObject({ kind: 'Widget', apiVersion: 'contract.example/v1' });
    const built = await wires.get('/api/v1/namespaces');
    expect(built.body.items[0]?.kind).toBeUndefined();
  });

  it('a watch delivers status writes', async () => {
    await wires.post(widgets, widget('seen'));
    const resourceVersion = (await wires.get(widgets)).body.metadata.resourceVersion;
    await using watch = await wires.watch(widgets, { resourceVersion });
    await wires.merge(`${widgets}/seen/status`, { status: { ok: true } });
    expect(await watch.next()).toMatchObject({ type: 'MODIFIED', object: { status: { ok: true } } });
  });

  it('stops being served when its definition is deleted', async () => {
    const gone = { group: 'gone.example', plural: 'ghosts', kind: 'Ghost', versions: { v1: false } };
    const ghosts = `${group('gone.example/v1')}/ghosts`;
    await wires.post(definitions, customResourceDefinition(gone));
    await wires.until(ghosts, 200);
    await wires.delete(`${definitions}/ghosts.gone.example`);
    await wires.until(ghosts, 404);
    expect((await wires.get(definitions)).body.items).not.toContainEqual(named('ghosts.gone.example'));
  });
}

function widget(name: string, extra: object = {}) {
  return { apiVersion: 'contract.example/v1', kind: 'Widget', metadata: { name }, spec: { size: 1 }, ...extra };
}

function named(name: string): unknown {
  return expect.objectContaining({ metadata: expect.objectContaining({ name }) });
}
