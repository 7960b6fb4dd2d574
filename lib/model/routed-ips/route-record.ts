import { parseCidr, parseIp } from '../ip.ts';
import { isObject } from '../json.ts';
import type { RouteRecord } from './route-plan.ts';

const STATES: readonly unknown[] = ['writing', 'held', 'found', 'lost'];

/**
 * Turns a stored record back into one; undefined when it is none. A time in the future (ms since the epoch, after `now`) means that the
 * clock was set back: it counts as just before now, so that whatever appears from now on is newer.
 */
export function reviveRouteRecord(stored: unknown, now: number): RouteRecord | undefined {
  if (!isObject(stored)) return undefined;
  const { table, destination, address, eni, state, holder, interface: on, claimedAt, leased, restored } = stored;
  const valid =
    [table, destination, address, eni, on].every((text) => typeof text === 'string') &&
    parseCidr(destination as string) === destination &&
    parseIp(address as string) === address &&
    STATES.includes(state) &&
    typeof claimedAt === 'number' &&
    Number.isFinite(claimedAt) &&
    (leased === undefined || leased === true) &&
    (restored === undefined || typeof restored === 'number') &&
    isObject(holder) &&
    [holder['namespace'], holder['name'], holder['uid']].every((text) => typeof text === 'string');
  if (!valid) return undefined;
  const record = stored as unknown as RouteRecord;
  return record.claimedAt < now ? record : { ...record, claimedAt: now - 1 };
}
