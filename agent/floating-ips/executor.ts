import { isKubeError } from '../../lib/kube/kube-error.ts';
import type { FloatingStep } from '../../lib/model/floating-ips/plan.ts';
import { recordKey } from './address-record.ts';
import { AddressSteps } from './address-steps.ts';
import { ElasticIpSteps } from './elastic-ip-steps.ts';
import type { FloatingItem } from './item.ts';
import { statusFor } from './status.ts';
import { INELIGIBLE_MS, laneOf, type Step, type StepParts } from './step-parts.ts';

/** Carries out one step and records what became of it. Never rejects: a failure ends as a back-off, or as a later try. */
export class FloatingIpExecutor {
  readonly #parts: StepParts;
  readonly #addresses: AddressSteps;
  readonly #elasticIps: ElasticIpSteps;

  constructor(parts: StepParts) {
    this.#parts = parts;
    this.#addresses = new AddressSteps(parts);
    this.#elasticIps = new ElasticIpSteps(parts);
  }

  async perform(step: FloatingStep, item: FloatingItem, holdsLease: () => boolean): Promise<void> {
    const { process, node } = this.#parts;
    const { clock, log, callSignal } = process;
    try {
      await this.#act(step, item, holdsLease);
    } catch (error) {
      if (callSignal.aborted) return;
      const expected = isKubeError(error) && error.status === 409;
      log[expected ? 'debug' : 'warn']('a step for a floating IP failed', {
        step: step.kind,
        floatingIp: step.name,
        node: node.name,
        error,
      });
      if (step.kind === 'add') this.#cannotConfigure(step, item, error);
      // Reading again at once what cannot be done would be a tight loop: local commands fail for good, not by chance.
      if (laneOf(step) !== 'lease') await clock.sleep(1_000, callSignal);
    }
  }

  async #act(step: FloatingStep, item: FloatingItem, holdsLease: () => boolean): Promise<void> {
    const { host, records } = this.#parts.node;
    const { callSignal: signal } = this.#parts.process;
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
      case 'find-successor':
        return this.#findSuccessor(item, signal);
      case 'take':
        return this.#addresses.take(step, item, holdsLease);
      case 'unassign':
        return this.#addresses.unassign(step, item);
      case 'record':
        records.put([[recordKey(step.record), step.record]]);
        if (step.record.state === 'lost') this.#addresses.lost(item, step.record);
        return;
      case 'forget':
        return records.delete([recordKey(step.record)]);
      case 'add':
        return host.add(step.place, signal);
      case 'remove':
        return host.remove(step.place, signal);
      case 'bind':
        return this.#elasticIps.bind(step, item, holdsLease);
      case 'unbind':
        return this.#elasticIps.unbind(item);
      case 'write-status':
        return this.#writeStatus(step, item);
    }
  }

  async #acquire(item: FloatingItem, signal: AbortSignal): Promise<void> {
    const { process, node } = this.#parts;
    await item.hold.acquire(signal);
    const { holder, acquisition } = item.hold.view ?? {};
    if (holder !== node.name) return;
    item.acquiredAt = process.clock.now();
    item.heldSince = item.acquiredAt;
    process.log.info('took the lease of a floating IP', { floatingIp: item.ip.name, acquisition });
  }

  async #findSuccessor(item: FloatingItem, signal: AbortSignal): Promise<void> {
    const { process, objects } = this.#parts;
    const askedAt = process.clock.now();
    // Until the answer is there, and when there is none, nobody is known to be ready.
    item.successor = { askedAt, exists: false };
    item.successor = { askedAt, exists: await objects.hasSuccessor(item.ip, signal) };
  }

  async #release(step: Step<'release'>, item: FloatingItem, signal: AbortSignal): Promise<void> {
    const { process, objects, node } = this.#parts;
    await item.hold.release(signal);
    process.log.info('handed a floating IP over', {
      floatingIp: item.ip.name,
      reason: step.why.reason,
      message: step.why.message,
    });
    objects.recordEvent(item.ip, {
      type: 'Normal',
      reason: 'AddressReleased',
      message: `${node.name} no longer serves it: ${step.why.message}`,
    });
  }

  /** Without the right to change the interface (CAP_NET_ADMIN) this node would hold the address and not serve it. */
  #cannotConfigure({ place }: Step<'add'>, item: FloatingItem, error: unknown): void {
    const message = `cannot put ${place.address} on ${place.device}: ${String(error)}`;
    item.unfit = {
      reason: 'NoMatchingInterface',
      message,
      until: this.#parts.process.clock.now() + INELIGIBLE_MS,
      failures: 1,
    };
  }

  async #writeStatus({ status: wanted }: Step<'write-status'>, item: FloatingItem): Promise<void> {
    const { process, objects } = this.#parts;
    const { ip } = item;
    const status = statusFor(ip, wanted, process.wall());
    await objects.writeStatus(ip, status, wanted.exclusive);
    // The watch says it later; until then this is what we know.
    if (item.ip === ip) item.ip = { ...ip, status };
  }
}
