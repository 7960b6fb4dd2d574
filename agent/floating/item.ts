import type { FloatingIp } from '../../lib/model/floating-ip.ts';
import type {
  AddressRecord,
  ConfiguredAddress,
  ElasticIpView,
  FloatingIpView,
  FloatingSetback,
} from '../../lib/model/floating-ip-plan.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { LeaseHold } from './lease-hold.ts';

/** What this agent remembers of one FloatingIP while it runs. */
export class FloatingItem {
  ip: FloatingIp;
  /** The object as the watch told it last; `ip` runs ahead of it by our own writes. */
  source: FloatingIp;
  /** When its deletion was seen; undefined while it exists. */
  deletedAt: number | undefined;
  readonly hold: LeaseHold;
  /** When this node got the Lease; undefined once the failover is counted. */
  acquiredAt: number | undefined;
  readonly takenAt = new Map<IpAddress, number>();
  readonly setbacks = new Map<IpAddress, FloatingSetback>();
  unfit: FloatingSetback | undefined;
  elasticIp: ElasticIpView | undefined;
  /** Lanes with a step under way. */
  readonly busy = new Set<string>();

  constructor(ip: FloatingIp, openHold: (owner: () => FloatingIp) => LeaseHold) {
    this.ip = ip;
    this.source = ip;
    this.hold = openHold(() => this.ip);
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
      setbacks: this.setbacks,
      unfit: this.unfit,
      elasticIp: this.elasticIp,
    };
  }
}
