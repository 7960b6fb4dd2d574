import { describe, expect, it } from 'vitest';
import type { EipNode } from './eip-node.ts';
import { MINUTE, pec, rig, SECOND } from './rig.ts';

const AUTO = pec({ type: 'auto' });
const PUBLIC_IP = 'aws-pod-eip-controller-public-ip';
const DNS = 'external-dns.alpha.kubernetes.io/target';

function podOf(node: EipNode, name: string) {
  const pod = node.pods.find((candidate) => candidate.name === name);
  const condition = pod?.conditions.find(({ type }) => type === 'eni-agent.io/AddressesAssigned');
  return { label: pod?.labels[PUBLIC_IP], dns: pod?.annotations[DNS], condition };
}

function withoutRequest(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => !(key in AUTO)));
}

function withdrawals(node: EipNode) {
  const gone = (texts: Readonly<Record<string, string | null>> = {}) => Object.values(texts).includes(null);
  return node.patches.filter(
    ({ change: { labels, annotations, conditions } }) =>
      gone(labels) || gone(annotations) || conditions?.some(({ status }) => status !== 'True'),
  );
}

describe('what a pod says of its Elastic IP', () => {
  it.each([
    { what: 'answers at once', faults: () => undefined, forMs: 0 },
    { what: 'throttles for 13 s', faults: () => 'code:RequestLimitExceeded' as const, forMs: 13 * SECOND },
    { what: 'is away for 2 min', faults: () => 'code:Unavailable' as const, forMs: 2 * MINUTE },
    { what: 'loses every answer for 13 s', faults: () => 'lost-request' as const, forMs: 13 * SECOND },
  ])('stays over a restart of the agent while EC2 $what', async ({ faults, forMs }) => {
    const { clock, region, a } = rig();
    a.start();
    for (let index = 0; index < 12; index += 1) a.run(`pod-${index}`, AUTO, `10.0.8.${index + 10}`);
    await clock.advance(MINUTE);
    expect(a.statuses.filter(({ state }) => state === 'bound')).toHaveLength(12);
    a.kill();
    a.patches.length = 0;
    region.calls.length = 0;

    region.faults = faults;
    a.start();
    await clock.advance(forMs);
    region.faults = () => undefined;
    await clock.advance(5 * MINUTE);

    expect(withdrawals(a)).toEqual([]);
    expect(a.patches).toEqual([]);
    expect(region.writes()).toEqual([]);
    expect(a.statuses.filter(({ state }) => state === 'bound')).toHaveLength(12);
  });

  it('goes after a restart when the annotation went meanwhile, once EC2 has answered', async () => {
    const { clock, region, a } = rig();
    a.start();
    a.run('pod', AUTO, '10.0.8.10');
    await clock.advance(10 * SECOND);
    a.kill();
    a.annotate('pod', withoutRequest(a.pods[0]?.annotations ?? {}));
    region.faults = () => 'code:RequestLimitExceeded';
    a.start();
    await clock.advance(13 * SECOND);
    expect(podOf(a, 'pod').label).toBeDefined();

    region.faults = () => undefined;
    await clock.advance(MINUTE);
    expect(podOf(a, 'pod')).toMatchObject({ label: undefined, dns: undefined });
    expect(region.eips()).toEqual([]);
  });

  it.each([20, 300])(
    'is complete again after 12 pods have changed their addresses (API server at %d ms)',
    async (ms) => {
      const { clock, region, a } = rig();
      a.patchMs = ms;
      a.start();
      const pods = Array.from({ length: 12 }, (_, index) => `pod-${index}`);
      for (const [index, name] of pods.entries()) a.run(name, AUTO, `10.0.8.${index + 10}`);
      await clock.advance(MINUTE);

      for (const [index, name] of pods.entries()) a.address(name, `10.0.8.${index + 40}`);
      await Promise.all([a.describe(), clock.advance(MINUTE)]);

      for (const [index, name] of pods.entries()) {
        const publicIp = region.publicIpOf(`10.0.8.${index + 40}`);
        expect(publicIp).toBeDefined();
        expect(podOf(a, name)).toMatchObject({ label: publicIp, dns: publicIp, condition: { status: 'True' } });
      }
    },
  );

  it('is complete again after the addresses of 12 pods were exchanged among them', async () => {
    const { clock, region, a } = rig();
    a.start();
    const pods = Array.from({ length: 12 }, (_, index) => `pod-${index}`);
    for (const [index, name] of pods.entries()) a.run(name, AUTO, `10.0.8.${index + 10}`);
    await clock.advance(MINUTE);

    for (const [index, name] of pods.entries()) a.address(name, `10.0.8.${((index + 1) % 12) + 10}`);
    await Promise.all([a.describe(), clock.advance(3 * MINUTE)]);

    for (const [index, name] of pods.entries()) {
      const publicIp = region.publicIpOf(`10.0.8.${((index + 1) % 12) + 10}`);
      expect(podOf(a, name)).toMatchObject({ label: publicIp, dns: publicIp, condition: { status: 'True' } });
    }
  });

  it.each([
    { what: 'passes within seconds', forMs: 2 * SECOND, warned: 0 },
    { what: 'lasts', forMs: 30 * SECOND, warned: 1 },
  ])('is awaited with $warned Warning Events while EC2’s trouble $what', async ({ forMs, warned }) => {
    const { clock, region, a } = rig();
    region.faults = () => 'code:Unavailable';
    a.start();
    a.run('pod', AUTO, '10.0.8.10');
    await clock.advance(forMs);
    expect(podOf(a, 'pod').condition).toMatchObject({ status: 'False', reason: 'Ec2Unavailable' });
    expect(a.events.filter(({ kind }) => kind === 'association-failed')).toHaveLength(warned);

    region.faults = () => undefined;
    await clock.advance(2 * MINUTE);
    expect(podOf(a, 'pod')).toMatchObject({ label: region.publicIpOf('10.0.8.10'), condition: { status: 'True' } });
    expect(a.events.filter(({ kind }) => kind === 'association-failed')).toHaveLength(warned);
  });

  it('is never an EIP that a call under way is just taking to the address of the pod of this name before', async () => {
    const { clock, region, a } = rig();
    for (const address of ['10.0.8.30', '10.0.8.31']) region.assign('eni-a', address);
    a.start();
    a.run('pod', AUTO, '10.0.8.31');
    await clock.advance(MINUTE);
    region.calls.length = 0;
    a.delete('pod');
    a.run('pod', AUTO, '10.0.8.30');
    await clock.until(() => region.actions().includes('AssociateAddress'), SECOND);
    a.delete('pod');
    a.run('pod', AUTO, '10.0.8.31');
    const from = a.patches.length;

    const wrong: string[] = [];
    for (let time = 0; time < SECOND; time += 5) {
      await clock.advance(5);
      const { label } = podOf(a, 'pod');
      if (a.patches.length > from && label !== undefined && label !== region.publicIpOf('10.0.8.31')) wrong.push(label);
    }
    expect(wrong).toEqual([]);
    expect(podOf(a, 'pod').label).toBe(region.publicIpOf('10.0.8.31'));
    expect(region.actions()).toEqual(['AssociateAddress', 'AssociateAddress']);
  });

  it('is put right within a second when somebody edits or removes it', async () => {
    const { clock, region, a } = rig();
    a.start();
    a.run('pod', AUTO, '10.0.8.10');
    await clock.advance(MINUTE);
    const publicIp = region.publicIpOf('10.0.8.10');
    for (const value of ['198.51.100.1', null]) {
      a.label('pod', { [PUBLIC_IP]: value });
      await clock.advance(SECOND);
      expect(podOf(a, 'pod').label).toBe(publicIp);
    }
  });

  it('is put right when somebody removes it in the instant in which it is written', async () => {
    const { clock, region, a } = rig();
    a.start();
    a.run('pod', AUTO, '10.0.8.10');
    await clock.until(() => a.patches.length > 0, 10 * SECOND);
    // The watch shows our write and the removal as one change.
    clock.after(20, () => a.label('pod', { [PUBLIC_IP]: null }));
    await clock.advance(10 * SECOND);
    expect(podOf(a, 'pod').label).toBe(region.publicIpOf('10.0.8.10'));
  });

  it('is not written in a loop with somebody who insists', async () => {
    const { clock, a } = rig();
    a.start();
    a.run('pod', AUTO, '10.0.8.10');
    await clock.advance(MINUTE);
    a.patches.length = 0;
    for (let time = 0; time < 10 * MINUTE; time += 100) {
      if (podOf(a, 'pod').label !== undefined) a.label('pod', { [PUBLIC_IP]: null });
      await clock.advance(100);
    }
    expect(a.patches.length).toBeGreaterThanOrEqual(8);
    expect(a.patches.length).toBeLessThanOrEqual(14);
  });

  it('ends with the pod: a completed one says that nothing is assigned for it', async () => {
    const { clock, region, a } = rig();
    a.start();
    a.run('pod', AUTO, '10.0.8.10');
    await clock.advance(MINUTE);
    a.complete('pod');
    await clock.advance(MINUTE);
    expect(region.eips()).toEqual([]);
    expect(podOf(a, 'pod')).toMatchObject({
      label: undefined,
      dns: undefined,
      condition: { status: 'False', reason: 'Released' },
    });
    expect(a.pods[0]?.annotations['eni-agent.io/addresses']).toBe('[]');
    a.patches.length = 0;
    a.kill();
    a.start();
    await clock.advance(MINUTE);
    expect(a.patches).toEqual([]);
  });
});
