/** Decides whether EC2 takes a call now, or answers RequestLimitExceeded. Taking it may use up a token. */
export interface RateLimit {
  admits(action: string, parameters: ReadonlyMap<string, string>): boolean;
}

export interface BucketSize {
  readonly capacity: number;
  readonly refillPerSecond: number;
}

/** No limit at all, for measurements. */
export const unthrottled: RateLimit = { admits: () => true };

const nonMutating: BucketSize = { capacity: 100, refillPerSecond: 20 };
const unfilteredBucket: BucketSize = { capacity: 50, refillPerSecond: 10 };
const mutating: BucketSize = { capacity: 50, refillPerSecond: 5 };

/** Actions with a bucket size of their own (facts §1.10). */
const listed: Readonly<Record<string, BucketSize>> = {
  AssignPrivateIpAddresses: { capacity: 100, refillPerSecond: 5 },
  UnassignPrivateIpAddresses: { capacity: 100, refillPerSecond: 5 },
  AssignIpv6Addresses: { capacity: 100, refillPerSecond: 5 },
  CreateNetworkInterface: { capacity: 100, refillPerSecond: 5 },
  DeleteNetworkInterface: { capacity: 100, refillPerSecond: 5 },
  ModifyNetworkInterfaceAttribute: { capacity: 100, refillPerSecond: 5 },
  CreateTags: { capacity: 100, refillPerSecond: 10 },
  DeleteTags: { capacity: 100, refillPerSecond: 10 },
};

/** Describes that have a smaller bucket when they name no id, no filter and no page size. */
const dearWhenUnfiltered = new Set(['DescribeInstances', 'DescribeNetworkInterfaces', 'DescribeSecurityGroups']);

export interface ThrottleOptions {
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Multiplies every documented capacity and refill. @default 1 */
  readonly scale?: number;
  /** Sizes by action, instead of the documented ones; not scaled. */
  readonly overrides?: Readonly<Record<string, BucketSize>>;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/**
 * EC2's token buckets of one account and region: one per action, shared by all callers (facts §1.10).
 * Buckets start full; a refused call takes no token.
 */
export class Throttle implements RateLimit {
  readonly #now: () => number;
  readonly #scale: number;
  readonly #overrides: Map<string, BucketSize>;
  readonly #buckets = new Map<string, Bucket>();
  readonly #neighbours = new Map<string, number>();

  constructor(options: ThrottleOptions) {
    this.#now = options.now;
    this.#scale = options.scale ?? 1;
    this.#overrides = new Map(Object.entries(options.overrides ?? {}));
  }

  admits(action: string, parameters: ReadonlyMap<string, string> = new Map()): boolean {
    const bucket = this.#filled(bucketName(action, parameters));
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  /** Gives an action another bucket, full at once. `<Describe…>:unfiltered` names the smaller bucket of a describe. */
  override(action: string, size: BucketSize): void {
    this.#overrides.set(action, size);
    this.#buckets.delete(action);
  }

  /** Somebody else in the account used this many tokens just now. */
  drain(action: string, tokens: number): void {
    const bucket = this.#filled(action);
    bucket.tokens = Math.max(0, bucket.tokens - tokens);
  }

  /** Somebody else in the account calls steadily: that much of the refill is gone. 0 ends it. */
  setNeighbour(action: string, callsPerSecond: number): void {
    this.#filled(action);
    this.#neighbours.set(action, callsPerSecond);
  }

  /** Tokens left in the action's bucket now. */
  level(action: string): number {
    return this.#filled(action).tokens;
  }

  #filled(name: string): Bucket {
    const now = this.#now();
    const { capacity, refillPerSecond } = this.#sizeOf(name);
    const bucket = this.#buckets.get(name) ?? { tokens: capacity, filledAt: now };
    const gained = ((now - bucket.filledAt) / 1000) * (refillPerSecond - (this.#neighbours.get(name) ?? 0));
    bucket.tokens = Math.max(0, Math.min(capacity, bucket.tokens + gained));
    bucket.filledAt = now;
    this.#buckets.set(name, bucket);
    return bucket;
  }

  #sizeOf(name: string): BucketSize {
    const documented = documentedBucket(name);
    const scaled = {
      capacity: documented.capacity * this.#scale,
      refillPerSecond: documented.refillPerSecond * this.#scale,
    };
    return this.#overrides.get(name) ?? scaled;
  }
}

/** The documented bucket of an action (facts §1.10). */
export function documentedBucket(name: string): BucketSize {
  if (name.endsWith(':unfiltered')) return unfilteredBucket;
  return listed[name] ?? (/^(Describe|Get|List)/.test(name) ? nonMutating : mutating);
}

function bucketName(action: string, parameters: ReadonlyMap<string, string>): string {
  if (!dearWhenUnfiltered.has(action)) return action;
  const narrowed = [...parameters.keys()].some((key) =>
    /^(Filter|MaxResults|InstanceId|NetworkInterfaceId)\b/.test(key),
  );
  return narrowed ? action : `${action}:unfiltered`;
}
