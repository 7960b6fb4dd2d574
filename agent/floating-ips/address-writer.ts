import type { AddressApi } from '../../lib/ec2/api.ts';
import { Ec2Error, type Ec2ErrorKind } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import { familyOf, type IpAddress } from '../../lib/model/ip.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { addressReason } from '../aws/failures.ts';
import { moveIpv6 } from '../aws/move-ipv6.ts';
import { permitted } from '../aws/permitted.ts';

export interface Ec2HandParts {
  readonly clock: Clock;
  readonly ec2: AddressApi;
  readonly rateLimit: RateLimit;
}

export interface Assignment {
  readonly eni: EniId;
  /** Of one family. */
  readonly addresses: readonly IpAddress[];
  /** A takeover: which ENI has each address, as judged right before. Undefined: only what is free is assigned. */
  readonly takeFrom: ReadonlyMap<IpAddress, EniId> | undefined;
  /** Asked right before every call: false when the right to make it may have been lost while waiting. */
  readonly allowed: () => boolean;
  readonly signal: AbortSignal;
}

/**
 * What became of a call. `again`: surely or perhaps nothing happened, ask soon; `refused`: for this reason, and `lasting` when no
 * repetition on this node will fix it soon.
 */
export type Outcome =
  | { readonly kind: 'done'; readonly requestId: string | undefined }
  | { readonly kind: 'again'; readonly reason: Reason; readonly message: string }
  | { readonly kind: 'refused'; readonly reason: Reason; readonly message: string; readonly lasting: boolean };

/** Assigns addresses to an ENI. Failover goes first in the shared rate limit. Never throws. */
export function assign(parts: Ec2HandParts, wanted: Assignment): Promise<Outcome> {
  return call(parts, wanted, () => {
    const ec2 = withFence(parts.ec2, wanted.allowed);
    const { eni, addresses, takeFrom, signal } = wanted;
    const held =
      takeFrom !== undefined && addresses.some((address) => familyOf(address) === 6 && takeFrom.has(address));
    if (!held) return ec2.assign(eni, addresses, { takeover: takeFrom !== undefined, signal });
    const moves = addresses.map((address) => ({ address, from: takeFrom.get(address) }));
    return moveIpv6(eni, moves, { ...parts, ec2 }, signal);
  });
}

/** Removes an address from exactly this ENI. That it is not there (any more) is success. Never throws. */
export function unassign(
  parts: Ec2HandParts,
  { eni, addresses, allowed, signal }: Omit<Assignment, 'takeFrom'>,
): Promise<Outcome> {
  return call(parts, { allowed, signal }, async () => {
    try {
      return await parts.ec2.unassign(eni, addresses, { signal });
    } catch (error) {
      if (error instanceof Ec2Error && (error.kind === 'not-assigned' || error.kind === 'not-found')) return {};
      throw error;
    }
  });
}

async function call(
  { rateLimit }: Ec2HandParts,
  { allowed, signal }: Pick<Assignment, 'allowed' | 'signal'>,
  act: () => Promise<{ requestId?: string | undefined }>,
): Promise<Outcome> {
  try {
    const { requestId } = await permitted({ rateLimit, priority: 0, allowed, signal }, act);
    return { kind: 'done', requestId };
  } catch (cause) {
    return outcomeOf(cause);
  }
}

/** What a failed call means. */
export function outcomeOf(cause: unknown): Exclude<Outcome, { kind: 'done' }> {
  if (!(cause instanceof Ec2Error))
    return { kind: 'refused', reason: 'RejectedByEc2', message: String(cause), lasting: false };
  const message = `EC2 refused ${cause.action}: ${cause.message} (${cause.code})`;
  const reason = addressReason(cause);
  if (REPEATED.has(cause.kind)) return { kind: 'again', reason, message };
  return { kind: 'refused', reason, message, lasting: LASTING.has(cause.kind) };
}

const REPEATED: ReadonlySet<Ec2ErrorKind> = new Set(['throttled', 'unavailable', 'unknown-outcome']);
/** What this node cannot overcome soon. */
const LASTING: ReadonlySet<Ec2ErrorKind> = new Set(['limit', 'unauthorized', 'not-found', 'rejected']);

/** The same API, but no call leaves when the right to it is gone: between the decision and the call the process may have slept. */
function withFence(ec2: AddressApi, allowed: () => boolean): AddressApi {
  const check = (action: string) => {
    if (!allowed())
      throw new Ec2Error({
        kind: 'unavailable',
        code: 'HoldInDoubt',
        message: 'the Lease may have passed to another node',
        action,
      });
  };
  return {
    describeEnis: (...args) => ec2.describeEnis(...args),
    findHolders: (...args) => ec2.findHolders(...args),
    vpcNetworks: (...args) => ec2.vpcNetworks(...args),
    instanceOwners: (...args) => ec2.instanceOwners(...args),
    async assign(...args) {
      check('AssignPrivateIpAddresses');
      return ec2.assign(...args);
    },
    async unassign(...args) {
      check('UnassignPrivateIpAddresses');
      return ec2.unassign(...args);
    },
  };
}
