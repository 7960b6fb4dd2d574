import { describe, expect, it } from 'vitest';
import { eniOf } from './region.ts';
import { HOUR, MINUTE, own, pec, rig, SECOND } from './rig.ts';

const FIXED = pec({ type: 'fixed-tag', 'fixed-tag': 'game' });

describe('a pool of prepared Elastic IPs', () => {
  it.each([1, 2, 3, 4, 5])(
    'is shared by two nodes without any lock, each EIP by one pod (start offset %d ms)',
    async (offset) => {
      const { clock, region, a, b } = rig();
      a.start();
      b.start();
      await clock.advance(SECOND);
      const pool = Array.from({ length: 10 }, () => region.prepare({ game: 'a' }));
      const pods = Array.from({ length: 5 }, (_, index) => index);
      for (const index of pods) a.run(`left-${index}`, FIXED, `10.0.8.${index + 10}`);
      await clock.advance(offset * 7);
      for (const index of pods) b.run(`right-${index}`, FIXED, `10.0.8.${index + 20}`);
      await clock.advance(20 * SECOND);

      const bound = [...a.statuses, ...b.statuses].flatMap((status) =>
        status.state === 'bound' ? [status.allocationId] : [],
      );
      expect(new Set(bound).size).toBe(10);
      expect(bound.toSorted()).toEqual(pool.map(({ allocationId }) => allocationId).toSorted());
      for (const { allocationId } of pool) {
        const { tags, association } = region.eip(allocationId);
        const owner = [...a.statuses, ...b.statuses].find(
          (status) => status.state === 'bound' && status.allocationId === allocationId,
        );
        expect(tags).toMatchObject(owner?.claim.tags ?? {});
        expect(association?.privateIp).toBe(owner?.state === 'bound' ? owner.privateIp : '');
      }
    },
  );

  it('tells the pods that go without, and serves them when an EIP becomes free', async () => {
    const { clock, region, a, b } = rig();
    a.start();
    b.start();
    region.prepare({ game: 'a' });
    a.run('first', FIXED, '10.0.8.10');
    await clock.advance(5 * SECOND);
    b.run('second', FIXED, '10.0.8.20');
    await clock.advance(5 * SECOND);
    expect(b.statusOf('second')).toMatchObject({ state: 'refused', refusal: { reason: 'EipPoolEmpty' } });
    expect(b.events).toMatchObject([{ kind: 'association-failed', pod: 'default/second' }]);

    a.delete('first');
    await clock.advance(3 * MINUTE);

    expect(b.statusOf('second')?.state).toBe('bound');
    expect(b.events.map(({ kind }) => kind)).toEqual(['association-failed', 'associated']);
  });

  it.each([50, 150, 400])(
    'is never called empty while its last EIP is on its way to the pod (EC2 at %d ms)',
    async (latencyMs) => {
      const { clock, region, a } = rig();
      region.latencyMs = latencyMs;
      region.prepare({ game: 'a' });
      a.start();
      await clock.advance(5 * SECOND);
      a.run('pod', FIXED, '10.0.8.10');
      for (let time = 0; time < 3 * SECOND; time += 10) {
        a.trigger();
        await clock.advance(10);
      }

      expect(a.statusOf('pod')?.state).toBe('bound');
      expect(a.events.map(({ kind }) => kind)).toEqual(['associated']);
      expect(region.actions()).toEqual(['AssociateAddress', 'CreateTags']);
    },
  );

  it('is looked at ever more rarely while it stays empty', async () => {
    const { clock, region, a } = rig();
    a.start();
    a.run('pod', FIXED, '10.0.8.10');
    await clock.advance(HOUR);
    expect(region.reads().length).toBeLessThanOrEqual(16);
    region.calls.length = 0;
    await clock.advance(HOUR);
    expect(region.reads().length).toBeLessThanOrEqual(7);
    region.prepare({ game: 'a' });
    await clock.advance(11 * MINUTE);
    expect(a.statusOf('pod')?.state).toBe('bound');
  });
});

describe('the quota of the account', () => {
  it('is reported in words when it is reached, and the pod is served after somebody made room', async () => {
    const { clock, region, a } = rig();
    region.cloud.knobs.elasticIpQuota = 1;
    const other = region.prepare({});
    a.start();
    a.run('pod', pec({ type: 'auto' }), '10.0.8.10');
    await clock.advance(10 * MINUTE);
    expect(a.statusOf('pod')).toMatchObject({ state: 'refused', refusal: { reason: 'EipQuotaReached' } });
    expect(a.events).toMatchObject([{ kind: 'association-failed' }]);
    expect(region.writes().length).toBeLessThanOrEqual(7);

    region.cloud.releaseAddress({ allocationId: other.allocationId });
    await clock.advance(11 * MINUTE);
    expect(a.statusOf('pod')?.state).toBe('bound');
  });
});

