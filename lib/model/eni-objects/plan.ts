import type { EniId } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import type { InstanceRoom, InterfacePlace, NetworkInterface } from '../network-interface.ts';
import type { Ending } from '../retention.ts';
import type { TenantPolicy } from '../tenant-policy.ts';
import type { EniObject, EniObjectStatus, EniReason } from './eni-object.ts';

/** Everything a plan for ENI objects depends on. Times are ms since the epoch; maps by uid are by the object's. */
export interface EniSnapshot {
  readonly now: number;
  readonly clusterName: string;
  readonly objects: readonly EniObject[];
  /** Interfaces with this cluster's tag, and those that a status names (which makes them nobody's); with what our accepted calls changed since. */
  readonly interfaces: readonly NetworkInterface[];
  /** When the describe that they rest on was asked for; undefined before the first one. */
  readonly interfacesAt: number | undefined;
  /** A describe asked for before this says nothing about the object: a call for it failed or went unanswered then. */
  readonly trustAfter: ReadonlyMap<string, number>;
  /** Since when the object wants what it does now, as far as this process knows. */
  readonly changedAt: ReadonlyMap<string, number>;
  /** Calls for addresses whose answers were lost, by object. */
  readonly lostAssigns: ReadonlyMap<string, LostAssign>;
  /** Since when describes show no interface for the object; a call that may have made one starts it again. */
  readonly absentSince: ReadonlyMap<string, number>;
  /** Objects whose interfaces are surely gone: EC2 said so itself. */
  readonly surelyGone: ReadonlySet<string>;
  /** Pods that live, by `namespace/name`: at least those that objects name. */
  readonly pods: ReadonlyMap<string, { readonly nodeName: string }>;
  /** False while pods or nodes are still loading: then nothing is detached because of them. */
  readonly podsKnown: boolean;
  /** The instance of each node, by the node's name. */
  readonly instanceOfNode: ReadonlyMap<string, string>;
  readonly rooms: ReadonlyMap<string, KnownRoom>;
  /** Addresses that a pod uses or that an EIP object names. */
  readonly inUse: ReadonlySet<IpAddress>;
  readonly backoffs: ReadonlyMap<string, EniBackoff>;
  /** Why objects that are being deleted go, as far as that was asked for. */
  readonly endings: ReadonlyMap<string, Ending>;
  /** What namespaces may ask for. */
  readonly tenants: TenantPolicy;
}

/** A call for more addresses that may have acted, or may yet. */
export interface LostAssign {
  /** What the interface had before. */
  readonly before: ReadonlySet<IpAddress>;
  readonly count: number;
  readonly at: number;
}

export interface KnownRoom {
  /** Undefined: EC2 does not know the instance. */
  readonly room: InstanceRoom | undefined;
  readonly at: number;
}

/** An object's last failure; it is left alone until `until`. */
export interface EniBackoff {
  readonly reason: EniReason;
  readonly message: string;
  readonly until: number;
  readonly failures: number;
}

/** One call for one object. There is never more than one at a time for each. */
export type EniStep =
  /** Whether a namespace or definition goes with the object. */
  | { readonly kind: 'ask-ending'; readonly object: EniObject }
  | { readonly kind: 'add-finalizer'; readonly object: EniObject }
  | { readonly kind: 'remove-finalizer'; readonly object: EniObject }
  | { readonly kind: 'create'; readonly object: EniObject }
  | {
      readonly kind: 'tag';
      readonly object: EniObject;
      readonly eni: EniId;
      readonly tags: Readonly<Record<string, string>>;
      /** Why the interface stays although its object goes, in words; undefined for tags of a living object. */
      readonly retained?: string;
    }
  | { readonly kind: 'set-description'; readonly object: EniObject; readonly eni: EniId; readonly description: string }
  | { readonly kind: 'set-groups'; readonly object: EniObject; readonly eni: EniId; readonly groups: readonly string[] }
  | { readonly kind: 'assign'; readonly object: EniObject; readonly eni: EniId; readonly count: number }
  | {
      readonly kind: 'unassign';
      readonly object: EniObject;
      readonly eni: EniId;
      readonly addresses: readonly IpAddress[];
    }
  | ({
      readonly kind: 'attach';
      readonly object: EniObject;
      readonly eni: EniId;
      readonly instanceId: string;
    } & InterfacePlace)
  | { readonly kind: 'detach'; readonly object: EniObject; readonly eni: EniId; readonly attachmentId: string }
  | { readonly kind: 'delete'; readonly object: EniObject; readonly eni: EniId };

/** What is to be done for one object, what its status says, and what the decision lacked. */
export interface EniDecision {
  readonly object: EniObject;
  readonly step: EniStep | undefined;
  /** Undefined: leave the status as it is. */
  readonly status: EniObjectStatus | undefined;
  /** It cannot be decided on a describe this old. */
  readonly readInterfaces: boolean;
  /** An instance whose room must be known first. */
  readonly readRoom: string | undefined;
  /** EC2 carries something out: look again before long. */
  readonly poll: boolean;
  readonly retryAt: number | undefined;
}
