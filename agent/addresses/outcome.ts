import type { Action, AssignAction } from '../../lib/model/addresses/action.ts';
import type { LedgerEntry } from '../../lib/model/addresses/ledger.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';

/** Identity of an action in its batcher. */
export function actionKey(action: Action): string {
  return `${action.kind} ${action.address}`;
}

/** The ledger's record of an assignment. */
export function entryOf({ claim, eni }: AssignAction, state: LedgerEntry['state']): LedgerEntry {
  return {
    address: claim.address,
    eni,
    state,
    holder: claim.holder,
    interface: claim.interface,
    claimedAt: claim.since,
  };
}

/** A fault in our own code must not stop the others: it counts as a refusal and is logged with its stack by `callFailed`. */
export function asEc2Error(cause: unknown): Ec2Error {
  if (cause instanceof Ec2Error) return cause;
  const message = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
  return new Ec2Error({ kind: 'rejected', code: 'InternalFault', message, action: 'internal' });
}

/** The record before a call, given the one from before it. See `LedgerEntry.spent`. */
export function attemptEntry(action: AssignAction, before: LedgerEntry | undefined): LedgerEntry {
  const known = before !== undefined && before.state !== 'refused' && before.claimedAt >= action.claim.since;
  const spent = known && !action.takeover && (before.state !== 'assigning' || before.spent !== undefined);
  const movingFrom = action.takeover ? action.from : undefined;
  return {
    ...entryOf(action, 'assigning'),
    ...(movingFrom && { movingFrom }),
    ...(spent && { spent: true as const, claimedAt: before.claimedAt }),
  };
}
