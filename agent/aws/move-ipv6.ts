import type { AddressApi, Assigned } from '../../lib/ec2/api.ts';
import type { AssignAction } from '../../lib/model/addresses/action.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Clock } from '../../lib/runtime/clock.ts';

export interface MoveParts {
  readonly clock: Clock;
  readonly ec2: AddressApi;
}

/**
 * None of the addresses was on the ENI where a look had shown it, and EC2 says that somebody has them: the look showed the past, because EC2's
 * describes lag behind its answers. Nothing has been taken from anybody.
 */
export class OutdatedLook extends Ec2Error {}

/** Pauses between tries to assign what was just unassigned elsewhere, ms: the release has to spread inside EC2. */
const GAP_PAUSES = [20, 50, 100, 200, 400, 800];

/**
 * Takes IPv6 addresses over from the ENIs on which they have been found (`from` of each action). EC2 has no reassignment for them:
 * unassign there, assign here. An address that has left its ENI meanwhile is not taken from where it is now: {@link OutdatedLook}.
 *
 * The caller has recorded the old ENI, so that a crash in the gap heals: after a restart the claim finds the address free.
 * This is the one call an agent makes on an ENI of another instance.
 * @throws {Ec2Error}
 */
export async function moveIpv6(
  eni: EniId,
  actions: readonly Pick<AssignAction, 'address' | 'from'>[],
  { clock, ec2 }: MoveParts,
  signal: AbortSignal,
): Promise<Assigned> {
  const addresses = actions.map((action) => action.address);
  let freed = false;
  for (const [from, moved] of Map.groupBy(actions, (action) => action.from)) {
    if (from === undefined || from === eni) continue;
    const leaving = moved.map(({ address }) => address);
    freed = (await unassignThere(ec2, from, leaving, signal)) || freed;
  }
  for (const pause of GAP_PAUSES) {
    try {
      return await ec2.assign(eni, addresses, { takeover: true, signal });
    } catch (error) {
      const spreading = error instanceof Ec2Error && ['held-elsewhere', 'rejected', 'conflict'].includes(error.kind);
      if (!spreading || signal.aborted) throw error;
      if (!freed) {
        const { kind, code, message, action, requestId, addresses: named } = error;
        throw new OutdatedLook({ kind, code, message, action, requestId, addresses: named, cause: error });
      }
      await clock.sleep(pause, signal);
    }
  }
  return ec2.assign(eni, addresses, { takeover: true, signal });
}

/** False when they were not there any more. */
async function unassignThere(
  ec2: AddressApi,
  from: EniId,
  addresses: readonly IpAddress[],
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await ec2.unassign(from, addresses, { signal });
    return true;
  } catch (error) {
    // Gone already: somebody else released it between our look and our call.
    if (!(error instanceof Ec2Error) || (error.kind !== 'not-assigned' && error.kind !== 'not-found')) throw error;
    return false;
  }
}