describe('an address that has an Elastic IP of somebody else', () => {
  it('is refused and left alone, and served when it is free', async () => {
    const { clock, region, a } = rig();
    a.start();
    region.assign(eniOf('a'), '10.0.8.10');
    const foreign = region.prepare({ Name: 'by hand' });
    region.associate(foreign.allocationId, eniOf('a'), '10.0.8.10');
    a.run('pod', pec({ type: 'auto' }), '10.0.8.10');
    await clock.advance(MINUTE);
    expect(a.statusOf('pod')).toMatchObject({ state: 'refused', refusal: { reason: 'TargetHasOtherEip' } });
    expect(region.publicIpOf('10.0.8.10')).toBe(foreign.publicIp);

    region.cloud.disassociateAddress({ publicIp: foreign.publicIp });
    await clock.advance(3 * MINUTE);
    expect(a.statusOf('pod')?.state).toBe('bound');
  });

  it('is freed at once when the other was a pod of ours that is gone', async () => {
    const { clock, region, a } = rig();
    a.start();
    a.run('old', pec({ type: 'auto' }), '10.0.8.10');
    await clock.advance(5 * SECOND);
    a.delete('old');
    a.run('new', pec({ type: 'auto' }), '10.0.8.10');
    await clock.advance(2 * SECOND);
    expect(a.statusOf('new')?.state).toBe('bound');
    expect(region.publicIpOf('10.0.8.10')).toBe(a.publicIpOf('new'));
    await clock.advance(MINUTE);
    expect(region.eips()).toHaveLength(1);
  });
});

describe('a request that changes on a running pod', () => {
  it.each([
    { name: 'auto to a prepared one', from: pec({ type: 'auto' }), to: FIXED },
    { name: 'a prepared one to auto', from: FIXED, to: pec({ type: 'auto' }) },
    { name: 'one tag to another', from: FIXED, to: pec({ type: 'fixed-tag', 'fixed-tag': 'other' }) },
    {
      name: 'one pool to another',
      from: pec({ type: 'auto' }),
      to: pec({ type: 'auto', 'public-ipv4-pool': 'ipv4pool-ec2-1' }),
    },
    { name: "aws-pod-eip-controller's to ours", from: pec({ type: 'auto' }), to: own('auto') },
    { name: 'one that is refused to another', from: pec({ type: 'fixed-tag', 'fixed-tag': 'none' }), to: FIXED },
    { name: 'one allocation over quota to a prepared one', from: pec({ type: 'auto' }), to: FIXED, quota: 2 },
  ])('from $name takes effect within seconds', async ({ from, to, quota }) => {
    const { clock, region, a } = rig();
    if (quota) region.cloud.knobs.elasticIpQuota = quota;
    const prepared = [region.prepare({ game: 'a' }), region.prepare({ other: 'b' })];
    a.start();
    a.run('pod', from, '10.0.8.10');
    await clock.advance(5 * SECOND);
    a.annotate('pod', to);
    await clock.advance(5 * SECOND);

    const status = a.statusOf('pod');
    expect(status?.state).toBe('bound');
    const eip = region.eip(status?.state === 'bound' ? status.allocationId : '');
    expect(eip.tags).toMatchObject(status?.claim.tags ?? {});
    const isPrepared = prepared.some(({ allocationId }) => allocationId === eip.allocationId);
    expect(isPrepared).toBe(status?.claim.source.kind !== 'allocate');
    expect(region.eips().length).toBe(isPrepared ? 2 : 3);
    const others = region.eips().filter(({ allocationId }) => allocationId !== eip.allocationId);
    expect(
      others.flatMap(({ tags, association }) => [...Object.keys(tags), ...(association ? ['paired'] : [])]).toSorted(),
    ).toEqual(
      prepared
        .filter(({ allocationId }) => allocationId !== eip.allocationId)
        .flatMap(({ tags }) => Object.keys(tags))
        .toSorted(),
    );
  });
});

describe('permission that comes late', () => {
  it('does not associate for a pod whose address belongs to another pod by then', async () => {
    const { clock, region, a } = rig();
    a.start();
    await clock.advance(SECOND);
    a.schedule('pod', pec({ type: 'auto' }));
    await clock.advance(SECOND);
    region.faults = ({ action }) => (action === 'AssociateAddress' ? 'code:RequestLimitExceeded' : undefined);
    a.address('pod', '10.0.8.10');
    await clock.advance(20 * SECOND);
    a.delete('pod');
    a.run('other', {}, '10.0.8.10');
    region.faults = () => undefined;
    await clock.advance(5 * MINUTE);

    expect(region.calls.filter(({ action, outcome }) => action === 'AssociateAddress' && outcome === 'ok')).toEqual([]);
    expect(region.eips()).toEqual([]);
  });

  it('does not take the Elastic IP off a pod that came back while the end of its pairing waited', async () => {
    const { clock, region, a } = rig();
    const prepared = region.prepare({});
    const annotations = own(prepared.allocationId);
    a.start();
    a.run('pod', annotations, '10.0.8.10');
    await clock.advance(5 * SECOND);
    expect(a.statusOf('pod')?.state).toBe('bound');
    region.faults = ({ action }) => (action === 'DisassociateAddress' ? 'code:RequestLimitExceeded' : undefined);
    a.annotate('pod', {});
    await clock.advance(2 * MINUTE);
    const refused = region.calls.filter(({ action }) => action === 'DisassociateAddress').length;
    expect(refused).toBeGreaterThan(0);
    a.annotate('pod', annotations);
    region.faults = () => undefined;
    await clock.advance(5 * MINUTE);

    expect(region.calls.filter(({ action }) => action === 'DisassociateAddress')).toHaveLength(refused);
    expect(region.eip(prepared.allocationId).association?.privateIp).toBe('10.0.8.10');
    expect(a.statusOf('pod')?.state).toBe('bound');
  });
});
