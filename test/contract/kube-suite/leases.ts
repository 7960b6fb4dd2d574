import { expect, it } from 'vitest';
import { lease } from './objects.ts';
import type { Bench } from './suite.ts';

export function describeLeases({ wires, group }: Bench): void {
  const leases = `${group('coordination.k8s.io/v1')}/leases`;

  it('times with six decimals come back as they were sent', async () => {
    const spec = {
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-01T00:00:00.000000Z',
      renewTime: '2026-01-01T00:00:00.123456Z',
      leaseTransitions: 0,
    };
    expect((await wires.post(leases, lease('timed', spec))).code).toBe(201);
    expect((await wires.get(`${leases}/timed`)).body.spec).toEqual(spec);
  });

  it.each(['2026-01-01T00:00:00.123Z', '2026-01-01T00:00:00Z'])(
    'a time of another precision is 400: %s',
    async (time) => {
      const { code, body } = await wires.post(leases, lease('imprecise', { holderIdentity: 'a', renewTime: time }));
      expect(code).toBe(400);
      expect(body.reason).toBe('BadRequest');
    },
  );

  it('a duration must be positive', async () => {
    const refused = await wires.post(leases, lease('instant', { holderIdentity: 'a', leaseDurationSeconds: 0 }));
    expect(refused.body).toMatchObject({ code: 422, reason: 'Invalid' });
  });

  it('one of two candidates that read the same lease wins', async () => {
    const { body } = await wires.post(leases, lease('raced', { holderIdentity: '', leaseDurationSeconds: 1 }));
    const take = (holderIdentity: string) =>
      wires.put(`${leases}/raced`, { ...body, spec: { ...body.spec, holderIdentity } });
    const codes = (await Promise.all([take('a'), take('b')])).map(({ code }) => code);
    expect(codes.toSorted((a, b) => a - b)).toEqual([200, 409]);
  });

  it('is created by a PUT to a name that does not exist', async () => {
    expect((await wires.put(`${leases}/put`, lease('put', { holderIdentity: 'a' }))).code).toBe(201);
  });
}
