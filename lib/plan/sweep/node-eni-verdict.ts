import type { NetworkInterface } from '../../model/network-interface.ts';
import type { InterfaceUser } from '../../model/node-enis/plan.ts';
import { LEGACY_TAG, NODE_ENI_TAG } from '../../model/node-enis/tags.ts';
import type { OwnerVerdict } from '../../model/sweep.ts';
import { usersOfInterface } from '../node-enis/users.ts';

/** Uids of the objects of a kind. `unserved`: the cluster has no such definition, or it is being deleted. Undefined: not known. */
export type KindFound = ReadonlySet<string> | 'unserved' | undefined;

/** What uncached reads said about the owner of an interface of a node, and about who uses it. */
export interface NodeEniEvidence {
  readonly own: KindFound;
  /** Of aws-multi-eni-controller. */
  readonly legacy: KindFound;
  /** Pods of the Node on whose instance it is attached; undefined: not known, or no Node names the instance. */
  readonly pods: readonly InterfaceUser[] | undefined;
}

/**
 * Whether anybody is left who has a claim to an interface that was made or adopted for a NodeENI. One that a pod uses, or may come to use,
 * lives although its object is gone; so does one with a secondary address. An instance without a Node says nothing of its pods: unknown.
 */
export function nodeEniVerdict(facts: NetworkInterface, { own, legacy, pods }: NodeEniEvidence): OwnerVerdict {
  const { tags, attachment } = facts;
  const uid = tags[NODE_ENI_TAG.uid] ?? '';
  if ([own, legacy].some((kind) => typeof kind === 'object' && kind.has(uid))) return 'lives';
  // What goes with its definition stays; where only ours is installed, nothing but ours can have owned it.
  const isAdopted = LEGACY_TAG.manager in tags;
  if (typeof own !== 'object' || legacy === undefined || (legacy === 'unserved' && isAdopted)) return 'unknown';
  if (attachment === undefined) return 'gone';
  if (attachment.instanceId !== tags[NODE_ENI_TAG.instance] || pods === undefined) return 'unknown';
  return usersOfInterface(facts, pods).length > 0 ? 'lives' : 'gone';
}
