/** Measurements of one address's way: each adapter and loop takes only the part of {@link Metrics} that it feeds. */
export interface AddressMetrics {
  /** EC2 accepted an address; `seconds` since it was first seen on this node. */
  assigned(claimKind: string, seconds: number): void;
  /** An address changed hands or state, e.g. `moved`, `released`, `lost`. */
  changed(change: 'assigned' | 'moved' | 'released' | 'lost'): void;
  /** An address was taken from another ENI by force: for whom (a claim's kind, `floating-ip`, `host-ip`), and from which ENI, if known. */
  tookOver(cause: string, from: string | undefined): void;
  /** Claims there are now, by kind; kinds left out count 0. */
  claims(byKind: Readonly<Record<string, number>>): void;
  /** Addresses refused now, by reason; reasons left out count 0. */
  refusals(byReason: Readonly<Record<string, number>>): void;
  /** Claims whose address is not on its ENI yet and not refused. */
  pending(count: number): void;
  /** Elastic IPs that pods of this node ask for now. */
  elasticIps(now: ElasticIpLevels): void;
  /** Entries of the ledger, by state. */
  ledger(byState: Readonly<Record<string, number>>): void;
  /** For each file of the state folder whether it fails: see the catalogue. */
  stateFaults(byFile: Readonly<Record<string, number>>): void;
  /** Slots of every ENI of the node; ENIs left out are forgotten. */
  slots(enis: readonly SlotUse[]): void;
}

export interface ElasticIpLevels {
  /** Claims by the dialect in which they are written. */
  readonly byDialect: Readonly<Record<string, number>>;
  readonly bound: number;
  readonly refusedByReason: Readonly<Record<string, number>>;
}

/** Address slots of one family on one ENI. `limit` undefined: not known for this instance type. */
export interface SlotUse {
  readonly eni: string;
  readonly family: 4 | 6;
  readonly used: number;
  readonly limit: number | undefined;
}

/** Addresses that route tables lead here. */
export interface RouteMetrics {
  /** A route changed hands or state in one table. */
  routeChanged(change: 'written' | 'moved' | 'removed' | 'lost'): void;
  /** EC2 accepted a route; `seconds` since its address was first seen on this node. */
  routed(seconds: number): void;
  /** Routes there are now, one for each table, by state; states left out count 0. */
  routes(byState: Readonly<Record<string, number>>): void;
}

export interface Ec2Metrics {
  /** One call ended; `code` is EC2's error code (or the network fault's), undefined on success. */
  ec2Call(action: string, seconds: number, code?: string): void;
  /** EC2 answered with these facts just now, e.g. `enis`, `elastic-ips`. */
  ec2Facts(facts: string): void;
  /** Where to read, at a scrape, how much EC2's rate limit leaves. */
  ec2Limit(read: () => RateLimitLevels): void;
}

export interface RateLimitLevels {
  /** Calls that may leave at once. */
  readonly tokens: number;
  /** Calls that wait for permission. */
  readonly waiting: number;
}

export interface FloatingIpMetrics {
  /** This node serves a FloatingIP that another node served before, `seconds` after it got the Lease. */
  floatingIpFailover(name: string, seconds: number): void;
}

export interface KubeMetrics {
  /** The watch of this resource gave a sign of life (event, bookmark or a fresh list) just now. */
  watchAlive(resource: string): void;
  /** The watch of this resource had to start again, e.g. `expired`, `closed`, `silent`, `failed`. */
  watchRestarted(resource: string, cause: string): void;
  leaseHeld(lease: string, held: boolean): void;
  /** A Kubernetes Event was not written, e.g. `spam`, `queue-full`, `failed`. */
  eventDropped(cause: string): void;
}

export interface ControllerMetrics {
  /** Elastic IPs of the account that count towards its quota; `allowed` undefined: Service Quotas does not say. */
  elasticIpQuota(used: number, allowed: number | undefined): void;
  /** Things in EC2 with this cluster's tags whose owner is gone. */
  orphans(count: number): void;
  /** Interfaces of NodeENIs by their state in the status. */
  nodeEnis(byState: Readonly<Record<string, number>>): void;
}

export interface LoopMetrics {
  /** How many reconciles of this loop have failed in a row; 0 after one that did not. */
  reconcilesFailed(loop: string, inARow: number): void;
}

/** Where measurements go. Cheap enough for every call; never throws. */
export interface Metrics
  extends AddressMetrics,
    RouteMetrics,
    Ec2Metrics,
    FloatingIpMetrics,
    KubeMetrics,
    ControllerMetrics,
    LoopMetrics {}

/** Drops every measurement. */
export const noMetrics: Metrics = {
  assigned: () => undefined,
  changed: () => undefined,
  tookOver: () => undefined,
  claims: () => undefined,
  refusals: () => undefined,
  pending: () => undefined,
  elasticIps: () => undefined,
  ledger: () => undefined,
  stateFaults: () => undefined,
  slots: () => undefined,
  routeChanged: () => undefined,
  routed: () => undefined,
  routes: () => undefined,
  ec2Call: () => undefined,
  ec2Facts: () => undefined,
  ec2Limit: () => undefined,
  floatingIpFailover: () => undefined,
  watchAlive: () => undefined,
  watchRestarted: () => undefined,
  leaseHeld: () => undefined,
  eventDropped: () => undefined,
  elasticIpQuota: () => undefined,
  orphans: () => undefined,
  nodeEnis: () => undefined,
  reconcilesFailed: () => undefined,
};
