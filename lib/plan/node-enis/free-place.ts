import type { InstanceLimits, InstanceRoom, InterfacePlace } from '../../model/network-interface.ts';

/** One card of a type whose limits EC2 did not give: EC2 itself then says when it is full. */
const UNKNOWN: InstanceLimits = {
  interfaces: 64,
  cards: [{ index: 0, interfaces: 64 }],
  defaultCard: 0,
  ipv4PerInterface: undefined,
};

export interface PlaceRequest {
  /** The first index to use; undefined: the lowest that the VPC CNI does not need. */
  readonly deviceIndex: number | undefined;
  readonly networkCard: number | undefined;
  /** Interfaces of card 0 that the VPC CNI keeps, the primary included. At least one place is ours on any type. */
  readonly reserved: number;
  /** Places of interfaces of NodeENIs on this instance, also those that this plan gives out. */
  readonly ours: readonly InterfacePlace[];
}

/** How many interfaces the VPC CNI keeps on card 0 of a type. */
function reservedOn(limits: InstanceLimits = UNKNOWN, reserved: number): number {
  const first = limits.cards.find(({ index }) => index === 0)?.interfaces ?? limits.interfaces;
  return Math.max(1, Math.min(reserved, first - 1));
}

/** A free place for one more interface; a sentence when the instance, or what is left of it, is full. */
export function freePlaceFor(room: InstanceRoom, request: PlaceRequest): InterfacePlace | { readonly full: string } {
  const { limits = UNKNOWN } = room;
  const taken = distinct([...room.taken, ...request.ours]);
  const kept = reservedOn(limits, request.reserved);
  const oursOnFirst = distinct(request.ours).filter(({ networkCard }) => networkCard === 0).length;
  const othersOnFirst = taken.filter(({ networkCard }) => networkCard === 0).length - oursOnFirst;
  // What the VPC CNI has not attached yet but will need.
  const stillNeeded = Math.max(0, kept - othersOnFirst);
  const preferred = (index: number) => (index === limits.defaultCard ? -1 : index);
  const cards = limits.cards
    .filter(({ index }) => request.networkCard === undefined || index === request.networkCard)
    .toSorted((a, b) => preferred(a.index) - preferred(b.index));
  if (taken.length + stillNeeded < limits.interfaces) {
    for (const card of cards) {
      const used = taken.filter(({ networkCard }) => networkCard === card.index).map(({ deviceIndex }) => deviceIndex);
      if (used.length + (card.index === 0 ? stillNeeded : 0) >= card.interfaces) continue;
      let deviceIndex = request.deviceIndex ?? (card.index === 0 ? kept : 1);
      while (used.includes(deviceIndex)) deviceIndex += 1;
      return { deviceIndex, networkCard: card.index };
    }
  }
  const onCard = request.networkCard === undefined ? '' : ` on network card ${request.networkCard}`;
  const reserve = stillNeeded === 0 ? '' : `; the VPC CNI needs ${stillNeeded} more`;
  return {
    full: `${room.type} has ${taken.length} of ${limits.interfaces} interfaces${onCard && `, no free one${onCard}`}${reserve}`,
  };
}

/** The room may have been described before an attachment of ours, which then counts once all the same. */
function distinct(places: readonly InterfacePlace[]): InterfacePlace[] {
  return [...new Map(places.map((place) => [`${place.networkCard}/${place.deviceIndex}`, place])).values()];
}
