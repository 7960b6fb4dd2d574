import { describe, expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { eniOf } from '../../support/fake-ec2.ts';
import { MINUTE, rig, SECOND } from './rig.ts';

const A = ip('10.0.8.10');

/** Node `b` has the address for a pod of its own; a pod of `a` has it by its network-status alone. */
async function bothClaim() {
  const world = rig();
  const { clock, ec2, node } = world;
  const [a, b] = [node('a'), node('b')];
  a.start();
  b.start();
  await clock.advance(SECOND);
  b.add('victim', A);
  await clock.advance(SECOND);
  expect(ec2.holderOf(A)).toBe(eniOf('b', 1));
  const seenSince = clock.now();
  a.add('pod', A, { unconfirmed: true, seenSince });
  return { ...world, a, seenSince };
}

describe('an address that only network-status lists', () => {
  it('is asked for at once, and assigned when it is free', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    await clock.advance(SECOND);
    a.add('pod', A, { unconfirmed: true });
    await clock.advance(100);

    expect(a.statusOf(A)?.state).toBe('assigned');
    expect(ec2.writes().map(({ takeover }) => takeover)).toEqual([false]);
  });

  it('is never taken from another ENI: whoever may edit a pod can write that annotation', async () => {
    const { clock, ec2, a } = await bothClaim();
    await clock.advance(30 * MINUTE);

    expect(ec2.holderOf(A)).toBe(eniOf('b', 1));
    expect(ec2.writes('a').some(({ takeover }) => takeover)).toBe(false);
    expect(a.statusOf(A)).toMatchObject({ state: 'refused', refusal: { reason: 'HeldElsewhere' } });
    expect(a.statusOf(A)?.refusal?.message).toContain('network-status');
  });

  it('is taken over without a word as soon as the CNI result, or the kernel, confirms it', async () => {
    const { clock, ec2, a, seenSince } = await bothClaim();
    await clock.advance(SECOND);
    expect(a.statusOf(A)?.state).toBe('pending');

    a.add('pod', A, { seenSince });
    const took = await clock.until(() => ec2.holderOf(A) === eniOf('a', 1), 10 * SECOND, 'the takeover');

    // The holder is known already: one call.
    expect(took).toBeLessThanOrEqual(60);
    await clock.advance(SECOND);
    expect(a.forced).toEqual([`${A} from ${eniOf('b', 1)}`]);
  });
});
