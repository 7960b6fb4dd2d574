import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import type { ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { EipStep } from '../../lib/model/elastic-ips/plan.ts';
import type { ElasticIpCache } from './cache.ts';

type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What a step asks of EC2, whoever asks for it. */
export type EipCall = Without<EipStep, 'key' | 'claim' | 'owner'>;

/** The Elastic IP as it is after a call, undefined when it was released; and the call's id. */
export interface Changed {
  readonly eip: ElasticIp | undefined;
  readonly requestId?: string | undefined;
}

/**
 * The calls that change an Elastic IP, for pods, objects and FloatingIPs. What EC2 has accepted is in the process's cache before anybody decides
 * again, because describes lag. Single attempts.
 */
export class ElasticIpCalls {
  readonly #ec2: ElasticIpApi;
  readonly #cache: Pick<ElasticIpCache, 'eips' | 'changed'>;

  constructor(ec2: ElasticIpApi, cache: Pick<ElasticIpCache, 'eips' | 'changed'>) {
    this.#ec2 = ec2;
    this.#cache = cache;
  }

  /** @throws {Ec2Error} */
  async perform(step: EipCall, signal: AbortSignal): Promise<Changed> {
    switch (step.kind) {
      case 'allocate': {
        // The tags travel in the call: an EIP whose reply is lost is found again by them.
        const eip = await this.#ec2.allocate({ pool: step.pool, tags: step.tags }, { signal });
        this.#cache.changed(eip.allocationId, eip);
        return { eip };
      }
      case 'associate':
        return this.#associate(step, signal);
      case 'tag': {
        const { eip, tags } = step;
        await this.#ec2.tag([eip.allocationId], tags, { signal });
        return this.#now(eip, { ...eip, tags: { ...eip.tags, ...tags } });
      }
      case 'untag': {
        const { eip, tags: keys } = step;
        await this.#ec2.untag([eip.allocationId], keys, { signal });
        const tags = Object.fromEntries(Object.entries(eip.tags).filter(([key]) => !keys.includes(key)));
        return this.#now(eip, { ...eip, tags });
      }
      case 'disassociate': {
        // Ends this very pairing: if somebody has paired the EIP again meanwhile, the call hurts nobody.
        const { eip, associationId } = step;
        const { requestId } = await this.#ec2.disassociate(associationId, { signal });
        return this.#now(eip, { ...eip, association: undefined }, requestId);
      }
      case 'release': {
        const { requestId } = await this.#ec2.release(step.eip.allocationId, { signal });
        this.#cache.changed(step.eip.allocationId, undefined, step.eip);
        return { eip: undefined, requestId };
      }
    }
  }

  /** Another EIP that was there has been pushed off; it stays allocated (EC2 AssociateAddress). */
  async #associate(step: EipCall & { readonly kind: 'associate' }, signal: AbortSignal): Promise<Changed> {
    const { eip, eni, privateIp, allowReassociation } = step;
    const { allocationId } = eip;
    const request = { allocationId, eni, privateIp, allowReassociation };
    const { associationId, requestId } = await this.#ec2.associate(request, { signal });
    const isThere = ({ association }: ElasticIp) => association?.eni === eni && association.privateIp === privateIp;
    for (const other of this.#cache.eips.filter(isThere))
      if (other.allocationId !== allocationId) this.#now(other, { ...other, association: undefined });
    return this.#now(eip, { ...eip, association: { associationId, eni, privateIp } }, requestId);
  }

  #now(was: ElasticIp, eip: ElasticIp, requestId?: string): Changed {
    this.#cache.changed(eip.allocationId, eip, was);
    return { eip, requestId };
  }
}
