import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import { type IpAddress, ip, parseIp } from '../../lib/model/ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import { bindElasticIp, eipsOf, type Fence, giveBack, retain } from './elastic-ip.ts';
import type { FloatingItem } from './item.ts';
import type { Step, StepParts } from './step-parts.ts';

/** First and longest pause after a refusal, ms. */
const SOON = [2_000, 60_000] as const;
const SLOW = [15_000, 600_000] as const;
/** Of an object that asks for no Elastic IP: nothing is bound there. */
const NOWHERE = ip('0.0.0.0');

/** The steps about the Elastic IP of an object. */
export class ElasticIpSteps {
  readonly #parts: StepParts;

  constructor(parts: StepParts) {
    this.#parts = parts;
  }

  async bind(step: Step<'bind'>, item: FloatingItem, holdsLease: () => boolean): Promise<void> {
    const { process, ec2 } = this.#parts;
    const { log, callSignal: signal } = process;
    const { place, source, acquisition } = step;
    const { name, uid } = item.ip;
    const target = {
      name,
      uid,
      source,
      privateIp: place?.address ?? NOWHERE,
      eni: place?.eni ?? '',
      publicIpInStatus: publicIpInStatusOf(item),
    };
    const allowed = () =>
      holdsLease() &&
      item.hold.view?.acquisition === acquisition &&
      item.deletedAt === undefined &&
      item.ip.uid === uid &&
      item.ip.elasticIp === source;
    const outcome = await bindElasticIp(ec2.elasticIps, target, { allowed, signal });
    // An object of the same name may have come in between, and knows nothing of this one.
    if (item.ip.uid !== uid) return;
    if (outcome.kind === 'refused') return this.#refuse(item, step, outcome.refusal, outcome.soon);
    const { publicIp } = outcome;
    item.elasticIpBackoffs.keep(new Set());
    item.elasticIp = { acquisition, source, publicIp, backoff: undefined };
    const text = publicIp === undefined ? 'a floating IP has no Elastic IP any more' : 'Elastic IP is on a floating IP';
    log.info(text, { floatingIp: name, publicIp, privateIp: place?.address });
  }

  #refuse(item: FloatingItem, step: Pick<Step<'bind'>, 'source' | 'acquisition'>, refusal: Refusal, soon: boolean) {
    const { log } = this.#parts.process;
    const { source, acquisition } = step;
    const key = source ?? '';
    item.elasticIpBackoffs.keep(new Set([key]));
    const backoff = item.elasticIpBackoffs.failed(key, { ...refusal, pause: soon ? SOON : SLOW });
    const { reason, message, failures } = backoff;
    item.elasticIp = { acquisition, source, publicIp: undefined, backoff };
    if (failures === 1) log.warn('Elastic IP of a floating IP refused', { floatingIp: item.ip.name, reason, message });
  }

  /** Gives back what the deleted object had. What becomes of it while an object of the same name comes is that one's to see to. */
  async unbind(item: FloatingItem): Promise<void> {
    const { callSignal: signal } = this.#parts.process;
    const { uid, elasticIp: source } = item.ip;
    const isSame = () => item.ip.uid === uid;
    try {
      await this.#giveBack(item.ip, publicIpInStatusOf(item), {
        allowed: () => item.deletedAt !== undefined && isSame(),
        signal,
      });
      if (isSame()) item.elasticIp = { acquisition: 0, source: undefined, publicIp: undefined, backoff: undefined };
    } catch (error) {
      if (signal.aborted || !isSame()) return;
      const refusal = { reason: 'Ec2Unavailable', message: String(error) } as const;
      this.#refuse(item, { source, acquisition: 0 }, refusal, true);
    }
  }

  /**
   * The object is gone; whether with its definition, the API server says: what is then kept is the operator's to release. It is asked after EC2:
   * by then nothing that EC2 showed under this name belongs to a later object, which this node's watch may not show yet.
   */
  async #giveBack({ name, uid }: FloatingIp, publicIpInStatus: IpAddress | undefined, fence: Fence): Promise<void> {
    const { process, ec2, objects } = this.#parts;
    const { clusterName } = ec2.elasticIps;
    if (!clusterName) return;
    const owner = { clusterName, name, uid };
    const eips = await eipsOf(ec2.elasticIps, { ...owner, publicIpInStatus }, fence);
    if (eips.length === 0) return;
    const existence = await objects.existenceOf(name, fence.signal);
    // The watch is late; it will show that.
    if (existence === 'exists') throw new Error(`FloatingIP ${name} exists again`);
    if (existence === 'deleted') await giveBack(ec2.elasticIps, owner, eips, fence);
    else await retain(ec2.elasticIps, eips, fence);
    const text =
      existence === 'deleted'
        ? 'gave the Elastic IP of a deleted floating IP back'
        : 'keeping an Elastic IP: the definition of FloatingIPs was removed';
    for (const { publicIp, allocationId } of eips) process.log.info(text, { floatingIp: name, publicIp, allocationId });
  }
}

/** The public address that an earlier holder may have written. Once this one has seen to the Elastic IP itself, it knows better. */
function publicIpInStatusOf({ ip, elasticIp, hold }: FloatingItem): IpAddress | undefined {
  const isKnown = elasticIp?.acquisition === hold.view?.acquisition && elasticIp?.backoff === undefined;
  return elasticIp !== undefined && isKnown ? undefined : parseIp(ip.status.publicIp);
}
