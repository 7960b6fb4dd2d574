import type { Plan } from '../../lib/model/addresses/plan.ts';
import type { NodeSnapshot } from '../../lib/model/addresses/snapshot.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Cidr } from '../../lib/model/ip.ts';
import { NO_CALL } from '../../lib/runtime/rate-limiter.ts';
import { Refresher } from '../../lib/runtime/refresher.ts';
import { ec2Limiter } from '../aws/rate-limiter.ts';
import type { AddressEc2, AddressProcess } from './reconciler-options.ts';

export interface VpcNetworksOptions {
  readonly process: Pick<AddressProcess, 'clock' | 'random'>;
  readonly ec2: Pick<AddressEc2, 'addresses' | 'rateLimit'>;
  readonly trigger: () => void;
}

/** Subnets are added rarely: what is left out because of them is judged again so often, ms. Two reads per hour, and only where needed. */
const AGE_MS = 1_800_000;
/** First and longest pause after a failure that passes, and after one that a human must fix, ms. */
const PASSING = [500, 60_000] as const;
const LASTING = [2 * AGE_MS, 2 * AGE_MS] as const;

/** Which networks the VPC has; asked of EC2 only when a claim fits no ENI of the node, and kept. */
export class VpcNetworks {
  readonly #refresher: Refresher<readonly Cidr[]>;
  #known: NodeSnapshot['vpcNetworks'] = 'unasked';
  #isWanted = false;

  constructor({ process, ec2, trigger }: VpcNetworksOptions, signal: AbortSignal) {
    this.#refresher = new Refresher<readonly Cidr[]>(
      {
        ...process,
        permission: { rateLimiter: ec2Limiter(ec2.rateLimit), priority: () => 1 },
        pace: { minIntervalMs: AGE_MS, pause: (error) => (isPassing(error) ? PASSING : LASTING) },
        read: (reading) => (this.#isWanted ? ec2.addresses.vpcNetworks({ signal: reading }) : NO_CALL),
        on: {
          // A VPC with an instance has subnets: an empty answer says nothing.
          answer: (networks) => (this.#known = networks.length === 0 ? 'unknown' : networks),
          failure: (error) => {
            if (!isPassing(error) && this.#known === 'unasked') this.#known = 'unknown';
          },
          end: trigger,
        },
      },
      signal,
    );
  }

  get known(): NodeSnapshot['vpcNetworks'] {
    return this.#known;
  }

  request({ askNetworks, leftOut }: Plan): void {
    this.#isWanted = askNetworks || leftOut.length > 0;
    if (this.#isWanted) this.#refresher.request();
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof Ec2Error && ['throttled', 'unavailable', 'unknown-outcome'].includes(error.kind);
}
