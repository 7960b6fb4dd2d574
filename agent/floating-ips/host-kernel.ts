import { addAddress, deleteAddress } from '../../lib/net/host-address.ts';
import { OwnAddresses, type OwnAddressesOptions } from '../../lib/net/own-addresses.ts';
import type { HostPort } from './host-addresses.ts';

/** A view of the host's interfaces. Empty until the kernel has been asked. */
export interface HostView extends Pick<HostPort, 'interfaces'> {
  /** Follows the kernel until the signal aborts; resolves when what it started has ended. */
  start(signal: AbortSignal): Promise<void>;
  /** Links came or were named, which no event of an address says: reads them at once. */
  refresh(): void;
}

/** The kernel that holds node-level addresses: what a virtual world has its own of. */
export interface HostKernel extends Pick<HostPort, 'add' | 'remove'> {
  watch(options: OwnAddressesOptions): HostView;
}

/** The kernel of the machine that this process runs on, in the network namespace of this process. */
export const hostKernel: HostKernel = {
  watch: (options) => new OwnAddresses(options),
  add: ({ device, address, prefixLength }, signal) => addAddress(device, address, prefixLength, signal),
  remove: ({ device, address, prefixLength }, signal) => deleteAddress(device, address, prefixLength, signal),
};
