import type { AddressApi } from '../../lib/ec2/api.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import type { FloatingIp, FloatingIpStatus } from '../../lib/model/floating-ip.ts';
import type { AddressRecord, FloatingSetback, FloatingStep } from '../../lib/model/floating-ip-plan.ts';
import { familyOf, type IpAddress } from '../../lib/model/ip.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Budget } from '../../lib/runtime/budget.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { recordKey } from './address-record.ts';
import { assign, type Outcome, unassign } from './ec2-hand.ts';
import { bindElasticIp, type ElasticIpParts, releaseElasticIp } from './elastic-ip.ts';
import type { HostInterfaces } from './host-interfaces.ts';
import type { FloatingItem } from './item.ts';
import { statusFor } from './status-object.ts';

/** Something that the object's owner is told by a Kubernetes Event. */
export interface FloatingEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: 'AddressMoved' | 'AddressReleased' | 'AddressRefused';
  readonly message: string;
}

export interface StepParts {
  readonly clock: Clock;
  readonly wall: () => number;
  readonly random: () => number;
  readonly log: Logger;
  readonly nodeName: string;
  readonly ec2: AddressApi;
  readonly elasticIps: ElasticIpParts;
  readonly budget: Budget;
  readonly host: HostInterfaces;
  readonly records: Journal<AddressRecord>;
  readonly writeStatus: (ip: FloatingIp, status: FloatingIpStatus, exclusive: boolean) => Promise<void>;
  readonly happened: (ip: FloatingIp, event: FloatingEvent) => void;
  readonly doubtEnis: (cause: string) => void;
  readonly callSignal: AbortSignal;
}

type Step<K extends FloatingStep['kind']> = Extract<FloatingStep, { readonly kind: K }>;

/** First and longest pause after a refusal, ms: what somebody else's decision must mend is asked rarely. */
const SOON = { baseMs: 200, maxMs: 10_000 };
const SLOW = { baseMs: 15_000, maxMs: 600_000 };
/** How long a node that cannot take an object leaves it to others, ms. */
const UNFIT_MS = 60_000;

/** Steps of one lane go one after the other; the lanes of one object do not wait for each other. */
export function laneOf(step: FloatingStep): string {
  switch (step.kind) {
    case 'read':
    case 'acquire':
    case 'renew':
    case 'park':
    case 'release':
      return 'lease';
    case 'take':
      return `ec2 ${step.places[0] && familyOf(step.places[0].address)}`;
    case 'mark':
    case 'unassign':
    case 'forget':
      return `ec2 ${familyOf(step.record.address)}`;
    case 'add':
    case 'remove':
      return `interface ${step.place.address}`;
    case 'bind':
    case 'unbind':
      return 'elastic-ip';
    case 'tell':
      return 'status';
  }
}

/** Carries out one step and records what became of it. Never rejects: a failure ends as a setback, or as a later try. */
export class StepPerformer {
  readonly #parts: StepParts;

  constructor(parts: StepParts) {
    this.#parts = parts;
  }

  async perform(step: FloatingStep, item: FloatingItem, sure: () => boolean): Promise<void> {
    const { log, callSignal, nodeName } = this.#parts;
    try {
      await this.#act(step, item, sure);
    } catch (error) {
      if (callSignal.aborted) return;
      const expected = isKubeError(error) && error.status === 409;
      log[expected ? 'debug' : 'warn']('a step for a floating IP failed', {
        step: step.kind,
        floatingIp: step.name,
        node: nodeName,
        error,
      });
      if (step.kind === 'add') this.#cannotConfigure(step, item, error);
      // Reading again at once what cannot be done would be a tight loop: local commands fail for good, not by chance.
      if (laneOf(step) !== 'lease') await this.#parts.clock.sleep(1_000, callSignal);
    }
  }

