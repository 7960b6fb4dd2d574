import type { AllocateRequest, ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import type { ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { ElasticIpCache } from './cache.ts';

export interface Association {
  readonly eni: EniId;
  readonly privateIp: IpAddress;
  /** See `ElasticIpApi.associate`. */
  readonly allowReassociation: boolean;
}

/** The Elastic IP as it is after a call, and the call's id. */
export interface Changed {
  readonly eip: ElasticIp;
  readonly requestId?: string | undefined;
}

/**
 * The calls that change an Elastic IP, for pods and for FloatingIPs. What EC2 has accepted is in the cache that both share before anybody
 * decides again, because describes lag. Single attempts; @throws {Ec2Error}
 */
export class ElasticIpCalls {
  readonly #ec2: ElasticIpApi;
  readonly #cache: ElasticIpCache;

  constructor(ec2: ElasticIpApi, cache: ElasticIpCache) {
    this.#ec2 = ec2;
    this.#cache = cache;
  }

  /** The tags travel in the call: an EIP whose reply is lost is found again by them. */
  async allocate(request: AllocateRequest, signal: AbortSignal): Promise<Changed> {
    const eip = await this.#ec2.allocate(request, { signal });
    this.#cache.changed(eip.allocationId, eip);
    return { eip };
  }

  async tag(eip: ElasticIp, tags: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Changed> {
    await this.#ec2.tag([eip.allocationId], tags, { signal });
    return this.#now(eip, { ...eip, tags: { ...eip.tags, ...tags } });
  }

  async untag(eip: ElasticIp, keys: readonly string[], signal: AbortSignal): Promise<Changed> {
    await this.#ec2.untag([eip.allocationId], keys, { signal });
    const tags = Object.fromEntries(Object.entries(eip.tags).filter(([key]) => !keys.includes(key)));
    return this.#now(eip, { ...eip, tags });
  }

  /** Another EIP that was there has been pushed off; it stays allocated (EC2 AssociateAddress). */
  async associate(eip: ElasticIp, target: Association, signal: AbortSignal): Promise<Changed> {
    const { allocationId } = eip;
    const { eni, privateIp } = target;
    const { associationId, requestId } = await this.#ec2.associate({ allocationId, ...target }, { signal });
    const isThere = ({ association }: ElasticIp) => association?.eni === eni && association.privateIp === privateIp;
    for (const other of this.#cache.eips.filter(isThere))
      if (other.allocationId !== allocationId) this.#now(other, { ...other, association: undefined });
    return this.#now(eip, { ...eip, association: { associationId, eni, privateIp } }, requestId);
  }

  /** Ends this very pairing: if somebody has paired the EIP again meanwhile, the call hurts nobody. */
  async disassociate(eip: ElasticIp, associationId: string, signal: AbortSignal): Promise<Changed> {
    const { requestId } = await this.#ec2.disassociate(associationId, { signal });
    return this.#now(eip, { ...eip, association: undefined }, requestId);
  }

  async release(eip: ElasticIp, signal: AbortSignal): Promise<Pick<Changed, 'requestId'>> {
    const { requestId } = await this.#ec2.release(eip.allocationId, { signal });
    this.#cache.changed(eip.allocationId, undefined, eip);
    return { requestId };
  }

  #now(was: ElasticIp, eip: ElasticIp, requestId?: string): Changed {
    this.#cache.changed(eip.allocationId, eip, was);
    return { eip, requestId };
  }
}
