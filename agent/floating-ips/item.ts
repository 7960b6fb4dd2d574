import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import type {
  AddressRecord,
  ConfiguredAddress,
  ElasticIpView,
  FloatingBackoff,
  FloatingIpView,
  SuccessorView,
} from '../../lib/model/floating-ips/plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Reason } from '../../lib/model/refusal.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { FailureMemory } from '../../lib/runtime/failure-memory.ts';
import type { LeaseClient } from './lease-client.ts';
import type { FloatingProcess } from './step-parts.ts';

/** What this agent remembers of one FloatingIP while it runs. */
export class FloatingItem {
  ip: FloatingIp;
  /** The object as the watch showed it last; `ip` runs ahead of it by our own writes. */
  source: FloatingIp;
  /** When its deletion was seen; undefined while it exists. */
  deletedAt: number | undefined;
  readonly hold: LeaseClient;
  /** When this node got the Lease; undefined once the failover is counted. */
  acquiredAt: number | undefined;
  /** When this node got the Lease, or this agent saw the object first. */
  heldSince: number;
  readonly takenAt = new Map<IpAddress, number>();
  /** By address. */
  readonly backoffs: FailureMemory<Reason, IpAddress>;
  /** By `spec.elasticIP`. */
  readonly elasticIpBackoffs: FailureMemory<Reason>;
  unfit: FloatingBackoff | undefined;
  elasticIp: ElasticIpView | undefined;
  successor: SuccessorView | undefined;
  /** How many steps are under way. */
  underWay = 0;

  constructor(
    ip: FloatingIp,
    openHold: (owner: () => FloatingIp) => LeaseClient,
    time: { readonly clock: Clock; readonly random: () => number },
  ) {
    this.ip = ip;
    this.source = ip;
    this.heldSince = time.clock.now();
    this.backoffs = new FailureMemory(time);
    this.elasticIpBackoffs = new FailureMemory(time);
    this.hold = openHold(() => this.ip);
  }

  /** EC2 has moved something of the object here. Once for each acquisition of the Lease, however many calls that takes. */
  countFailover({ clock, metrics }: Pick<FloatingProcess, 'clock' | 'metrics'>): void {
    if (this.acquiredAt === undefined) return;
    metrics.floatingIpFailover(this.ip.name, (clock.now() - this.acquiredAt) / 1000);
    this.acquiredAt = undefined;
  }

  view(records: readonly AddressRecord[], configured: readonly ConfiguredAddress[]): FloatingIpView {
    const own = records.filter(({ floatingIp }) => floatingIp === this.ip.name);
    const addresses = new Set([...this.ip.addresses, ...own].map(({ address }) => address));
    return {
      ip: this.ip,
      deletedAt: this.deletedAt,
      lease: this.hold.view,
      renewedAt: this.hold.renewedAt,
      leaseRetryAt: this.hold.retryAt,
      configured: configured.filter(({ address }) => addresses.has(address)),
      records: new Map(own.map((record) => [record.address, record])),
      takenAt: this.takenAt,
      backoffs: this.backoffs.known,
      unfit: this.unfit,
      elasticIp: this.elasticIp,
      heldSince: this.heldSince,
      successor: this.successor,
    };
  }
}
