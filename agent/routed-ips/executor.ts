import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { EniId } from '../../lib/model/eni.ts';
import type { RouteRecord, RouteStep } from '../../lib/model/routed-ips/route-plan.ts';
import { routeOf } from '../../lib/model/routed-ips/route-table.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Journal } from '../../lib/runtime/journal.ts';
import type { RouteReporter } from './reporter.ts';
import type { RouteCache } from './route-cache.ts';
import type { RouteMemory } from './route-memory.ts';
import type { RouteEc2 } from './routed-ips.ts';

export interface ExecutorParts {
  readonly clock: Clock;
  readonly ec2: Pick<RouteEc2, 'routes' | 'invalidateEnis'>;
  readonly records: Journal<RouteRecord>;
  readonly cache: RouteCache;
  readonly memory: RouteMemory;
  readonly reporter: RouteReporter;
  readonly callSignal: AbortSignal;
}

type Move = RouteStep & { readonly kind: 'move' };

/** Carries out one step and records what became of it. @throws {Ec2Error} when EC2 refused or did not answer; that is recorded, too. */
export async function executeRouteStep(step: RouteStep, parts: ExecutorParts): Promise<void> {
  const { ec2, memory, callSignal, reporter } = parts;
  try {
    if (step.kind === 'move') await move(step, parts);
    else if (step.kind === 'release') await release(step.record, step.key, parts);
    else await uncheck(step.eni, parts);
    memory.succeeded(step);
  } catch (error) {
    if (callSignal.aborted || !(error instanceof Ec2Error)) throw error;
    if (step.kind === 'move') correct(step, error, parts);
    memory.failed(step, error);
    reporter.callFailed(step, error);
    if (error.code === 'InvalidNetworkInterfaceID.NotFound')
      ec2.invalidateEnis(`EC2 does not know the ENI of ${step.key}`);
    throw error;
  }
}

/** Recorded before the call: after a crash the record says that the call may have been made. */
async function move(step: Move, { clock, ec2, records, cache, reporter, callSignal: signal }: ExecutorParts) {
  const { key, verb, table, destination, eni, claim, restored } = step;
  const { address, holder, interface: on, since: claimedAt, leased } = claim;
  const of = { table, destination, address, eni, holder, interface: on, claimedAt };
  const record = { ...of, ...(leased && { leased }), ...(restored !== undefined && { restored }) };
  records.put([[key, { ...record, state: 'writing' }]]);
  const startedAt = clock.now();
  const { requestId } = await ec2.routes[verb]({ table, destination, eni }, { signal });
  cache.wrote(table, destination, eni);
  records.put([[key, { ...record, state: 'held' }]]);
  reporter.moved(step, { callMs: clock.now() - startedAt, requestId });
}

/** What a refusal proves about the route. */
function correct({ table, destination }: Move, { kind, code }: Ec2Error, { cache }: ExecutorParts): void {
  if (kind === 'not-assigned') cache.wrote(table, destination, undefined);
  if (code === 'RouteAlreadyExists' || kind === 'not-found') cache.request();
}

/** Nothing that EC2 offers is conditional: whether the route is still ours is read right before it is removed. */
async function release(record: RouteRecord, key: string, parts: ExecutorParts): Promise<void> {
  const { ec2, records, cache, reporter, memory, callSignal: signal } = parts;
  const { table, destination, eni } = record;
  const [current] = await ec2.routes.describe({ vpcIds: [], ids: [table] }, { signal });
  const isOurs = current !== undefined && routeOf(current, destination)?.eni === eni;
  if (isOurs && records.get(key)?.claimedAt === record.claimedAt) {
    const { requestId } = await ec2.routes.delete({ table, destination }, { signal });
    cache.wrote(table, destination, undefined);
    reporter.released(record, requestId);
    memory.lookLater();
  }
  records.delete([key]);
}

async function uncheck(eni: EniId, { ec2, memory, reporter, callSignal: signal }: ExecutorParts): Promise<void> {
  await ec2.routes.disableSourceDestCheck(eni, { signal });
  memory.unchecked.add(eni);
  reporter.unchecked(eni);
}
