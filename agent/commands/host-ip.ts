import { stderr } from 'node:process';
import { EXIT } from '../../lib/config/exit-codes.ts';
import type { HostIpOptions } from '../../lib/config/options.ts';
import { addAddress, deleteAddress } from '../../lib/net/host-address.ts';
import { OwnAddresses } from '../../lib/net/own-addresses.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { type OwnInstance, openOwnInstance } from '../aws/own-instance.ts';
import { HostAddresses } from '../floating-ips/host-addresses.ts';
import { monotonicClock } from '../floating-ips/monotonic-clock.ts';
import { HostIpReconciler } from '../host-ip/reconciler.ts';
import { openProcess, type ProcessParts } from '../process.ts';

/** Longest time between two looks at the interface when no kernel event comes, ms. */
const PULSE_MS = 15_000;
/** For the address to leave the interface after a stop was asked for, ms. */
const LEAVE_MS = 5_000;

/**
 * `eni-agent host-ip`: puts a given address on the node that it runs on, in EC2 and on the interface, and keeps it there while it
 * lives. Needs no Kubernetes API: the Deployment with its one replica decides where. Fails closed: when the time is over and the address
 * does not serve, it says why and ends with 1.
 */
export async function runHostIp(options: HostIpOptions, stop: AbortSignal): Promise<number> {
  const process = openProcess('host-ip', options, {});
  const tasks = new AbortController();
  const clock = monotonicClock(process.clock);
  const pulse = new Pulse(clock);
  const own = new OwnAddresses({
    clock: process.clock,
    random: process.random,
    onChange: () => pulse.beat(),
    onProblem: (message, error) => process.log.warn(message, { error }),
  });
  const watching = own.start(tasks.signal);
  try {
    return await serveHostIp({ options, process, clock, pulse, own }, stop);
  } finally {
    tasks.abort();
    await watching;
  }
}

interface HostIpParts {
  readonly options: HostIpOptions;
  readonly process: ProcessParts;
  /** Monotonic. */
  readonly clock: Clock;
  readonly pulse: Pulse;
  readonly own: OwnAddresses;
}

async function serveHostIp(parts: HostIpParts, stop: AbortSignal): Promise<number> {
  const { options, process, pulse } = parts;
  const { log } = process;
  const starting = AbortSignal.any([stop, AbortSignal.timeout(options.timeoutMs)]);
  const abandon = (why: string): number => {
    if (stop.aborted) return EXIT.ok;
    stderr.write(`eni-agent host-ip: gave up after ${options.timeoutMs / 1000} s (--timeout): ${why}\n`);
    return EXIT.wrong;
  };
  const instance = await openOwnInstance({ process, allowImdsV1: options.allowImdsV1 }, starting).catch(
    () => undefined,
  );
  if (instance === undefined) return abandon('the instance metadata did not say which instance this is');
  const reconciler = openReconciler(parts, instance);
  // A fault that repeating does not fix (no right to change interfaces) ends the command like a time-out.
  const fault = await reconciler.take(starting).then((done) => (done ? undefined : reconciler.fault), String);
  if (fault !== undefined) return abandon(fault);
  log.info('serving', { places: reconciler.places, instanceId: instance.identity.instanceId });
  await reconciler.keep((signal) => pulse.next(PULSE_MS, signal), stop);
  if (!options.keepOnStop)
    await reconciler
      .leave(AbortSignal.timeout(LEAVE_MS))
      .catch((error: unknown) => log.error('cannot take the address off the interface', { error }));
  log.info('stopped', { keptOnInterface: options.keepOnStop });
  return EXIT.ok;
}

function openReconciler(
  { options, process, clock, own }: HostIpParts,
  { identity, ec2 }: OwnInstance,
): HostIpReconciler {
  const { random, log, metrics } = process;
  const host = new HostAddresses(
    {
      interfaces: () => own.interfaces(),
      add: ({ device, address, prefixLength }, signal) => addAddress(device, address, prefixLength, signal),
      remove: ({ device, address, prefixLength }, signal) => deleteAddress(device, address, prefixLength, signal),
    },
    clock,
  );
  return new HostIpReconciler({
    process: { clock, random, log, metrics },
    rateLimit: new RateLimit({ clock, random }),
    host,
    instanceId: identity.instanceId,
    wanted: options.addresses,
    ec2: ec2.addresses,
    interface: options.hostInterface,
  });
}

/** Triggers whoever waits for the next change. */
class Pulse {
  readonly #clock: Clock;
  #waiting = new AbortController();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  beat(): void {
    this.#waiting.abort();
    this.#waiting = new AbortController();
  }

  /** Resolves at the next beat, after that many ms, or when the signal aborts. */
  next(ms: number, signal: AbortSignal): Promise<void> {
    return this.#clock.sleep(ms, AbortSignal.any([signal, this.#waiting.signal]));
  }
}
