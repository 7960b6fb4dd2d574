import type { AddressApi } from '../../lib/ec2/api.ts';
import type { AddressHolder, InstanceOwner, OwnClusters } from '../../lib/model/addresses/holder.ts';
import type { Eni } from '../../lib/model/eni.ts';
import { clustersOf } from '../../lib/model/eni-protection.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { judgeTakeover, type Takeover, type TakeoverRequest } from '../../lib/plan/floating-ips/takeover.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { permitted } from '../aws/permitted.ts';
import type { Fence } from './elastic-ip.ts';

export interface HostHolderLookupParts {
  readonly ec2: AddressApi;
  readonly rateLimit: RateLimit;
  readonly instanceId: string;
  /** Of `--cluster-name`, if it is set. */
  readonly clusterName: string | undefined;
  readonly enis: () => readonly Eni[];
}

export interface Judged {
  readonly takeover: Takeover;
  /** Undefined: no ENI lists the address. */
  readonly holder: AddressHolder | undefined;
}

/** Asks EC2 who has addresses that are about to be taken over, and whose instances these are: one round trip, before each try. */
export class HostHolderLookup {
  readonly #parts: HostHolderLookupParts;
  /** Tags of an instance that name its cluster do not change while it lives. */
  #own: InstanceOwner | undefined;

  constructor(parts: HostHolderLookupParts) {
    this.#parts = parts;
  }

  /** @throws {Ec2Error} when EC2 does not say who has them, or the fence closed during the wait */
  async judge(requests: readonly TakeoverRequest[], fence: Fence): Promise<ReadonlyMap<IpAddress, Judged>> {
    const { ec2, rateLimit, instanceId } = this.#parts;
    const { signal } = fence;
    const addresses = requests.map(({ address }) => address);
    const [holders, owners] = await permitted({ ...fence, rateLimit, priority: 0 }, () =>
      Promise.all([
        ec2.findHolders(addresses, { signal }),
        ec2.instanceOwners({ addresses }, { signal }),
        this.#own === undefined ? this.#learn(instanceId, signal) : undefined,
      ]),
    );
    return new Map(
      requests.map((request) => {
        const holder = holders.get(request.address);
        // One that is not named is not accused.
        const owner = holder?.instanceId === undefined ? undefined : (owners.get(holder.instanceId) ?? 'unanswered');
        return [request.address, { takeover: judgeTakeover(request, holder, owner, this.#clusters()), holder }];
      }),
    );
  }

  async #learn(instanceId: string, signal: AbortSignal): Promise<void> {
    const found = await this.#parts.ec2.instanceOwners({ ids: [instanceId] }, { signal });
    this.#own = found.get(instanceId) ?? 'unanswered';
  }

  #clusters(): OwnClusters {
    const { clusterName, enis } = this.#parts;
    return {
      byInstance: typeof this.#own === 'object' ? clustersOf(this.#own.tags) : [],
      others: [...(clusterName ? [clusterName] : []), ...enis().flatMap(({ tags }) => clustersOf(tags))],
    };
  }
}
