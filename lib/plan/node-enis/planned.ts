import type { InterfacePlace } from '../../model/network-interface.ts';
import type { SlotView } from './slots.ts';

/** What this plan has given out so far: no two slots get one place, and no subnet more than it has. */
export class Planned {
  readonly #places = new Map<string, InterfacePlace[]>();
  readonly #addresses = new Map<string, number>();

  /** Interfaces of NodeENIs that are on an instance already count as given out there. */
  constructor(views: readonly SlotView[]) {
    for (const { own } of views) {
      const { attachment } = own ?? {};
      if (attachment !== undefined) this.takePlace(attachment.instanceId, attachment);
    }
  }

  placesOn(instanceId: string): readonly InterfacePlace[] {
    return this.#places.get(instanceId) ?? [];
  }

  takePlace(instanceId: string, { deviceIndex, networkCard }: InterfacePlace): void {
    this.#places.set(instanceId, [...this.placesOn(instanceId), { deviceIndex, networkCard }]);
  }

  get addresses(): ReadonlyMap<string, number> {
    return this.#addresses;
  }

  takeAddress(subnetId: string): void {
    this.#addresses.set(subnetId, (this.#addresses.get(subnetId) ?? 0) + 1);
  }
}
