import type { KnownRoom } from '../../lib/model/eni-objects/plan.ts';
import type { NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import type { KnownNetworks, KnownUsers, NodeEniPlan, NodeEniSnapshot } from '../../lib/model/node-enis/plan.ts';
import { LEGACY_TAG, NODE_ENI_TAG } from '../../lib/model/node-enis/tags.ts';
import type { Ending } from '../../lib/model/retention.ts';
import type { RateLimiter } from '../../lib/runtime/rate-limiter.ts';
import { NetworkInterfaceCache } from '../eni-objects/cache.ts';
import type { TermProcess } from '../process.ts';
import { BatchedRead } from './batched-read.ts';
import type { NodeEniAccess, NodeEniEc2 } from './reconciler.ts';

export interface NodeEniFactsParts {
  readonly process: Pick<TermProcess, 'clock' | 'random' | 'log'>;
  readonly ec2: NodeEniEc2;
  readonly rateLimiter: RateLimiter;
  readonly clusterName: string;
  readonly objects: Pick<NodeEniAccess, 'usersOf' | 'endingOf'>;
  readonly trigger: () => void;
}

/** Describes are shared by all nodes that join within this time, ms. */
const EC2_INTERVAL_MS = 200;
const KUBE_INTERVAL_MS = 100;

type Facts = Pick<
  NodeEniSnapshot,
  'interfaces' | 'interfacesAt' | 'touchedAt' | 'rooms' | 'networks' | 'users' | 'endings'
>;

/** What EC2 and the API server answered to the plan's questions, each kind read by one question at a time. */
export class NodeEniFacts {
  readonly cache: NetworkInterfaceCache;
  readonly #rooms = new Map<string, KnownRoom>();
  readonly #users = new Map<string, KnownUsers>();
  readonly #endings = new Map<string, Ending>();
  #networks: KnownNetworks | undefined;
  #withGroups = false;
  #withLegacy = false;
  /** The interfaces at hand include those of the replaced controller. */
  #hasLegacy = false;
  readonly #reads: {
    readonly rooms: BatchedRead<string>;
    readonly networks: BatchedRead<string>;
    readonly users: BatchedRead<string>;
    readonly endings: BatchedRead<NodeEni>;
  };

  constructor(parts: NodeEniFactsParts, signal: AbortSignal) {
    const { process, objects, rateLimiter, trigger } = parts;
    const { clock, random, log } = process;
    const { interfaces: ec2, networks: api, rateLimit } = parts.ec2;
    this.cache = new NetworkInterfaceCache(
      {
        clock,
        random,
        rateLimit,
        trigger,
        ec2,
        describe: (until) => this.#describe(parts, until),
        onProblem: (message, error) => log.warn(message, { error }),
      },
      signal,
    );
    const read = <Key>(
      what: string,
      [minIntervalMs, limiter]: readonly [number, RateLimiter | undefined],
      ask: (keys: readonly Key[], askedAt: number) => Promise<void>,
    ) =>
      new BatchedRead<Key>(
        {
          clock,
          random,
          rateLimiter: limiter,
          minIntervalMs,
          ask,
          onAnswer: trigger,
          onProblem: (error) => log.warn(`cannot read ${what} for NodeENIs`, { error }),
        },
        signal,
      );
    const ofEc2 = [EC2_INTERVAL_MS, rateLimiter] as const;
    const ofKube = [KUBE_INTERVAL_MS, undefined] as const;
    const options = { signal };
    this.#reads = {
      rooms: read('instances', ofEc2, async (ids, at) => {
        const found = await ec2.rooms(ids, options);
        for (const id of ids) this.#rooms.set(id, { room: found.get(id), at });
      }),
      networks: read('subnets and security groups', ofEc2, async (vpcs, at) => {
        const groups = this.#withGroups ? api.securityGroups(vpcs, options) : Promise.resolve(undefined);
        const [subnets, found] = await Promise.all([api.subnets(vpcs, options), groups]);
        this.#networks = { subnets, groups: found, vpcIds: new Set(vpcs), at };
      }),
      users: read('the pods of a node', ofKube, async (names, at) => {
        const found = await Promise.all(names.map(async (name) => [name, await objects.usersOf(name)] as const));
        for (const [name, pods] of found) this.#users.set(name, { pods, at });
      }),
      endings: read('why an object is deleted', ofKube, async (deleted) => {
        const found = await Promise.all(
          deleted.map(async (object) => [object.uid, await objects.endingOf(object)] as const),
        );
        for (const [uid, ending] of found) this.#endings.set(uid, ending);
      }),
    };
  }

  /** What is known for a plan about these objects. A describe that looked for less than they may have counts as none. */
  knownFor(objects: readonly NodeEni[]): Facts {
    this.#withLegacy = objects.some(({ dialect }) => dialect !== 'own');
    const { interfaces, readAt, touchedAt } = this.cache;
    return {
      interfaces,
      interfacesAt: this.#withLegacy && !this.#hasLegacy ? undefined : readAt,
      touchedAt,
      rooms: this.#rooms,
      networks: this.#networks,
      users: this.#users,
      endings: this.#endings,
    };
  }

  /** Asks what the plan lacked. */
  request(
    { interfaces, rooms, networks, groups, users, endings }: NodeEniPlan['read'],
    objects: readonly NodeEni[],
  ): void {
    this.#withGroups = groups;
    if (interfaces) this.readInterfaces();
    this.#reads.rooms.request(rooms);
    this.#reads.networks.request(networks);
    this.#reads.users.request(users);
    this.#reads.endings.request(endings);
    for (const uid of this.#endings.keys())
      if (!objects.some((object) => object.uid === uid)) this.#endings.delete(uid);
  }

  /** An interface of ours has taken an address of a subnet since the subnets were read. */
  took(subnetId: string): void {
    if (this.#networks === undefined) return;
    const subnets = this.#networks.subnets.map((subnet) =>
      subnet.id === subnetId ? { ...subnet, freeAddresses: subnet.freeAddresses - 1 } : subnet,
    );
    this.#networks = { ...this.#networks, subnets };
  }

  readInterfaces(): void {
    this.cache.request();
  }

  async idle(): Promise<void> {
    await Promise.all([this.cache.idle(), ...Object.values(this.#reads).map((read) => read.idle())]);
  }

  /** Ours by their tags; those of the replaced controller, too, while there is an object of its kind. */
  async #describe({ ec2: { interfaces: ec2 }, clusterName }: NodeEniFactsParts, signal: AbortSignal) {
    const ours = ec2.describe(
      { tags: { [NODE_ENI_TAG.cluster]: clusterName }, tagKeys: [NODE_ENI_TAG.uid] },
      { signal },
    );
    if (!this.#withLegacy) {
      this.#hasLegacy = false;
      return ours;
    }
    const legacy = ec2.describe({ tags: { [LEGACY_TAG.manager]: LEGACY_TAG.managerValue } }, { signal });
    const found = (await Promise.all([ours, legacy])).flat();
    this.#hasLegacy = true;
    return [...new Map(found.map((facts) => [facts.id, facts])).values()];
  }
}
