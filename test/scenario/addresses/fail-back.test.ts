import { expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { eniOf } from '../../support/fake-ec2.ts';
import { rig, SECOND } from './rig.ts';

const VIP = ip('10.0.1.200');

/** `a` had the address, `b` has taken it, and `a` has not seen that yet: its own call is so young that a describe is not believed. */
async function justTaken() {
  const world = rig();
  const { clock, ec2, node } = world;
  const [a, b] = [node('a'), node('b')];
  a.start();
  b.start();
  await clock.advance(SECOND);
  a.add('keepalived', VIP, { kind: 'floating' });
  await clock.advance(100);
  b.add('keepalived', VIP, { kind: 'floating' });
  await clock.advance(100);
  expect(ec2.holderOf(VIP)).toBe(eniOf('b', 1));
  a.remove('keepalived', VIP);
  await clock.advance(100);
  return { ...world, a, b, writesBefore: ec2.writes().length };
}

it('takes a floating IP back at once, from the ENI that a look beside the first call has found', async () => {
  const { clock, ec2, a, writesBefore } = await justTaken();

  a.add('keepalived', VIP, { kind: 'floating' });
  const took = await clock.until(() => ec2.holderOf(VIP) === eniOf('a', 1), 10 * SECOND, 'the takeover');
  await clock.advance(60 * SECOND);

  // One call without force, which says that somebody has it, and the takeover.
  expect(took).toBeLessThanOrEqual(110);
  const calls = ec2.writes().slice(writesBefore);
  expect(calls.map(({ takeover }) => takeover)).toEqual([false, true]);
  expect(ec2.holderOf(VIP)).toBe(eniOf('a', 1));
  expect(a.forced).toEqual([`${VIP} from ${eniOf('b', 1)}`]);
});

it('sends the call before the look that goes out beside it', async () => {
  const { clock, ec2, a } = await justTaken();
  const before = ec2.calls.length;

  a.add('keepalived', VIP, { kind: 'floating' });
  await clock.until(() => ec2.calls.length >= before + 3, SECOND, 'the call and the look');

  const actions = ec2.calls.slice(before).map(({ action }) => action);
  expect(actions.slice(0, 3)).toEqual(['assign', 'find', 'instances']);
});

it('does not take it back from a protected ENI, whatever its own memory says', async () => {
  const { clock, ec2, a } = await justTaken();
  ec2.cloud.addInterface({ id: 'eni-cni', subnetId: 'subnet-1', description: 'aws-K8S-i-9' });
  const allowReassignment = true;
  ec2.cloud.assignPrivateIpAddresses({ networkInterfaceId: 'eni-cni', privateIpAddresses: [VIP], allowReassignment });

  a.add('keepalived', VIP, { kind: 'floating' });
  await clock.advance(60 * SECOND);

  expect(ec2.holderOf(VIP)).toBe('eni-cni');
  expect(a.forced).toEqual([]);
  expect(a.statusOf(VIP)).toMatchObject({ state: 'refused', refusal: { reason: 'ProtectedInterface' } });
});

it('costs one call that changes nothing when nobody has taken it meanwhile', async () => {
  const { clock, ec2, node } = rig();
  const a = node('a');
  a.start();
  await clock.advance(SECOND);
  a.add('keepalived', VIP, { kind: 'floating' });
  await clock.advance(SECOND);
  a.remove('keepalived', VIP);
  await clock.advance(SECOND);

  a.add('keepalived', VIP, { kind: 'floating' });
  await clock.advance(60 * SECOND);

  expect(ec2.writes().map(({ action, takeover }) => `${action} ${takeover}`)).toEqual(['assign false', 'assign false']);
  expect(a.statusOf(VIP)?.state).toBe('assigned');
  expect(a.forced).toEqual([]);
});
