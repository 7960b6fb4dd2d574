import { type RouteRecord, type RouteSnapshot, type RouteStep } from '../../model/routed-ips/route-plan.ts';
import { routeOf } from '../../model/routed-ips/route-table.ts';

export interface RouteReleases {
  readonly steps: readonly RouteStep[];
  readonly forget: readonly string[];
  /** Records that no claim wants: their cool-down counts from the first time that they are here. */
  readonly idle: readonly string[];
  readonly read: boolean;
  readonly retryAt: number | undefined;
}

/**
 * What becomes of routes that no claim wants any more: removed if this agent made them and they still lead to the ENI of the record,
 * after the cool-down and a read asked for after it; else only forgotten. Nothing while the claims are not all known.
 */
export function releaseRoutes(snapshot: RouteSnapshot, wanted: (record: RouteRecord) => boolean): RouteReleases {
  const {
    now,
    policy,
    records,
    claimsComplete,
    holdsComplete,
    idleSince,
    tables,
    readAt = Number.NEGATIVE_INFINITY,
  } = snapshot;
  const steps: RouteStep[] = [];
  const forget: string[] = [];
  const idle: string[] = [];
  let read = false;
  let retryAt: number | undefined;
  for (const [key, record] of records) {
    if (wanted(record) || !(record.leased === true ? holdsComplete : claimsComplete)) continue;
    idle.push(key);
    const since = idleSince.get(key) ?? now;
    const due = since + policy.releaseDelayMs;
    if (due > now) retryAt = Math.min(due, retryAt ?? due);
    else if (record.state === 'found' || record.state === 'lost') forget.push(key);
    else if (policy.release === 'never') continue;
    else if (readAt < due || tables === undefined) read = true;
    else if (stillOurs(record, snapshot)) steps.push({ kind: 'release', key, record });
    else forget.push(key);
  }
  return { steps, forget, idle, read, retryAt };
}

function stillOurs(record: RouteRecord, { tables = [] }: RouteSnapshot): boolean {
  const table = tables.find(({ id }) => id === record.table);
  return table !== undefined && routeOf(table, record.destination)?.eni === record.eni;
}
