import type { IpAddress } from '../model/ip.ts';
import { familyOf } from '../model/ip.ts';
import { CommandError, run } from './command.ts';

/**
 * Puts an address on an interface of our own namespace. Adding what is there already is fine.
 * IPv6 goes on with `nodad`: duplicate detection says nothing in a VPC and would keep the address unusable for a second.
 * @throws {CommandError} `gone` when there is no such interface; `denied` without CAP_NET_ADMIN.
 */
export async function addAddress(
  device: string,
  address: IpAddress,
  prefixLength: number,
  signal: AbortSignal,
): Promise<void> {
  const flags = familyOf(address) === 6 ? ['nodad'] : [];
  await tolerating(/File exists|already assigned/i, 'add', device, address, prefixLength, flags, signal);
}

/** Takes an address off an interface of our own namespace. Deleting what is not there, or has no interface any more, is fine. */
export async function deleteAddress(
  device: string,
  address: IpAddress,
  prefixLength: number,
  signal: AbortSignal,
): Promise<void> {
  const absent = /Cannot assign requested address|address not found|Cannot find device/i;
  await tolerating(absent, 'del', device, address, prefixLength, [], signal);
}

/** What ip says depends on its version and on the kernel's: errno text before extended acks, a sentence after. */
async function tolerating(
  fine: RegExp,
  verb: 'add' | 'del',
  device: string,
  address: IpAddress,
  prefixLength: number,
  flags: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await run('ip', ['addr', verb, `${address}/${prefixLength}`, 'dev', device, ...flags], signal);
  } catch (error) {
    if (!(error instanceof CommandError && fine.test(error.stderr))) throw error;
  }
}
