import type { IpAddress } from '../model/ip.ts';
import type { Clock } from '../runtime/clock.ts';
import type { AddressEvent } from './monitor-line.ts';

/** By then the namespace has been identified and read, or has been found not to be of our folder, ms. */
const KEPT_MS = 10_000;

/**
 * Addresses that the kernel has reported in a namespace whose id nobody knows yet, because it is only just being made: its first read
 * comes some ms later. Until then somebody uses them, and that is all there is to know.
 */
export class UnplacedAddresses {
  readonly #clock: Clock;
  readonly #onForgotten: () => void;
  readonly #seenAt = new Map<IpAddress, number>();
  #alarmSet = false;

  /** `onForgotten` is called when the view has become another one without any event: whoever waits for that must look then. */
  constructor(clock: Clock, onForgotten: () => void) {
    this.#clock = clock;
    this.#onForgotten = onForgotten;
  }

  onEvent({ ip, deleted }: AddressEvent): void {
    this.#forgetOld();
    // To the end of the order, which is by age.
    this.#seenAt.delete(ip);
    if (deleted) return;
    this.#seenAt.set(ip, this.#clock.now());
    this.#setAlarm();
  }

  get addresses(): readonly IpAddress[] {
    this.#forgetOld();
    return [...this.#seenAt.keys()];
  }

  /** One for the oldest, however many the kernel says of: a CNI plugin on a busy node makes hundreds of events. */
  #setAlarm(): void {
    const [oldest] = this.#seenAt.values();
    if (this.#alarmSet || oldest === undefined) return;
    this.#alarmSet = true;
    this.#clock.after(Math.max(0, oldest + KEPT_MS - this.#clock.now()), () => {
      this.#alarmSet = false;
      this.#forgetOld();
      this.#onForgotten();
      this.#setAlarm();
    });
  }

  #forgetOld(): void {
    for (const [ip, seenAt] of this.#seenAt) {
      if (seenAt + KEPT_MS > this.#clock.now()) break;
      this.#seenAt.delete(ip);
    }
  }
}
