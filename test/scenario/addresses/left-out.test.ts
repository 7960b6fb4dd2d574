import { describe, expect, it } from 'vitest';
import { HOUR, MINUTE, rig, SECOND } from './rig.ts';

const BRIDGED = '192.168.50.10';
const MAC = '0a:58:c0:a8:32:0a';

function started() {
  const world = rig();
  const a = world.node('a');
  a.start();
  const questions = () => world.ec2.calls.filter(({ action }) => action === 'subnets').length;
  return { ...world, a, questions };
}

describe('a network that is no part of the VPC', () => {
  it.each([
    ['of a bridge', { mac: MAC, plugin: 'bridge' }],
    ['of an unknown plugin', { mac: MAC }],
  ])('is left out by itself, without a refusal and for one question to EC2 (%s)', async (_name, about) => {
    const { clock, ec2, a, questions } = started();
    await clock.advance(SECOND);
    a.add('pod', BRIDGED, about);
    a.add('pod', '10.0.8.10');
    await clock.advance(10 * MINUTE);

    expect(a.statusOf(BRIDGED)).toBeUndefined();
    expect(a.leftOut).toEqual([BRIDGED]);
    expect(a.statusOf('10.0.8.10')?.state).toBe('assigned');
    expect(questions()).toBe(1);
    await clock.advance(3 * HOUR);
    expect(questions()).toBeLessThanOrEqual(7);
    expect(ec2.writes()).toHaveLength(1);
  });

  it('is told when a subnet of the VPC does have the address: then it was meant to work', async () => {
    const { clock, a } = started();
    await clock.advance(SECOND);
    a.add('bridged', '10.0.9.9', { mac: MAC, plugin: 'bridge' });
    await clock.advance(MINUTE);

    expect(a.statusOf('10.0.9.9')?.refusal).toMatchObject({ reason: 'UnsupportedInterface' });
    expect(a.leftOut).toEqual([]);
  });

  it('is told when somebody declares its address', async () => {
    const { clock, a } = started();
    await clock.advance(SECOND);
    a.add('declared', BRIDGED, { mac: MAC, kind: 'floating' });
    await clock.advance(MINUTE);

    expect(a.statusOf(BRIDGED)?.refusal).toMatchObject({ reason: 'NoMatchingInterface' });
  });

  it('waits quietly while EC2 does not answer the question', async () => {
    const { clock, ec2, a } = started();
    ec2.faults = ({ action }) => (action === 'subnets' ? 'throttle' : undefined);
    await clock.advance(SECOND);
    a.add('pod', BRIDGED, { mac: MAC });
    await clock.advance(MINUTE);
    expect(a.statusOf(BRIDGED)?.state).toBe('pending');
    ec2.faults = () => undefined;
    await clock.advance(2 * MINUTE);

    expect(a.leftOut).toEqual([BRIDGED]);
  });

  it('costs no question where every claim fits an ENI', async () => {
    const { clock, a, questions } = started();
    await clock.advance(SECOND);
    a.add('pod', '10.0.8.10');
    await clock.advance(HOUR);

    expect(questions()).toBe(0);
  });
});
