import type { NodeOptions } from '../../lib/config/options.ts';
import { Supervisor } from '../../lib/runtime/supervisor.ts';
import { monotonicClock } from '../floating-ips/monotonic-clock.ts';
import { openProcess } from '../process.ts';
import type { NodeContext } from './context.ts';
import { EventBus } from './event-bus.ts';
import { Readiness } from './readiness.ts';

/** How long calls in flight may take to end after a stop was asked for, ms; below the usual grace period of 30 s. */
const STOP_GRACE_MS = 10_000;

/** The process of a node's agent: what exists before the cluster, the host and EC2 are known. */
export interface NodeFrame extends Omit<NodeContext, 'options'> {
  readonly supervisor: Supervisor;
  readonly readiness: Readiness;
  /** Ends calls in flight and whatever the supervisor keeps; resolves when that has ended. */
  end(): Promise<void>;
}

/** Opens log, metrics, clocks and the supervisor. */
export function openNodeFrame(options: NodeOptions, stop: AbortSignal): NodeFrame {
  const opened = openProcess('node', options, { node: options.nodeName });
  const { log, random, health } = opened;
  const ages = monotonicClock(opened.clock, () => Math.floor(performance.now()));
  const calls = new AbortController();
  stop.addEventListener('abort', () => ages.after(STOP_GRACE_MS, () => calls.abort(stop.reason)), { once: true });
  const onFailure = (task: string, error: unknown, retryInMs: number) =>
    log.error('a task failed and is being restarted', { task, error, retryInMs });
  const supervisor = new Supervisor({ clock: ages, random, onFailure }, stop);
  const readiness = new Readiness();
  readiness.faultsOf('EC2', () => ['the EC2 instance of this node is not known yet']);
  readiness.faultsOf('reconciles', () => health.failing());
  readiness.stuckOf(() => health.faults());
  supervisor.keep('readiness in the log', (signal) => readiness.follow(ages, log, signal));
  const environment = options.region ? { ...opened.environment, AWS_REGION: options.region } : opened.environment;
  return {
    process: { ...opened, environment },
    ages,
    bus: new EventBus(),
    stop,
    calls: calls.signal,
    supervisor,
    readiness,
    async end(): Promise<void> {
      calls.abort(stop.reason);
      await supervisor.finished();
    },
  };
}
