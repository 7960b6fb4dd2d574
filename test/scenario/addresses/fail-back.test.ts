import { expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { eniOf } from '../../support/fake-ec2.ts';
import { rig, SECOND } from './rig.ts';

const VIP = ip('10.0.1.200');

it('takes a floating IP back at once, although its own first call is so young that a describe is not believed', async () => {
  const { clock, ec2, node } = rig();
  const [a, b] = [node('a'), node('b')];
  a.start();
  b.start();
  await clock.advance(SECOND);
  a.add('keepalived', VIP, { kind: 'floating' });
  await clock.advance(100);
  b.add('keepalived', VIP, { kind: 'floating' });
  await clock.advance(100);
  expect(ec2.holderOf(VIP)).toBe(eniOf('b', 1));
  const before = ec2.writes().length;

  a.remove('keepalived', VIP);
  await clock.advance(100);
  a.add('keepalived', VIP, { kind: 'floating' });
  const took = await clock.until(() => ec2.holderOf(VIP) === eniOf('a', 1), 10 * SECOND, 'the takeover');
  await clock.advance(60 * SECOND);

  expect(took).toBeLessThanOrEqual(60);
  expect(ec2.writes()).toHaveLength(before + 1);
  expect(ec2.holderOf(VIP)).toBe(eniOf('a', 1));
});
