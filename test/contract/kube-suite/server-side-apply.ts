import { expect, it } from 'vitest';
import type { Bench } from './suite.ts';

export function describeServerSideApply({ wires, core }: Bench): void {
  const apply = (name: string, manager: string, annotations: object, force = false) =>
    wires.patch(`${core}/configmaps/${name}?fieldManager=${manager}&force=${force}`, 'apply-patch+yaml', {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, annotations },
    });

  it('creates what does not exist and merges into what does', async () => {
    const created = await apply('applied', 'one', { a: '1' });
    expect(created).toMatchObject({ code: 201, body: { metadata: { annotations: { a: '1' } } } });
    expect((await apply('applied', 'two', { b: '2' })).body.metadata.annotations).toEqual({ a: '1', b: '2' });
  });

  it('removes what its manager no longer says', async () => {
    await apply('shrinking', 'one', { a: '1', b: '1' });
    await apply('shrinking', 'two', { c: '1' });
    expect((await apply('shrinking', 'one', { b: '1' })).body.metadata.annotations).toEqual({ b: '1', c: '1' });
  });

  it('is a conflict over a field of another applier, unless forced', async () => {
    await apply('disputed', 'one', { a: '1' });
    expect((await apply('disputed', 'two', { a: '2' })).body).toMatchObject({ code: 409, reason: 'Conflict' });
    expect((await apply('disputed', 'two', { a: '1' })).code).toBe(200);
    expect((await apply('disputed', 'three', { a: '3' }, true)).body.metadata.annotations).toEqual({ a: '3' });
  });

  it('needs a field manager', async () => {
    const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'nobodys' } };
    const reply = await wires.patch(`${core}/configmaps/nobodys`, 'apply-patch+yaml', body);
    expect(reply.code).toBe(422);
  });
}
