import type { IpAddress } from '../model/ip.ts';
import { isGlobalUnicast, parseIp } from '../model/ip.ts';

/**
 * One line of `ip -o monitor address`. `address`: an address of an interface was added, changed or deleted; the namespace is an
 * nsid of ours, or undefined for the namespace that the monitor runs in. `gap`: the kernel dropped messages.
 */
export type MonitorEvent =
  | {
      readonly kind: 'address';
      readonly nsid: number | undefined;
      readonly deleted: boolean;
      readonly ifindex: number;
      readonly ip: IpAddress;
      /** Undefined when the address is not usable (yet): tentative, failed duplicate detection, or of a peer. */
      readonly prefixLength: number | undefined;
    }
  | { readonly kind: 'gap' };

export type AddressEvent = Extract<MonitorEvent, { kind: 'address' }>;

/** The interface name is not read: with `all-nsid`, ip resolves it in the wrong namespace. The index is right. */
const LINE =
  /^(?:\[nsid (?<nsid>\d+|current)\]\s*)?(?<deleted>Deleted )?(?<ifindex>\d+): \S+\s+inet6? (?<ip>[\da-f.:]+)(?:\/(?<length>\d+))?/;

const UNUSABLE = /\b(?:tentative|dadfailed)\b/;

/** What ip says after ENOBUFS, before it goes on with what it missed being missed. */
const OVERRUN = /^netlink receive error|No buffer space available/;

/**
 * Undefined for a line that is neither, and for addresses that are never claimed: the link-local ones that come with each new link
 * would cost a read each.
 */
export function parseMonitorLine(line: string): MonitorEvent | undefined {
  if (OVERRUN.test(line)) return { kind: 'gap' };
  const groups = LINE.exec(line)?.groups;
  const ip = parseIp(groups?.ip ?? '');
  if (groups === undefined || ip === undefined || !isGlobalUnicast(ip)) return undefined;
  const nsid = groups.nsid === undefined || groups.nsid === 'current' ? undefined : Number(groups.nsid);
  const prefixLength = groups.length === undefined || UNUSABLE.test(line) ? undefined : Number(groups.length);
  return {
    kind: 'address',
    nsid,
    deleted: groups.deleted !== undefined,
    ifindex: Number(groups.ifindex),
    ip,
    prefixLength,
  };
}
