import type { Mac } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { AnnouncedInterface, Announcement } from '../node-enis/announcement.ts';

/** A link of the host, as the kernel lists it. */
export interface HostLink {
  readonly name: string;
  readonly altNames: readonly string[];
  readonly mac: Mac | undefined;
  /** Administratively up. */
  readonly up: boolean;
  readonly mtu: number | undefined;
  /** True for a link that is a child of another one (VLAN, macvlan, a veth's end): never an ENI. */
  readonly child: boolean;
  readonly addresses: readonly { readonly ip: IpAddress; readonly prefixLength: number }[];
}

/** What this node's Node object says about the interfaces that NodeENIs give it, and what its agent last reported there. */
export interface NodeLinksState {
  readonly announcement: Announcement | undefined;
  /** The startup taint is on the node. */
  readonly tainted: boolean;
  readonly labelled: boolean;
  readonly reported: { readonly status: string; readonly reason: string; readonly message: string } | undefined;
}

/** One change of a host's link. All are repeatable without harm. */
export type LinkStep =
  | { readonly kind: 'set-mtu'; readonly link: string; readonly mtu: number }
  | { readonly kind: 'add-name'; readonly link: string; readonly name: string }
  | { readonly kind: 'remove-name'; readonly link: string; readonly name: string }
  | { readonly kind: 'remove-address'; readonly link: string; readonly ip: IpAddress; readonly prefixLength: number }
  | { readonly kind: 'set-up'; readonly link: string };

export type LinksReason =
  | 'Ready'
  | 'NoneWanted'
  | 'WaitingForInterfaces'
  | 'LinkMissing'
  | 'LinkNotConfigured'
  | 'NameTaken';

/** What the agent reports of the node's interfaces. */
export interface LinksReport {
  readonly ready: boolean;
  readonly reason: LinksReason;
  readonly message: string;
}

export interface LinksPlan {
  readonly steps: readonly LinkStep[];
  /** Undefined: there is nothing to report, and the condition is not written. */
  readonly report: LinksReport | undefined;
}

export type { AnnouncedInterface };
