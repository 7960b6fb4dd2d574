import type { Option } from './option.ts';
import { duration } from './value-type.ts';

/** How the replicas of the controller choose their leader. */
export const CONTROLLER_OPTIONS = {
  leaseDurationMs: {
    flag: 'lease-duration',
    type: duration({ min: '1s', max: '10m' }),
    commands: ['controller'],
    default: '15s',
    help: 'how long a replica waits for a silent leader before it takes over',
  },
  leaseRenewDeadlineMs: {
    flag: 'lease-renew-deadline',
    type: duration({ min: '500ms', max: '10m' }),
    commands: ['controller'],
    default: '10s',
    help: 'how long a leader acts without having renewed the Lease; less than the duration',
  },
  leaseRetryPeriodMs: {
    flag: 'lease-retry-period',
    type: duration({ min: '100ms', max: '1m' }),
    commands: ['controller'],
    default: '2s',
    help: 'how often the Lease is looked at',
  },
} as const satisfies Record<string, Option>;
