import type { InitOptions } from '../../lib/config/options.ts';
import type { Claim, ClaimKind } from '../../lib/model/addresses/claim.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { OwnAddresses } from '../../lib/net/own-addresses.ts';
import { type OwnPod, ownClaims } from '../../lib/plan/addresses/own-claims.ts';
import { withOwnRoutes } from '../../lib/plan/routed-ips/own-routes.ts';
import type { KnownEnis, Observed } from '../addresses/reconciler-options.ts';

interface ObservationParts {
  readonly addresses: Pick<OwnAddresses, 'interfaces' | 'synced'>;
  readonly pod: Omit<OwnPod, 'interfaces'>;
  readonly options: Pick<InitOptions, 'interfaceFilter' | 'routeTables' | 'routedIps'>;
}

/** What the pod that this process runs in claims for itself, by the addresses of its interfaces. */
export class PodObservation {
  readonly #parts: ObservationParts;
  /** What the interfaces have when we start came from CNI; what comes later, the pod has added to itself. */
  #fromCni: ReadonlySet<IpAddress> | undefined;
  #latest: Observed | undefined;

  constructor(parts: ObservationParts) {
    this.#parts = parts;
  }

  /** What was observed last, complete only when it is also known which addresses are routed. */
  get latest(): Observed | undefined {
    return this.#latest;
  }

  /** Looks at the interfaces, and takes out what route tables lead here. */
  observe({ enis, describedAt }: KnownEnis): Observed {
    const { addresses, pod, options } = this.#parts;
    const { routeTables, routedIps } = options;
    const { synced: complete } = addresses;
    const interfaces = (name: string) => options.interfaceFilter.test(name);
    const own = ownClaims(addresses.interfaces(), { ...pod, interfaces });
    if (complete) this.#fromCni ??= new Set(own.map(({ address }) => address));
    const drafts = withOwnRoutes(own, { tables: routeTables, addresses: routedIps }, enis);
    const observed: Observed = {
      drafts: drafts.filter(({ routed }) => routed === undefined),
      routed: drafts.filter(({ routed }) => routed !== undefined),
      routeTables,
      refusals: new Map(),
      complete,
    };
    // Which addresses are routed is not known before the ENIs are: what then shows up has not just appeared.
    this.#latest = { ...observed, complete: complete && describedAt !== undefined };
    return observed;
  }

  /** The kind to report of a claim; to decide by, all are the pod's own. */
  kindOf({ address, kind }: Claim): ClaimKind {
    return this.#fromCni?.has(address) ? 'ipam' : kind;
  }
}
