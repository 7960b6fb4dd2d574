import type { EniId } from '../../lib/model/eni.ts';
import type { AddressRecord, Hold, Placement } from '../../lib/model/floating-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { holdOf, isOfHold, isServed } from '../../lib/plan/floating-ips/partial-plan.ts';
import {
  mayHaveLeft,
  type OneCall,
  oneCall,
  type Takeover,
  type TakeoverRequest,
} from '../../lib/plan/floating-ips/takeover.ts';
import { recordKey } from './address-record.ts';
import { assign, type Outcome, outcomeOf, unassign } from './address-writer.ts';
import { HostHolderLookup } from './holder-lookup.ts';
import type { FloatingItem } from './item.ts';
import { INELIGIBLE_MS, type Step, type StepParts } from './step-parts.ts';

/** First and longest pause after a refusal, ms: what somebody else has to decide is asked rarely. */
const SOON = [200, 10_000] as const;
const SLOW = [15_000, 600_000] as const;

/** The steps that change where EC2 has an address. */
export class AddressSteps {
  readonly #parts: StepParts;
  readonly #look: HostHolderLookup;

  constructor(parts: StepParts) {
    this.#parts = parts;
    const { ec2 } = parts;
    this.#look = new HostHolderLookup({ ...ec2, ec2: ec2.addresses, clusterName: ec2.elasticIps.clusterName });
  }

