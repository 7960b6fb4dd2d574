import { expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { UnplacedAddresses } from '../../../lib/net/unplaced-addresses.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const A = ip('10.0.1.10');
const B = ip('10.0.1.11');

function rig() {
  const clock = new VirtualClock(0);
  const looks: number[] = [];
  const unplaced = new UnplacedAddresses(clock, () => looks.push(clock.now()));
  const tell = (address: typeof A, deleted = false) =>
    unplaced.onEvent({ kind: 'address', nsid: 7, ifindex: 2, ip: address, prefixLength: 24, deleted });
  return { clock, looks, unplaced, tell };
}

it('keeps what the kernel told of an unknown namespace until that has surely been read, or it is gone again', async () => {
  const { clock, looks, unplaced, tell } = rig();

  tell(A);
  await clock.advance(5_000);
  tell(B);
  expect(unplaced.addresses).toEqual([A, B]);
  tell(A);
  await clock.advance(5_000);
  expect(unplaced.addresses).toEqual([B, A]);
  await clock.advance(5_000);
  expect(unplaced.addresses).toEqual([]);
  // Each sight is looked at again when it is over: nothing else would happen then.
  expect(looks).toContain(15_000);

  tell(A);
  tell(A, true);
  expect(unplaced.addresses).toEqual([]);
});

it('sets one alarm for the oldest, however many events come, and none when nothing is left', async () => {
  const { clock, looks, unplaced, tell } = rig();

  for (let event = 0; event < 500; event += 1) tell(ip(`10.1.${event >> 8}.${event & 255}`));
  await clock.advance(4_000);
  tell(B);
  await clock.advance(3_600_000);

  expect(looks).toEqual([10_000, 14_000]);
  expect(unplaced.addresses).toEqual([]);
});
