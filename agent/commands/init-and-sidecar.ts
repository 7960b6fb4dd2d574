import type { InitOptions, SidecarOptions } from '../../lib/config/options.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import { carries, type Eni } from '../../lib/model/eni.ts';
import { contains } from '../../lib/model/ip.ts';
import type { Route, RouteTable } from '../../lib/model/routed-ips/route-table.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import { openSession, type PodSession } from '../pod/session.ts';

/** How long calls in flight may take to end after a stop was asked for, ms. */
const STOP_GRACE_MS = 10_000;
/** Between two looks whether EC2 shows what it has accepted, ms. */
const CONFIRM_EVERY_MS = 250;

/**
 * `eni-agent init`: assigns this pod's own addresses, confirms them by a fresh describe and ends with 0. Fails closed: when the time
 * is over and an address is missing, it says which and why, and ends with 1, so that the pod does not start without its addresses.
 */
export async function runInit(options: InitOptions, stop: AbortSignal): Promise<number> {
  const timeUp = AbortSignal.timeout(options.timeoutMs);
  const done = new AbortController();
  const ending = AbortSignal.any([stop, timeUp, done.signal]);
  const settled = Promise.withResolvers<readonly ClaimStatus[]>();
  let last: NodeReport | undefined;
  const report = (current: NodeReport) => {
    last = current;
    const { statuses } = current;
    const enough = options.dryRun ? current.complete : statuses.every(({ state }) => state === 'assigned');
    if (statuses.length > 0 && enough) settled.resolve(statuses);
  };
  ending.addEventListener('abort', () => settled.resolve([]), { once: true });
  let session: PodSession | undefined;
  let confirmed = false;
  let routingFault: string | undefined;
  let tasks: Promise<unknown> = Promise.resolve();
  try {
    session = await openSession({
      command: 'init',
      options,
      release: 'never',
      podStateDir: undefined,
      resync: { addressesMs: 5_000, ec2Ms: 60_000 },
      report,
      signals: { stop: ending, calls: ending },
    });
    tasks = Promise.all([session.addresses.start(ending), session.engine.run()]);
    const statuses = await settled.promise;
    confirmed = options.dryRun || (await confirm(session, statuses, ending));
    // Before the signal ends its commands.
    routingFault = await session.routingSettled();
  } catch (error) {
    if (!ending.aborted) throw error;
  }
  done.abort();
  await tasks;
  await session?.routesIdle();
  if (!confirmed) process.stderr.write(`${explain(options.timeoutMs, last, stop.aborted)}\n`);
  else if (routingFault !== undefined) process.stderr.write(`eni-agent init: ${routingFault}\n`);
  else
    session?.parts.log.info('all addresses of this pod are where they should be', {
      addresses: last?.statuses.map(({ claim }) => claim.address),
    });
  return confirmed && routingFault === undefined ? 0 : 1;
}

/** `eni-agent sidecar`: the same, and keeps following the pod's addresses until it is stopped. */
export async function runSidecar(options: SidecarOptions, stop: AbortSignal): Promise<number> {
  const calls = new AbortController();
  const session = await openSession({
    command: 'sidecar',
    options,
    release: 'after-delay',
    podStateDir: options.podStateDir,
    resync: { addressesMs: options.addressResyncMs, ec2Ms: options.ec2ResyncMs },
    report: () => undefined,
    signals: { stop, calls: calls.signal },
  });
  const { clock, log } = session.parts;
  stop.addEventListener('abort', () => clock.after(STOP_GRACE_MS, () => calls.abort(stop.reason)), { once: true });
  log.info('following the addresses of this pod', { instanceId: session.instanceId });
  await Promise.all([session.addresses.start(stop), session.engine.run()]);
  await session.routesIdle();
  log.info('stopped; the addresses stay');
  return 0;
}

/** EC2 has accepted the addresses; wait until it also shows them, all of them on the ENIs where they belong. */
async function confirm(
  { ec2, instanceId, parts }: PodSession,
  statuses: readonly ClaimStatus[],
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted && statuses.length > 0) {
    const enis = await ec2.addresses.describeEnis(instanceId, { signal }).catch(() => []);
    const ids = [...new Set(statuses.flatMap(({ tables = [] }) => tables.map(({ table }) => table)))];
    const tables = ids.length === 0 ? [] : await ec2.routes.describe({ vpcIds: [], ids }, { signal }).catch(() => []);
    if (statuses.every((status) => isShown(status, enis, tables))) return true;
    await parts.clock.sleep(CONFIRM_EVERY_MS, signal);
  }
  return false;
}

/** On its ENI, or led there by each of its route tables. */
function isShown(
  { claim, eni: id, tables = [] }: ClaimStatus,
  enis: readonly Eni[],
  known: readonly RouteTable[],
): boolean {
  if (claim.routed === undefined) return enis.some((eni) => eni.id === id && carries(eni, claim.address));
  return tables.every(({ table }) => {
    const routes = known.find((each) => each.id === table)?.routes ?? [];
    const matching = routes.filter(({ destination }) => contains(destination, claim.address));
    return mostSpecific(matching)?.eni === id;
  });
}

/** The one that a packet follows. */
function mostSpecific(routes: readonly Route[]): Route | undefined {
  const length = ({ destination }: Route) => Number(destination.split('/')[1]);
  return routes.toSorted((a, b) => length(b) - length(a))[0];
}

function explain(timeoutMs: number, last: NodeReport | undefined, stopped: boolean): string {
  const head = stopped
    ? 'stopped before all addresses were assigned'
    : `gave up after ${timeoutMs / 1000} s (--timeout)`;
  const statuses = last?.statuses ?? [];
  const missing = statuses.filter(({ state }) => state !== 'assigned');
  if (last === undefined)
    return `eni-agent init: ${head}: EC2 or the instance metadata did not answer; see the log lines above`;
  if (statuses.length === 0) {
    return `eni-agent init: ${head}: no address besides the primary network's was found; check the pod's k8s.v1.cni.cncf.io/networks annotation and --interface-filter`;
  }
  const why = missing.map(
    ({ claim, refusal }) =>
      `  ${claim.address} on ${claim.interface}: ${refusal ? `${refusal.reason}: ${refusal.message}` : 'still pending'}`,
  );
  return [
    `eni-agent init: ${head}:`,
    ...(why.length > 0 ? why : ['  EC2 accepted all addresses but does not show them yet']),
  ].join('\n');
}
