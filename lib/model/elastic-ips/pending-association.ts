import type { EniId } from '../eni.ts';
import { type IpAddress, parseIp } from '../ip.ts';
import { isObject } from '../json.ts';
import type { AllocationId } from './elastic-ip.ts';

/**
 * "We are about to pair this EIP, which has no tags of ours yet, with this address of our ENI", written to the node's disk before the
 * call. The tags follow the pairing, because tags are not a lock: until then only this record says our pairing from somebody else's.
 */
export interface PendingAssociation {
  readonly allocationId: AllocationId;
  readonly eni: EniId;
  readonly privateIp: IpAddress;
  /** `namespace/name` of the pod. */
  readonly owner: string;
  /** ms since the epoch */
  readonly at: number;
}

/** A stored record as a pending association; undefined when it is none. */
export function revivePendingAssociation(stored: unknown): PendingAssociation | undefined {
  if (!isObject(stored)) return undefined;
  const { allocationId, eni, privateIp, owner, at } = stored;
  if (typeof allocationId !== 'string' || typeof eni !== 'string' || typeof owner !== 'string') return undefined;
  if (typeof privateIp !== 'string' || typeof at !== 'number') return undefined;
  const address = parseIp(privateIp);
  return address && { allocationId, eni, privateIp: address, owner, at };
}