  get #writer() {
    const { process, ec2 } = this.#parts;
    return { clock: process.clock, ec2: ec2.addresses, rateLimit: ec2.rateLimit };
  }

  async take(step: Step<'take'>, item: FloatingItem, holdsLease: () => boolean): Promise<void> {
    const { hold, takeover } = step;
    const { uid } = item.ip;
    const allowed = () => holdsLease() && isSameHold(hold, holdOf(item.hold.view)) && isListed(step, item, uid);
    const takeFrom = takeover ? await this.#takeable(step, item, allowed) : undefined;
    const takeable = step.places.filter(({ address }) => takeFrom === undefined || takeFrom.has(address));
    const { places, held } = oneCall(takeable, takeFrom);
    if (places.length === 0) return;
    const { process, node } = this.#parts;
    const { records } = node;
    const { clock, callSignal: signal } = process;
    const eni = places[0]?.eni ?? '';
    const addresses = places.map(({ address }) => address);
    const startedAt = clock.now();
    const outcome = await assign(this.#writer, { eni, addresses, takeFrom: held, allowed, signal });
    if (outcome.kind !== 'done') {
      // What became of an address that the object no longer lists says nothing about those that it lists now.
      if (isListed(step, item, uid)) this.#notTaken(step, item, { places, held }, outcome);
      return;
    }
    records.put(places.map((place) => recordOf(item, place, hold, 'taken')));
    this.#taken(item, addresses, eni);
    const { requestId, assigned } = outcome;
    // The answer names what had been elsewhere after all.
    const came = isOnly(eni, held) ? addresses.filter((address) => assigned?.includes(address)) : addresses;
    const call = { callMs: clock.now() - startedAt, requestId };
    if (came.length > 0) this.#came(item, { addresses: came, eni }, held ?? new Map(), call);
  }

  #notTaken(
    { hold, takeover }: Step<'take'>,
    item: FloatingItem,
    { places, held }: OneCall,
    outcome: Exclude<Outcome, { kind: 'done' }>,
  ): void {
    const wasHere = isOnly(places[0]?.eni ?? '', held);
    // EC2's views were too late for this takeover: the next look shows the holder.
    const late = takeover && (outcome.reason === 'HeldElsewhere' || (wasHere && outcome.reason === 'RejectedByEc2'));
    // Who had it all along is not somebody who took it after us.
    if (late && (held === undefined || wasHere))
      this.#parts.node.records.put(places.map((place) => recordOf(item, place, hold, 'taking')));
    const addresses = places.map(({ address }) => address);
    this.#backOff(item, addresses, late ? { ...outcome, kind: 'again' } : outcome);
  }

  /** `held`: which ENI has lost each address, as far as one had it. */
  #came(
    item: FloatingItem,
    { addresses, eni }: { readonly addresses: readonly IpAddress[]; readonly eni: EniId },
    held: ReadonlyMap<IpAddress, EniId>,
    call: Readonly<Record<string, unknown>> = {},
  ): void {
    const { process, ec2, objects, node } = this.#parts;
    const { log, metrics } = process;
    const losers = addresses.flatMap((address) => held.get(address) ?? []).filter((id) => id !== eni && id !== '');
    for (const loser of losers) metrics.tookOver('floating-ip', loser);
    const from = [...new Set(losers)].join(', ');
    log.info('took floating IP over', { floatingIp: item.ip.name, addresses, eni, from, ...call });
    objects.recordEvent(item.ip, {
      type: 'Normal',
      reason: 'AddressMoved',
      message: `${addresses.join(', ')} moved${from && ` from ${from}`} to ${eni} of ${node.name}`,
    });
    if (Array.from(held.values()).some((id) => id !== '')) item.countFailover(process);
    ec2.invalidateEnis('a floating IP has come');
  }

  /**
   * Looks who has the addresses before each try, and records what is about to be taken from whom: after a crash they must be looked for.
   * The answer has those that may be taken, each with its ENI, empty for none.
   */
  async #takeable(
    step: Step<'take'>,
    item: FloatingItem,
    allowed: () => boolean,
  ): Promise<ReadonlyMap<IpAddress, EniId>> {
    const { callSignal: signal } = this.#parts.process;
    const { places, hold } = step;
    const { uid } = item.ip;
    const requests = places.map((place) => this.#requestFor(place, hold, item));
    const takeable = new Map<IpAddress, EniId>();
    const judged = await this.#look.judge(requests, { allowed, signal }).catch(outcomeOf);
    if (!isListed(step, item, uid)) return takeable;
    if ('kind' in judged) {
      this.#backOff(
        item,
        requests.map(({ address }) => address),
        judged,
      );
      return takeable;
    }
    for (const [index, place] of places.entries()) {
      const found = judged.get(place.address);
      if (found === undefined) continue;
      const from = requests[index]?.from ?? found.holder?.eni ?? '';
      if (this.#prepare(item, { ...place, from }, hold, found.takeover))
        takeable.set(place.address, found.holder?.eni ?? '');
    }
    return takeable;
  }

  #requestFor({ address, eni }: Placement, hold: Hold, { ip, heldSince }: FloatingItem): TakeoverRequest {
    const before = this.#parts.node.records.get(recordKey({ floatingIp: ip.name, address }));
    const isRetry = isOfHold(before, hold) && before.state === 'taking' && before.eni === eni;
    const from = isRetry ? before.from : undefined;
    const former = { ...hold, acquisition: hold.acquisition - 1 };
    const isOurs = isOfHold(before, former) && before.state === 'taken' && before.eni === eni;
    const stay = { eni, from, isOurs, heldMs: this.#parts.process.clock.now() - heldSince };
    return { address, eni, from, mayHaveLeft: mayHaveLeft(stay), onProtected: ip.interface !== undefined };
  }

  /** Records what the look at the holder means. True: take it. */
  #prepare(
    item: FloatingItem,
    place: Placement & Pick<AddressRecord, 'from'>,
    hold: Hold,
    takeover: Takeover,
  ): boolean {
    const { records } = this.#parts.node;
    const { address } = place;
    switch (takeover.kind) {
      case 'take':
        records.put([recordOf(item, place, hold, 'taking')]);
        return true;
      case 'here':
        records.put([recordOf(item, place, hold, 'taken')]);
        this.#taken(item, [address], place.eni);
        // A call of ours without an answer had been done.
        if (place.from !== place.eni)
          this.#came(item, { addresses: [address], eni: place.eni }, new Map([[address, place.from ?? '']]));
        return false;
      case 'lost': {
        const record = recordOf(item, place, hold, 'lost');
        records.put([record]);
        this.lost(item, record[1], `${takeover.holder} has it`);
        return false;
      }
      case 'refused':
        this.#backOff(item, [address], { kind: 'refused', lasting: true, ...takeover.refusal });
        return false;
    }
  }

  #taken(item: FloatingItem, addresses: readonly IpAddress[], eni: EniId): void {
    const { process, ec2 } = this.#parts;
    ec2.wrote(eni, addresses, true);
    for (const address of addresses) {
      item.takenAt.set(address, process.clock.now());
      item.backoffs.succeeded(address);
    }
    item.unfit = undefined;
  }

  lost({ ip }: FloatingItem, { address, eni }: AddressRecord, detail = 'it was taken away'): void {
    const { process, objects } = this.#parts;
    process.log.warn('a floating IP is not on our ENI any more; standing down', {
      floatingIp: ip.name,
      address,
      eni,
      detail,
    });
    objects.recordEvent(ip, {
      type: 'Warning',
      reason: 'AddressRefused',
      message: `HeldElsewhere: ${address} is not on ${eni} any more (${detail}); it is not taken back`,
    });
  }

  async unassign({ record }: Step<'unassign'>, item: FloatingItem): Promise<void> {
    const { process, node, ec2 } = this.#parts;
    const { records } = node;
    const { log, callSignal: signal } = process;
    const { eni, address } = record;
    // The object may have been made again, or may list the address again, while the call waited.
    const allowed = () =>
      records.get(recordKey(record)) === record &&
      (item.deletedAt !== undefined || !item.ip.addresses.some((listed) => listed.address === address));
    const outcome = await unassign(this.#writer, { eni, addresses: [address], allowed, signal });
    if (outcome.kind !== 'done') return this.#backOff(item, [record.address], outcome);
    records.delete([recordKey(record)]);
    ec2.wrote(eni, [address], false);
    ec2.elasticIps.cache.left(eni, [address]);
    log.info('gave floating IP back', {
      floatingIp: item.ip.name,
      address: record.address,
      eni: record.eni,
      requestId: outcome.requestId,
    });
    ec2.invalidateEnis('a floating IP was given back');
  }

  #backOff(item: FloatingItem, addresses: readonly IpAddress[], outcome: Exclude<Outcome, { kind: 'done' }>): void {
    const { process, ec2, objects } = this.#parts;
    const { clock, log } = process;
    const { kind, reason, message } = outcome;
    const isKnown = addresses.some((address) => item.backoffs.known.get(address)?.reason === reason);
    const pause = kind === 'again' ? SOON : SLOW;
    for (const address of addresses)
      item.backoffs.failed(address, { reason, message: `${address}: ${message}`, pause });
    // Nothing of it is served: another node may be luckier.
    const lasting = outcome.kind === 'refused' && outcome.lasting;
    if (lasting && !this.#servesAny(item))
      item.unfit = { reason, message, until: clock.now() + INELIGIBLE_MS, failures: 1 };
    if (kind === 'refused') ec2.invalidateEnis(`EC2 refused a floating IP: ${reason}`);
    if (isKnown) return;
    log.warn('cannot take floating IP over', { floatingIp: item.ip.name, addresses, reason, message });
    if (kind === 'refused')
      objects.recordEvent(item.ip, { type: 'Warning', reason: 'AddressRefused', message: `${reason}: ${message}` });
  }

  #servesAny({ ip, hold }: FloatingItem): boolean {
    const current = holdOf(hold.view);
    return this.#parts.node.records
      .values()
      .some((record) => record.floatingIp === ip.name && isServed(record, current));
  }
}

/** Nobody else can have had it in between. */
function isSameHold(a: Hold, b: Hold): boolean {
  return a.acquisition === b.acquisition && a.lease === b.lease;
}

/** True while the object that asked for these addresses exists and lists them: it may have been edited, or made again under its name. */
function isListed({ places }: Step<'take'>, { ip, deletedAt }: FloatingItem, uid: string): boolean {
  const isThere = ({ address }: Placement) => ip.addresses.some((listed) => listed.address === address);
  return deletedAt === undefined && ip.uid === uid && places.every(isThere);
}

/** True when a takeover is only to confirm: the look has shown every address on our own ENI. */
function isOnly(eni: EniId, held: ReadonlyMap<IpAddress, EniId> | undefined): boolean {
  return held !== undefined && Array.from(held.values()).every((id) => id === eni);
}

function recordOf(
  { ip: { name, elasticIp } }: FloatingItem,
  place: Placement & Pick<AddressRecord, 'from'>,
  hold: Hold,
  state: AddressRecord['state'],
): [key: string, record: AddressRecord] {
  const record = { ...place, floatingIp: name, ...(elasticIp !== undefined && { elasticIp }), ...hold, state };
  return [recordKey(record), record];
}
