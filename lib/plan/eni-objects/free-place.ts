import type { InstanceLimits, InterfacePlace } from '../../model/network-interface.ts';

/** One card of a type whose limits EC2 did not state: EC2 itself then says when it is full. */
const UNKNOWN: InstanceLimits = {
  interfaces: 64,
  cards: [{ index: 0, interfaces: 64 }],
  defaultCard: 0,
  ipv4PerInterface: undefined,
};

/**
 * A free place for one more interface: on the type's default card if it has room, else on the card with the lowest index that has;
 * there the lowest free device index. Index 0 is never used, because on the first card it is the instance's primary interface.
 * Gaps are filled: counting interfaces would hit an index that is taken. Undefined: the instance or every card is full.
 */
export function freePlace(
  limits: InstanceLimits = UNKNOWN,
  taken: readonly InterfacePlace[],
): InterfacePlace | undefined {
  if (taken.length >= limits.interfaces) return undefined;
  const preferred = (index: number) => (index === limits.defaultCard ? -1 : index);
  for (const card of limits.cards.toSorted((a, b) => preferred(a.index) - preferred(b.index))) {
    const used = taken.filter(({ networkCard }) => networkCard === card.index).map(({ deviceIndex }) => deviceIndex);
    if (used.length >= card.interfaces) continue;
    let deviceIndex = 1;
    while (used.includes(deviceIndex)) deviceIndex += 1;
    return { deviceIndex, networkCard: card.index };
  }
  return undefined;
}
