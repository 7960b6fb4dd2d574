import { expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { UnplacedAddresses } from '../../../lib/net/unplaced-addresses.ts';

const A = ip('10.0.1.10');
const B = ip('10.0.1.11');

it('keeps what the kernel told of an unknown namespace until that has surely been read, or it is gone again', () => {
  let now = 0;
  const looks: number[] = [];
  const unplaced = new UnplacedAddresses(
    () => now,
    (inMs) => looks.push(now + inMs),
  );
  const tell = (address: typeof A, deleted = false) =>
    unplaced.told({ kind: 'address', nsid: 7, ifindex: 2, ip: address, prefixLength: 24, deleted });

  tell(A);
  now = 5_000;
  tell(B);
  expect(unplaced.addresses).toEqual([A, B]);
  tell(A);
  now = 10_000;
  expect(unplaced.addresses).toEqual([B, A]);
  now = 15_000;
  expect(unplaced.addresses).toEqual([]);
  // Each sight is looked at again when it is over: nothing else would happen then.
  expect(looks).toEqual([10_000, 15_000, 15_000]);

  tell(A);
  tell(A, true);
  expect(unplaced.addresses).toEqual([]);
});
