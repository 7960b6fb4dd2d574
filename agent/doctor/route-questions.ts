import type { RouteApi } from '../../lib/ec2/route-api.ts';
import type { RouteProbe } from '../../lib/ec2/route-probe.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Eni } from '../../lib/model/eni.ts';
import { routableEnis } from '../../lib/plan/doctor/diagnose-routes.ts';
import type { Answer, PermissionFound, RoutedFound, RoutesFound } from '../../lib/plan/doctor/evidence.ts';
import { selectTables } from '../../lib/plan/routed-ips/select-tables.ts';

export interface RouteQuestions {
  readonly routes: RouteApi;
  readonly probe: RouteProbe;
  readonly declared: Answer<readonly RoutedFound[]>;
  readonly defaultTag: RoutesFound['defaultTag'];
  readonly enis: Answer<readonly Eni[]>;
}

/** Asks about route tables only where something on this node may need them: nobody else needs the permissions. */
export async function askRoutes(
  { routes, probe, declared, defaultTag, enis }: RouteQuestions,
  signal: AbortSignal,
): Promise<Answer<RoutesFound>> {
  if (declared.kind !== 'known') return declared;
  if (declared.value.length === 0)
    return {
      kind: 'skipped',
      message:
        'no pod of this node declares eni-agent.io/routed-ips, and no FloatingIP that it may serve has spec.routeTables',
    };
  if (enis.kind !== 'known') return { kind: 'skipped', message: 'the ENIs are unknown' };
  const usable = routableEnis(enis.value, declared.value);
  const vpcIds = [...new Set(usable.map(({ vpcId }) => vpcId))];
  const selectors = declared.value.flatMap(({ tables }) => tables);
  const ids = selectors.flatMap((selector) => (selector.kind === 'id' ? [selector.id] : []));
  if (vpcIds.length === 0) return { kind: 'skipped', message: 'the instance has no ENI for pods' };
  try {
    const [tables, subnets] = await Promise.all([
      routes.describe({ vpcIds, ids }, { signal }),
      routes.subnets(vpcIds, { signal }),
    ]);
    const facts = { tables, subnets, readIds: new Set(ids), policy: { defaultTag } };
    const [table] = usable.flatMap((eni) => selectTables(selectors, eni, facts).tables);
    const permissions = new Map<string, PermissionFound>();
    if (table !== undefined)
      for (const action of probe.actions) permissions.set(action, await probe.permission(action, table.id, signal));
    return { kind: 'known', value: { declared: declared.value, defaultTag, tables, subnets, permissions } };
  } catch (error) {
    if (!(error instanceof Ec2Error)) throw error;
    const message = `${error.action}: ${error.message} (${error.code})`;
    return { kind: error.kind === 'unauthorized' ? 'denied' : 'failed', message };
  }
}
