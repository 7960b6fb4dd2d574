import type { EniId } from '../eni.ts';
import { clustersOf, type EniNature, explainProtection, type Protection, protectionOf } from '../eni-protection.ts';
import type { IpAddress } from '../ip.ts';
import type { Refusal } from '../refusal.ts';

/** Where EC2 has an address now. */
export interface AddressHolder {
  readonly eni: EniId;
  /** Undefined when the ENI is detached. */
  readonly instanceId: string | undefined;
  /** A primary address never moves. */
  readonly primary: boolean;
  readonly nature: EniNature;
}

type Tags = Readonly<Record<string, string>>;

/** What EC2 says of an instance: its tags; `forbidden` when we may not ask; `unanswered` when it does not know the instance. */
export type InstanceOwner = { readonly tags: Tags } | 'forbidden' | 'unanswered';

/** By which clusters' names EC2 knows this node. */
export interface OwnClusters {
  /** Named by tags of our own instance. Without any, instances of this cluster carry none, and a lack of tags proves nothing. */
  readonly byInstance: readonly string[];
  /** Named by `--cluster-name` and by tags of our ENIs. */
  readonly others: readonly string[];
}

/**
 * Why the address may not be taken from its holder, ever; undefined when the holder is an ENI that Multus pods of this cluster may
 * use. `owner` is the holder's instance, undefined for a detached ENI, which belongs to nobody's running machine.
 *
 * Another cluster is proved by EC2's tags alone: cluster names on the holder's instance or ENI of which none is ours, or an instance
 * without any where ours has some. `knowingly` are protected ENIs from which an operator has the address taken all the same. Clusters whose instances carry no such tags cannot be distinguished from untagged machines beside them.
 */
export function whyNotTake(
  address: IpAddress,
  holder: AddressHolder,
  owner: InstanceOwner | undefined,
  own: OwnClusters,
  knowingly: readonly Protection[] = [],
): Refusal | undefined {
  const where = holderText(holder);
  if (holder.primary) {
    const message = `${address} is the primary address of ${where}, which never moves; exclude it in the network's IPAM`;
    return { reason: 'PrimaryAddress', message, address };
  }
  const protection = protectionOf(holder.nature);
  const fix = "exclude the address in the network's IPAM, or free it there";
  const refuse = (why: string): Refusal => ({
    reason: 'ProtectedInterface',
    message: `${address} is held by ${where}: ${why}; nothing is taken from it. ${fix}`,
    address,
  });
  if (protection !== undefined && !knowingly.includes(protection))
    return refuse(explainProtection(holder.eni, protection));
  const theirs = owner === undefined || typeof owner === 'string' ? [] : clustersOf(owner.tags);
  const named = [...new Set([...theirs, ...clustersOf(holder.nature.tags)])];
  const ours = new Set([...own.byInstance, ...own.others]);
  if (named.length > 0 && !named.some((name) => ours.has(name)))
    return refuse(`it belongs to cluster ${named.join(', ')}`);
  if (named.length > 0 || owner === undefined || owner === 'unanswered') return undefined;
  if (owner === 'forbidden') {
    return refuse(`EC2 does not let us see whose instance ${holder.instanceId} is (allow ec2:DescribeInstances)`);
  }
  return own.byInstance.length > 0
    ? refuse(`${holder.instanceId} has no tag of cluster ${own.byInstance.join(', ')}`)
    : undefined;
}

/** `eni-1 of i-1`, or `eni-1 (not attached)`. */
export function holderText({ eni, instanceId }: Pick<AddressHolder, 'eni' | 'instanceId'>): string {
  return instanceId === undefined ? `${eni} (not attached)` : `${eni} of ${instanceId}`;
}

/** What a look-up found. */
export interface KnownHolder {
  /** When EC2 was asked, ms since the epoch. */
  readonly askedAt: number;
  /** Undefined: no ENI lists the address. */
  readonly eni: EniId | undefined;
  /** Why it may never be taken from there. */
  readonly refusal?: Refusal;
}

/** EC2 has refused to give an address because somebody holds it, ms since the epoch. */
export interface HeldRefusal {
  /** The first time for the present appearance of the address: how late we came. */
  readonly firstAt: number;
  readonly lastAt: number;
  /** The holders that looks showed and that had it no more, in their order: EC2's describes lag behind its answers. */
  readonly outdated?: readonly EniId[];
}

/** A call for an address of which we do not know whether EC2 acted on it, or that EC2 did not let through when it was due. */
export interface Doubt {
  /** When the call had ended, ms since the epoch: only a look after it counts. */
  readonly at: number;
  /** The last known holder before it, if any; our own ENI when the address was seen there while the call was under way. */
  readonly before: KnownHolder | undefined;
  /** The process that made the call is gone, and what it knew. */
  readonly restarted: boolean;
  /** Nothing was sent at all: a call that takes from nobody has waited for permission. */
  readonly waited?: true;
}
