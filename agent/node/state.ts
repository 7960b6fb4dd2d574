import type { NodeOptions } from '../../lib/config/options.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { toWallClock } from '../floating-ips/monotonic-clock.ts';
import { serveHttp } from '../http.ts';
import type { NodeFrame } from './frame.ts';
import { Gauges } from './gauges.ts';
import type { NodeLoops } from './loops.ts';
import { unless } from './readiness.ts';
import { SnapshotSource } from './snapshot-source.ts';

/** Answers probes, metrics and `/v1/snapshot`, with the reason for whatever is not known yet. @throws {Error} when the port is taken. */
export async function serveState(frame: NodeFrame, options: NodeOptions): Promise<SnapshotSource> {
  const { process, readiness, calls } = frame;
  const snapshot = new SnapshotSource({ options, clock: process.clock, readiness });
  const endpoints = {
    healthFaults: () => readiness.stuck(),
    readyFaults: () => readiness.faults(),
    readyNotes: () => readiness.notes(),
    snapshot: options.serveSnapshot ? () => snapshot.read() : undefined,
    metrics: () => process.metrics.render(),
  };
  const server = await serveHttp(options.httpAddress, endpoints, calls);
  for (const address of server.addresses) process.log.info('listening', { ...address });
  return snapshot;
}

/** Shows what the loops do in metrics, readiness and `/v1/snapshot`. */
export function showState(
  { process, ages, bus, readiness }: NodeFrame,
  snapshot: SnapshotSource,
  {
    identity,
    loops,
    rateLimit,
  }: { readonly identity: InstanceIdentity; readonly loops: NodeLoops; readonly rateLimit: RateLimit },
): void {
  const { addresses, stateFiles } = loops;
  const wallTimeOf = toWallClock(ages, process.clock);
  const gauges = new Gauges(process.metrics);
  snapshot.ec2(() => rateLimit.levels);
  snapshot.serves(identity, () => wallTimeOf(addresses.describedAt));
  bus.addresses.subscribe((report) => {
    if (report === undefined) return;
    snapshot.addresses(report);
    gauges.report({ ...report, statuses: bus.statuses }, stateFiles.ledger.values());
    gauges.stateFiles(stateFiles);
  });
  bus.elasticIps.subscribe((report) => {
    if (report === undefined) return;
    snapshot.elasticIps(report);
    gauges.elasticIps(report);
  });
  readiness.stuckOf(() => addresses.stuck());
  readiness.notesOf(() => Object.values(stateFiles).flatMap(({ limits }) => limits ?? []));
  readiness.faultsOf('EC2', () =>
    unless(
      addresses.describedAt !== undefined,
      'the ENIs of this node are not known yet',
      addresses.lastError?.message,
    ),
  );
}
