import { setImmediate as nextTurn } from 'node:timers/promises';
import type { AddressApi } from '../../lib/ec2/api.ts';
import { whyUnconfirmed } from '../../lib/model/addresses/claim.ts';
import {
  type AddressHolder,
  holderText,
  type InstanceOwner,
  type OwnClusters,
  whyNotTake,
} from '../../lib/model/addresses/holder.ts';
import type { ClaimStatus, HolderQuestion, Plan } from '../../lib/model/addresses/plan.ts';
import type { Eni } from '../../lib/model/eni.ts';
import { clustersOf } from '../../lib/model/eni-protection.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { NO_CALL } from '../../lib/runtime/rate-limiter.ts';
import { Refresher } from '../../lib/runtime/refresher.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import type { AddressEvents } from './events.ts';
import type { AddressMemory } from './memory.ts';
import type { AddressEc2, AddressInstance, AddressProcess } from './reconciler-options.ts';

export interface LookUpOptions {
  readonly process: Pick<AddressProcess, 'clock' | 'random'>;
  readonly ec2: Pick<AddressEc2, 'addresses' | 'rateLimit'>;
  readonly instance: AddressInstance;
  readonly memory: AddressMemory;
  readonly events: AddressEvents;
  readonly enis: () => readonly Eni[];
  readonly trigger: () => void;
}

/** More owners than a cluster has nodes are not worth remembering. */
const MAX_OWNERS = 5_000;
/** First and longest pause after a look-up that failed, ms. */
const FAILED = [200, 30_000] as const;

type Holders = ReadonlyMap<IpAddress, AddressHolder>;

/**
 * Finds out who holds addresses: all of them in one read, and whose instances these are beside it. What nobody holds may be assigned;
 * what may be taken over is left to the plan; for the rest the pod's owner learns who holds the address, and the holder is looked up again at a growing pace.
 */
export class HolderLookup {
  readonly #options: LookUpOptions;
  readonly #signal: AbortSignal;
  /** Tags of an instance that name its cluster do not change while it lives, and its id is never used again. */
  readonly #owners = new Map<string, InstanceOwner>();
  readonly #refresher: Refresher<Holders>;
  /** What is asked now, and what the look-up under way was asked. */
  #asked: Plan['lookUp'] = [];
  #sent: Plan['lookUp'] = [];
  #statuses: readonly ClaimStatus[] = [];
  /** The latest plan has calls to send as well. */
  #isBeside = false;

  constructor(options: LookUpOptions, signal: AbortSignal) {
    const { process, ec2, trigger } = options;
    this.#options = options;
    this.#signal = signal;
    this.#refresher = new Refresher(
      {
        ...process,
        permission: { rateLimiter: ec2Limiter(ec2.rateLimit), priority: () => (this.#asked.some(isTaking) ? 0 : 1) },
        pace: { minIntervalMs: 0, pause: () => FAILED },
        read: () => this.#find(),
        on: {
          answer: (holders, askedAt) => this.#taken(holders, askedAt),
          failure: (error) => this.#failed(error),
          end: trigger,
        },
      },
      signal,
    );
  }

  /** Looks up what the latest plan asks for, as soon as it may. */
  request({ lookUp, statuses, actions }: Plan): void {
    this.#asked = lookUp;
    this.#statuses = statuses;
    this.#isBeside = actions.length > 0;
    if (lookUp.length > 0) this.#refresher.request();
  }

  async idle(): Promise<void> {
    await this.#refresher.idle();
  }

  #find(): Promise<Holders> | typeof NO_CALL {
    this.#sent = this.#asked;
    return this.#sent.length === 0 ? NO_CALL : this.#holders(this.#sent);
  }

  #taken(holders: Holders, askedAt: number): void {
    const own = this.#own();
    const statuses = this.#statuses;
    for (const question of this.#sent) this.#judge(question, holders.get(question.address), { askedAt, own, statuses });
  }

  async #holders(lookUp: readonly HolderQuestion[]): Promise<Map<IpAddress, AddressHolder>> {
    const { addresses: api } = this.#options.ec2;
    const { instanceId } = this.#options.instance;
    const options = { signal: this.#signal };
    const addresses = lookUp.map(({ address }) => address);
    const taking = lookUp.filter(isTaking).map(({ address }) => address);
    // The calls of the same plan leave first: none does before all requests that begin in one turn are ready, and these took 3 of the 5 ms
    // between a takeover's plan and its call.
    if (this.#isBeside) await nextTurn();
    // Beside each other: an address that another ENI holds waits for one round trip only.
    const [holders] = await Promise.all([
      api.findHolders(addresses, options),
      taking.length === 0 ? undefined : this.#learn({ addresses: taking }),
      this.#owners.has(instanceId) ? undefined : this.#learn({ ids: [instanceId] }),
    ]);
    // Of addresses that are only waited for, too: they may be taken at once when they appear again. Each instance is asked about once.
    const named = addresses.flatMap((address) => holders.get(address)?.instanceId ?? []);
    const unknown = [...new Set(named)].filter((id) => !this.#owners.has(id));
    if (unknown.length > 0) await this.#learn({ ids: unknown });
    return holders;
  }

  async #learn(query: Parameters<AddressApi['instanceOwners']>[0]): Promise<void> {
    const found = await this.#options.ec2.addresses.instanceOwners(query, { signal: this.#signal });
    if (this.#owners.size > MAX_OWNERS) this.#owners.clear();
    if ('ids' in query) for (const id of query.ids) this.#owners.set(id, 'unanswered');
    for (const [id, owner] of found) this.#owners.set(id, owner);
  }

  #own(): OwnClusters {
    const {
      instance: { instanceId, clusterName },
      enis,
    } = this.#options;
    const instance = this.#owners.get(instanceId);
    return {
      byInstance: typeof instance === 'object' ? clustersOf(instance.tags) : [],
      others: [...(clusterName ? [clusterName] : []), ...enis().flatMap(({ tags }) => clustersOf(tags))],
    };
  }

  #judge(
    { address, purpose }: HolderQuestion,
    holder: AddressHolder | undefined,
    { askedAt, own, statuses }: { askedAt: number; own: OwnClusters; statuses: readonly ClaimStatus[] },
  ): void {
    const { memory } = this.#options;
    if (holder === undefined && purpose === 'wait') memory.foundFree(address);
    if (holder === undefined) return memory.found(address, { askedAt, eni: undefined });
    const owner = holder.instanceId === undefined ? undefined : (this.#owners.get(holder.instanceId) ?? 'unanswered');
    const refusal = whyNotTake(address, holder, owner, own);
    memory.found(address, { askedAt, eni: holder.eni, ...(refusal && { refusal }) });
    if (purpose === 'take' && refusal === undefined) return;
    const message = `${address} is held by ${holderText(holder)}; standing down until it appears here again or is free`;
    const { reason } = refusal ?? { reason: 'HeldElsewhere' as const };
    for (const { claim, state } of statuses) {
      if (claim.address !== address || state === 'assigned') continue;
      if ((claim.provisionalUntil ?? 0) <= askedAt)
        memory.failed(claim, reason, refusal?.message ?? `${message}${whyUnconfirmed(claim)}`);
    }
  }

  /** Whoever waits for the answer goes on waiting: nothing has been decided against anybody. */
  #failed(error: unknown): void {
    const addresses = this.#sent.map(({ address }) => address).join(', ');
    this.#options.events.problem(`cannot find out who holds ${addresses}`, error);
  }
}

function isTaking({ purpose }: HolderQuestion): boolean {
  return purpose === 'take';
}
