import type { AddressApi, Assigned } from '../../lib/ec2/api.ts';
import type { AssignAction } from '../../lib/model/action.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { LedgerEntry } from '../../lib/model/ledger.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Journal } from '../../lib/runtime/journal.ts';

export interface MoveParts {
  readonly clock: Clock;
  readonly ec2: AddressApi;
  readonly ledger: Journal<LedgerEntry>;
}

/** Pauses between tries to assign what was just unassigned elsewhere, ms: the release has to spread inside EC2. */
const GAP_PAUSES = [20, 50, 100, 200, 400, 800];

/**
 * Takes IPv6 addresses over. EC2 has no reassignment for them: find the holder, unassign there, assign here.
 *
 * The old ENI is recorded before it is touched, so that a crash in the gap heals: after a restart the claim still has its right
 * to a takeover and the address is free. This is the one call an agent makes on an ENI of another instance.
 * @throws the refusal of the first try when nobody holds any of the addresses or a holder has it as primary.
 */
export async function moveIpv6(
  eni: EniId,
  actions: readonly AssignAction[],
  refusal: Ec2Error,
  { clock, ec2, ledger }: MoveParts,
  signal: AbortSignal,
): Promise<Assigned> {
  const addresses = actions.map((action) => action.address);
  const holders = await ec2.findHolders(addresses, { signal });
  const elsewhere = Array.from(holders).filter(([, holder]) => holder.eni !== eni);
  const primary = elsewhere.find(([, holder]) => holder.primary);
  if (elsewhere.length === 0) throw refusal;
  if (primary) throw primaryHeld(primary[0], primary[1].eni, refusal);
  for (const [from, moved] of Map.groupBy(elsewhere, ([, holder]) => holder.eni)) {
    const leaving = moved.map(([address]) => address);
    ledger.put(leaving.flatMap((address) => moving(ledger.get(address), from)));
    await unassignThere(ec2, from, leaving, signal);
  }
  for (const pause of GAP_PAUSES) {
    try {
      return await ec2.assign(eni, addresses, { takeover: true, signal });
    } catch (error) {
      const spreading = error instanceof Ec2Error && ['held-elsewhere', 'rejected', 'conflict'].includes(error.kind);
      if (!spreading || signal.aborted) throw error;
      await clock.sleep(pause, signal);
    }
  }
  return ec2.assign(eni, addresses, { takeover: true, signal });
}

async function unassignThere(
  ec2: AddressApi,
  from: EniId,
  addresses: readonly IpAddress[],
  signal: AbortSignal,
): Promise<void> {
  try {
    await ec2.unassign(from, addresses, { signal });
  } catch (error) {
    // Gone already: somebody else released it between our look and our call.
    if (!(error instanceof Ec2Error) || (error.kind !== 'not-assigned' && error.kind !== 'not-found')) throw error;
  }
}

function moving(entry: LedgerEntry | undefined, from: EniId): [string, LedgerEntry][] {
  return entry ? [[entry.address, { ...entry, movingFrom: from }]] : [];
}

function primaryHeld(address: IpAddress, holder: EniId, refusal: Ec2Error): Ec2Error {
  const message = `${address} is the primary IPv6 address of ${holder}, which never moves`;
  return new Ec2Error({ kind: 'rejected', code: refusal.code, action: refusal.action, message, addresses: [address] });
}
