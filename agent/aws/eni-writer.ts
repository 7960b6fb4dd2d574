import type { AddressApi } from '../../lib/ec2/api.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';

/** EC2's addresses with one call in flight for each ENI, whoever makes it: pods, FloatingIPs, moves of IPv6 addresses, host-ip. */
export interface EniWriter extends AddressApi {
  /** Asks `act` when the calls on the ENI have ended that are under way or wait now; at once when there is none. */
  afterOthers<T>(eni: EniId, act: () => T | Promise<T>): Promise<T>;
  /**
   * The same, for calls that may stop being right while they wait for their turn: `allowed` is asked right before each leaves. When it says
   * no, nothing is sent: `Ec2Error` of kind `unavailable`.
   */
  fenced(allowed: () => boolean): AddressApi;
}

/** Makes every call that changes an ENI wait until the one before it on this ENI has been answered. Order is that of asking. */
export function oneCallPerEni(ec2: AddressApi): EniWriter {
  const turns = new Map<EniId, Promise<void>>();
  const inTurn = <T>(eni: EniId, act: () => Promise<T>): Promise<T> => {
    const before = turns.get(eni);
    // Nobody waits a turn of the event loop for a free ENI.
    const answer = before === undefined ? act() : before.then(act);
    const turn = answer.then(ignore, ignore).finally(() => {
      if (turns.get(eni) === turn) turns.delete(eni);
    });
    turns.set(eni, turn);
    return answer;
  };
  const writes = (allowed: () => boolean): Pick<AddressApi, 'assign' | 'unassign'> => {
    const check = async (action: string) => {
      if (!allowed()) throw notSent(action);
    };
    return {
      assign: (eni, ...rest) =>
        inTurn(eni, () => check('AssignPrivateIpAddresses').then(() => ec2.assign(eni, ...rest))),
      unassign: (eni, ...rest) =>
        inTurn(eni, () => check('UnassignPrivateIpAddresses').then(() => ec2.unassign(eni, ...rest))),
    };
  };
  const reads: Omit<AddressApi, 'assign' | 'unassign'> = {
    describeEnis: (...args) => ec2.describeEnis(...args),
    findHolders: (...args) => ec2.findHolders(...args),
    vpcNetworks: (...args) => ec2.vpcNetworks(...args),
    instanceOwners: (...args) => ec2.instanceOwners(...args),
  };
  return {
    ...reads,
    ...writes(() => true),
    async afterOthers(eni, act) {
      const others = turns.get(eni);
      if (others !== undefined) await others;
      return act();
    },
    fenced: (allowed) => ({ ...reads, ...writes(allowed) }),
  };
}

function ignore(): void {}

function notSent(action: string): Ec2Error {
  return new Ec2Error({
    kind: 'unavailable',
    code: 'NotAllowed',
    message: 'what asked for this call has changed while it waited for the calls before it',
    action,
  });
}
