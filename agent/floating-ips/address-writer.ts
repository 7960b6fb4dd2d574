import type { Assigned } from '../../lib/ec2/api.ts';
import { Ec2Error, type Ec2ErrorKind } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import { familyOf, type IpAddress } from '../../lib/model/ip.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { EniWriter } from '../aws/eni-writer.ts';
import { addressReason } from '../aws/failures.ts';
import { moveIpv6 } from '../aws/move-ipv6.ts';
import { permitted } from '../aws/permitted.ts';

export interface Ec2HandParts {
  readonly clock: Clock;
  readonly ec2: EniWriter;
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
  | { readonly kind: 'done'; readonly requestId: string | undefined; readonly assigned?: Assigned['assigned'] }
  | { readonly kind: 'again'; readonly reason: Reason; readonly message: string }
  | { readonly kind: 'refused'; readonly reason: Reason; readonly message: string; readonly lasting: boolean };

/** Assigns addresses to an ENI. Failover goes first in the shared rate limit. Never throws. */
export function assign(parts: Ec2HandParts, wanted: Assignment): Promise<Outcome> {
  return call(parts, wanted, () => {
    const ec2 = parts.ec2.fenced(wanted.allowed);
    const { eni, addresses, takeFrom, signal } = wanted;
    const held =
      takeFrom !== undefined && addresses.some((address) => familyOf(address) === 6 && takeFrom.has(address));
    if (!held) {
      const asked = ec2.assign(eni, addresses, { takeover: takeFrom !== undefined, signal });
      return addresses.every((address) => takeFrom?.get(address) === eni) ? asked.catch(isThere) : asked;
    }
    const moves = addresses.map((address) => ({ address, from: takeFrom.get(address) }));
    return moveIpv6(eni, moves, { ...parts, ec2 }, signal);
  });
}

/**
 * Of an IPv4 address that a look has shown on this ENI: EC2 would have moved it from wherever else it is, so what it refuses is here.
 * Whether EC2 takes or refuses such a call is not documented (FACTS §1.1).
 */
function isThere(error: unknown): Assigned {
  if (error instanceof Ec2Error && error.kind === 'rejected') return { requestId: error.requestId, assigned: [] };
  throw error;
}

/** Removes an address from exactly this ENI. That it is not there (any more) is success. Never throws. */
export function unassign(
  parts: Ec2HandParts,
  { eni, addresses, allowed, signal }: Omit<Assignment, 'takeFrom'>,
): Promise<Outcome> {
  return call(parts, { allowed, signal }, async () => {
    try {
      return await parts.ec2.fenced(allowed).unassign(eni, addresses, { signal });
    } catch (error) {
      if (error instanceof Ec2Error && (error.kind === 'not-assigned' || error.kind === 'not-found')) return {};
      throw error;
    }
  });
}

async function call(
  { rateLimit }: Ec2HandParts,
  { allowed, signal }: Pick<Assignment, 'allowed' | 'signal'>,
  act: () => Promise<Partial<Assigned>>,
): Promise<Outcome> {
  try {
    const { requestId, assigned } = await permitted({ rateLimit, priority: 0, allowed, signal }, act);
    return { kind: 'done', requestId, assigned };
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
