import { ip } from '../../lib/model/ip.ts';
import { eniOf } from '../../test/support/fake-ec2.ts';
import { seededRandom } from '../../test/support/virtual-clock.ts';
import { Region } from './region.ts';

/** What EC2 takes for a call here, ms. */
export const ROUND_TRIP_MS = 50;

export interface Reuse {
  /** From sending the first call that names an address on its new node until the answer that EC2 has it there, virtual ms, by address. */
  readonly tookMs: readonly number[];
  /** Calls that EC2 refused, by address. */
  readonly refused: readonly number[];
}

/**
 * Pods of one node are replaced on another, one each 100 ms, and IPAM gives each new pod the address that has just become free (FACTS §12),
 * in the order of a real CNI ADD: kernel event, 10–60 ms, cache file. The old node has not begun to release it. EC2 takes 50 ms.
 */
export async function reuse(addresses: number): Promise<Reuse> {
  const region = new Region({ nodes: 2, enis: 1 });
  const { clock } = region;
  const random = seededRandom(7);
  const [from, to] = region.nodes;
  if (from === undefined || to === undefined) throw new Error('the region has two nodes');
  try {
    for (const node of region.nodes) node.start();
    const all = Array.from({ length: addresses }, (_, index) => `10.0.16.${10 + index}`);
    for (const [index, address] of all.entries()) from.add(`old-${index}`, address);
    await clock.until(() => from.allAssigned, 60_000, 'the old pods');
    const landed = new Map<string, number>();
    const before = region.calls().length;
    for (const [index, address] of all.entries()) {
      from.remove(`old-${index}`, address);
      const name = `new-${index}`;
      to.add(name, address, { kind: 'live', provisionalUntil: clock.now() + 10_000 });
      clock.after(10 + 50 * random(), () => to.add(name, address));
      for (let ms = 0; ms < 500; ms += 5) {
        await clock.advance(5);
        if (!landed.has(address) && region.holderOf(ip(address)) === eniOf(to.name, 1))
          landed.set(address, clock.now());
        if (landed.has(address) && ms >= 95) break;
      }
    }
    const calls = region
      .calls()
      .slice(before)
      .filter(({ node, action }) => node === to.name && action === 'assign');
    const of = (address: string) => calls.filter((call) => call.addresses.some((each) => each === address));
    return {
      // A call is stamped on arrival and an address on its effect: half a round trip before the one, half after the other.
      tookMs: all.map(
        (address) => (landed.get(address) ?? Number.POSITIVE_INFINITY) - (of(address)[0]?.at ?? 0) + ROUND_TRIP_MS,
      ),
      refused: all.map((address) => of(address).filter(({ outcome }) => outcome !== 'ok').length),
    };
  } finally {
    region.close();
  }
}
