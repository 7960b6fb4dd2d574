import type { HostIpOptions } from '../../lib/config/options.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import { addAddress, deleteAddress } from '../../lib/net/host-address.ts';
import { OwnAddresses } from '../../lib/net/own-addresses.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import { hintsFrom, resolveIdentity } from '../aws/identity.ts';
import { HostAddresses } from '../floating-ips/host-addresses.ts';
import { monotonicClock } from '../floating-ips/monotonic-clock.ts';
import { HostIpKeeper } from '../host-ip/reconciler.ts';
import { openProcess } from '../process.ts';

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
  const parts = openProcess('host-ip', options, {});
  const { random, log, metrics, environment } = parts;
  const clock = monotonicClock(parts.clock);
  const tasks = new AbortController();
  const pulse = new Pulse(clock);
  const onProblem = (message: string, error?: unknown) => log.warn(message, { error });
  const own = new OwnAddresses({ clock: parts.clock, random, onChange: () => pulse.beat(), onProblem });
  const watching = own.start(tasks.signal);
  const timeUp = AbortSignal.timeout(options.timeoutMs);
  const starting = AbortSignal.any([stop, timeUp]);
  const abandon = async (why: string): Promise<number> => {
    tasks.abort();
    await watching;
    if (stop.aborted) return 0;
    process.stderr.write(`eni-agent host-ip: gave up after ${options.timeoutMs / 1000} s (--timeout): ${why}\n`);
    return 1;
  };

  const endpoint = imdsEndpoint(environment);
  const imds =
    endpoint === undefined
      ? undefined
      : imdsReader({ endpoint, allowV1: options.allowImdsV1, now: () => performance.now() });
  const asked = {
    imds,
    kube: undefined,
    nodeName: '',
    region: environment['AWS_REGION'],
    clock: parts.clock,
    random,
    log,
  };
  const identity = await resolveIdentity(asked, starting).catch(() => undefined);
  if (identity === undefined) return abandon('the instance metadata did not tell which instance this is');
  const interfaces = await hintsFrom(imds, starting);
  const ec2 = openEc2(identity, () => interfaces, { log, metrics, environment });
  const host = new HostAddresses(
    {
      interfaces: () => own.interfaces(),
      add: ({ device, address, prefixLength }, signal) => addAddress(device, address, prefixLength, signal),
      remove: ({ device, address, prefixLength }, signal) => deleteAddress(device, address, prefixLength, signal),
    },
    clock,
  );
  const rateLimit = new RateLimit({ clock, random });
  const { instanceId } = identity;
  const wanted = options.addresses;
  const keeper = new HostIpKeeper({
    clock,
    random,
    log,
    metrics,
    rateLimit,
    host,
    instanceId,
    wanted,
    ec2: ec2.addresses,
    interface: options.hostInterface,
  });
  // A fault that repeating does not fix (no right to change interfaces) ends the command like a time-out.
  const fault = await keeper.take(starting).then((done) => (done ? undefined : keeper.fault), String);
  if (fault !== undefined) return abandon(fault);
  log.info('serving', { places: keeper.places, instanceId });
  await keeper.keep((signal) => pulse.next(PULSE_MS, signal), stop);
  if (!options.keepOnStop)
    await keeper
      .leave(AbortSignal.timeout(LEAVE_MS))
      .catch((error: unknown) => log.error('cannot take the address off the interface', { error }));
  log.info('stopped', { keptOnInterface: options.keepOnStop });
  tasks.abort();
  await watching;
  return 0;
}

/** Wakes whoever waits for the next change. */
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