  async #act(step: FloatingStep, item: FloatingItem, sure: () => boolean): Promise<void> {
    const { host, records, callSignal: signal } = this.#parts;
    switch (step.kind) {
      case 'read':
        return item.hold.read(signal);
      case 'acquire':
        return this.#acquire(item, signal);
      case 'renew':
        return item.hold.renew(signal);
      case 'park':
        return item.hold.park(signal);
      case 'release':
        return this.#release(step, item, signal);
      case 'take':
        return this.#take(step, item, sure);
      case 'unassign':
        return this.#unassign(step, item, signal);
      case 'mark':
        records.put([[recordKey(step.record), step.record]]);
        if (step.record.state === 'lost') this.#lost(item, step.record);
        return;
      case 'forget':
        return records.delete([recordKey(step.record)]);
      case 'add':
        return host.add(step.place, signal);
      case 'remove':
        return host.remove(step.place, signal);
      case 'bind':
        return this.#bind(step, item, signal);
      case 'unbind':
        await releaseElasticIp(this.#parts.elasticIps, step.name, step.source, signal);
        item.elasticIp = undefined;
        return;
      case 'tell':
        return this.#tell(step, item);
    }
  }

  async #acquire(item: FloatingItem, signal: AbortSignal): Promise<void> {
    const { log, nodeName } = this.#parts;
    await item.hold.acquire(signal);
    const { holder, acquisition } = item.hold.view ?? {};
    if (holder === nodeName) log.info('took the lease of a floating IP', { floatingIp: item.ip.name, acquisition });
  }

  async #release(step: Step<'release'>, item: FloatingItem, signal: AbortSignal): Promise<void> {
    const { log, happened, nodeName } = this.#parts;
    await item.hold.release(signal);
    log.info('handed a floating IP over', {
      floatingIp: item.ip.name,
      reason: step.why.reason,
      message: step.why.message,
    });
    happened(item.ip, {
      type: 'Normal',
      reason: 'AddressReleased',
      message: `${nodeName} no longer serves it: ${step.why.message}`,
    });
  }

  async #take({ places, acquisition, takeover }: Step<'take'>, item: FloatingItem, sure: () => boolean): Promise<void> {
    const { clock, log, records, doubtEnis, happened, callSignal: signal, nodeName } = this.#parts;
    const eni = places[0]?.eni ?? '';
    const floatingIp = item.ip.name;
    const addresses = places.map(({ address }) => address);
    const recordsIn = (state: AddressRecord['state']) =>
      places
        .map((place) => ({ ...place, floatingIp, acquisition, state }))
        .map((record) => [recordKey(record), record] as const);
    // Record before act: after a crash the addresses must be looked for. A loss stays recorded while the address is only asked for.
    if (takeover) records.put(recordsIn('taking'));
    const startedAt = clock.now();
    const allowed = () => sure() && item.hold.view?.acquisition === acquisition;
    const outcome = await assign(this.#parts, { eni, addresses, takeover, allowed, signal });
    if (outcome.kind !== 'done') return this.#setBack(item, addresses, outcome);
    records.put(recordsIn('taken'));
    for (const address of addresses) {
      item.takenAt.set(address, clock.now());
      item.setbacks.delete(address);
    }
    item.unfit = undefined;
    log.info('took floating IP over', {
      floatingIp,
      addresses,
      eni,
      callMs: clock.now() - startedAt,
      requestId: outcome.requestId,
    });
    happened(item.ip, {
      type: 'Normal',
      reason: 'AddressMoved',
      message: `${addresses.join(', ')} moved to ${eni} of ${nodeName}`,
    });
    doubtEnis('a floating IP has come');
  }

  #setBack(item: FloatingItem, addresses: readonly IpAddress[], outcome: Exclude<Outcome, { kind: 'done' }>): void {
    const { clock, random, log, happened, doubtEnis } = this.#parts;
    const { kind, reason, message } = outcome;
    const told = addresses.some((address) => item.setbacks.get(address)?.reason === reason);
    for (const address of addresses) {
      const before = item.setbacks.get(address);
      const failures = before?.reason === reason ? before.failures + 1 : 1;
      const until = clock.now() + backoffMs(failures, { ...(kind === 'again' ? SOON : SLOW), random });
      item.setbacks.set(address, { reason, message: `${address}: ${message}`, until, failures });
    }
    // Nothing of it is served: another node may be luckier.
    const lasting = outcome.kind === 'refused' && outcome.lasting;
    if (lasting && !this.#servesAny(item)) item.unfit = { reason, message, until: clock.now() + UNFIT_MS, failures: 1 };
    if (kind === 'refused') doubtEnis(`EC2 refused a floating IP: ${reason}`);
    if (told) return;
    log.warn('cannot take floating IP over', { floatingIp: item.ip.name, addresses, reason, message });
    if (kind === 'refused')
      happened(item.ip, { type: 'Warning', reason: 'AddressRefused', message: `${reason}: ${message}` });
  }

  /** Without the right to change the interface (CAP_NET_ADMIN) this node would hold the address and not serve it. */
  #cannotConfigure({ place }: Step<'add'>, item: FloatingItem, error: unknown): void {
    const message = `cannot put ${place.address} on ${place.device}: ${String(error)}`;
    item.unfit = { reason: 'NoMatchingInterface', message, until: this.#parts.clock.now() + UNFIT_MS, failures: 1 };
  }

  #servesAny({ ip, hold }: FloatingItem): boolean {
    const current = hold.view?.acquisition;
    return this.#parts.records
      .values()
      .some(
        ({ floatingIp, state, acquisition }) => floatingIp === ip.name && state === 'taken' && acquisition === current,
      );
  }

  #lost({ ip }: FloatingItem, { address, eni }: AddressRecord): void {
    const { log, happened } = this.#parts;
    log.warn('a floating IP is no longer on our ENI; standing down', { floatingIp: ip.name, address, eni });
    happened(ip, {
      type: 'Warning',
      reason: 'AddressRefused',
      message: `HeldElsewhere: ${address} was taken from ${eni}; it is not taken back`,
    });
  }

  async #unassign({ record }: Step<'unassign'>, item: FloatingItem, signal: AbortSignal): Promise<void> {
    const { log, records, doubtEnis } = this.#parts;
    const outcome = await unassign(this.#parts, record.eni, record.address, signal);
    if (outcome.kind !== 'done') return this.#setBack(item, [record.address], outcome);
    records.delete([recordKey(record)]);
    log.info('gave floating IP back', {
      floatingIp: item.ip.name,
      address: record.address,
      eni: record.eni,
      requestId: outcome.requestId,
    });
    doubtEnis('a floating IP was given back');
  }

  async #bind({ place, source, acquisition }: Step<'bind'>, item: FloatingItem, signal: AbortSignal): Promise<void> {
    const { clock, log, elasticIps } = this.#parts;
    const target = { floatingIp: item.ip.name, source, privateIp: place.address, eni: place.eni };
    const outcome = await bindElasticIp(elasticIps, target, signal);
    if (outcome.kind === 'bound') {
      item.elasticIp = { acquisition, publicIp: outcome.publicIp, setback: undefined };
      log.info('Elastic IP is on a floating IP', {
        floatingIp: item.ip.name,
        publicIp: outcome.publicIp,
        privateIp: place.address,
      });
      return;
    }
    const setback: FloatingSetback = { ...outcome.refusal, until: clock.now() + outcome.retryMs, failures: 1 };
    item.elasticIp = { acquisition, publicIp: undefined, setback };
    log.warn('Elastic IP of a floating IP refused', { floatingIp: item.ip.name, ...outcome.refusal });
  }

  async #tell({ status: wanted }: Step<'tell'>, item: FloatingItem): Promise<void> {
    const { wall, writeStatus } = this.#parts;
    const { ip } = item;
    const status = statusFor(ip, wanted, wall());
    await writeStatus(ip, status, wanted.exclusive);
    // The watch tells it later; until then this is what we know.
    if (item.ip === ip) item.ip = { ...ip, status };
  }
}
