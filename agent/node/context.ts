import type { NodeOptions } from '../../lib/config/options.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { ProcessParts } from '../process.ts';
import type { EventBus } from './event-bus.ts';

/** The options that the loops of a node go by. */
export type LoopOptions = Pick<
  NodeOptions,
  | 'nodeName'
  | 'clusterName'
  | 'namespaces'
  | 'interfaceFilter'
  | 'takeover'
  | 'allowPrimary'
  | 'release'
  | 'releaseDelayMs'
  | 'routeTableTag'
  | 'floatingIpParkMs'
  | 'ec2ResyncMs'
  | 'stateDir'
  | 'dryRun'
>;

/** What every loop of a node is made from. */
export interface NodeContext {
  readonly options: LoopOptions;
  /** Its clock is the wall clock. */
  readonly process: ProcessParts;
  /** Only the passing of time moves it: setting the machine's clock must not make what appears now older than what was recorded. */
  readonly ages: Clock;
  readonly bus: EventBus;
  /** Keeps new calls from starting. */
  readonly stop: AbortSignal;
  /** Ends calls in flight. */
  readonly calls: AbortSignal;
}

/** Whether pods of this namespace are served. */
export function serves({ options }: { readonly options: Pick<LoopOptions, 'namespaces'> }, namespace: string): boolean {
  return options.namespaces.length === 0 || options.namespaces.includes(namespace);
}
