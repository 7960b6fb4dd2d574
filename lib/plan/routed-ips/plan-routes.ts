import { claimKey } from '../../model/addresses/claim.ts';
import { podKey } from '../../model/pod.ts';
import type { Refusal } from '../../model/refusal.ts';
import {
  type RoutedStatus,
  type RoutePlan,
  type RouteRecord,
  type RouteSnapshot,
  type RouteStep,
  routeKey,
  type TableStatus,
} from '../../model/routed-ips/route-plan.ts';
import { type RouteTable, routeOf } from '../../model/routed-ips/route-table.ts';
import { decideRoute, type WantedRoute } from './decide-route.ts';
import { type PlacedRoute, placeRoutes, settleRoutes } from './place.ts';
import { releaseRoutes } from './release.ts';

/** While another holder has a route of ours, it is looked at this often, ms. */
const STAND_BY_MS = 15_000;

/**
 * Everything to do about routes now. Pure; the same snapshot in any order gives the same plan; carrying it out and planning again asks
 * for nothing more. Each table stands for itself: what fails in one keeps no other waiting.
 */
export function planRoutes(snapshot: RouteSnapshot): RoutePlan {
  const draft = new Draft(snapshot);
  const { placed, statuses, read, describe } = placeRoutes(snapshot);
  draft.statuses.push(...statuses);
  draft.read ||= read || (snapshot.tables === undefined && snapshot.declared.length + snapshot.records.size > 0);
  const kept = new Set<string>();
  const undecided = new Set(statuses.filter(({ state }) => state === 'pending').map(({ claim }) => claim.address));
  for (const { winner, companions, losers } of settleRoutes(placed)) {
    if (!winner.selection.complete) undecided.add(winner.claim.address);
    for (const table of winner.selection.tables)
      kept.add(routeKey({ table: table.id, destination: winner.destination }));
    draft.serve(winner, companions);
    for (const loser of losers) draft.refuse(loser, duplicate(loser, winner));
  }
  const wanted = (record: RouteRecord) => kept.has(routeKey(record)) || undecided.has(record.address);
  const releases = releaseRoutes(snapshot, wanted);
  draft.steps.push(...releases.steps);
  draft.read ||= releases.read;
  draft.retryAt(releases.retryAt);
  return { ...draft.finish(), forget: releases.forget, idle: releases.idle, describe, ids: idsOf(snapshot) };
}

function idsOf({ claims, declared }: RouteSnapshot): string[] {
  const selectors = [...claims.flatMap(({ routed }) => routed), ...declared];
  return [...new Set(selectors.flatMap((selector) => (selector.kind === 'id' ? selector.id : [])))];
}

function duplicate({ claim, destination }: PlacedRoute, winner: PlacedRoute): Refusal {
  const { holder } = winner.claim;
  const message = `a route to ${destination} is also claimed by ${podKey(holder)} on ${winner.eni.id}, where its address appeared later; one destination leads to one ENI only`;
  return { reason: 'DuplicateAddress', message, address: claim.address };
}

class Draft {
  readonly steps: RouteStep[] = [];
  readonly statuses: RoutedStatus[] = [];
  readonly #put: RouteRecord[] = [];
  readonly #snapshot: RouteSnapshot;
  read = false;
  #retryAt: number | undefined;

  constructor(snapshot: RouteSnapshot) {
    this.#snapshot = snapshot;
  }

  retryAt(time: number | undefined): void {
    if (time !== undefined) this.#retryAt = Math.min(time, this.#retryAt ?? time);
  }

  refuse({ claim, eni, destination }: PlacedRoute, refusal: Refusal): void {
    this.statuses.push({ claim, state: 'refused', eni: eni.id, destination, refusal, tables: [] });
  }

  serve(winner: PlacedRoute, companions: readonly PlacedRoute[]): void {
    const { claim, eni, destination, selection } = winner;
    const tables = [
      ...selection.tables.map((table) => this.#table({ claim, eni, destination, table })),
      ...selection.refused,
    ];
    const unchecked = this.#uncheck(winner);
    const refusal = tables.find(({ state }) => state === 'refused')?.refusal ?? selection.refusals[0] ?? unchecked;
    const isPending = !selection.complete || tables.some(({ state }) => state === 'pending');
    const state = refusal === undefined ? (isPending ? 'pending' : 'assigned') : 'refused';
    const why = refusal ?? tables.find((each) => each.refusal !== undefined)?.refusal;
    for (const served of [winner, ...companions])
      this.statuses.push({
        claim: served.claim,
        state,
        eni: eni.id,
        destination,
        tables,
        ...(why && { refusal: why }),
      });
  }

  #table(wanted: WantedRoute): TableStatus {
    const { claim, destination, eni, table } = wanted;
    const decision = decideRoute(wanted, this.#snapshot);
    switch (decision.kind) {
      case 'assigned':
        if (decision.record) this.#put.push(decision.record);
        return inPlace(wanted);
      case 'read':
        this.read = true;
        return {
          table: table.id,
          state: 'pending',
          ...(this.#snapshot.readError && { refusal: this.#snapshot.readError }),
        };
      case 'wait':
        this.retryAt(decision.until);
        return { table: table.id, state: 'refused', refusal: decision.refusal };
      case 'stand-down':
        if (decision.record) this.#put.push(decision.record);
        this.#standBy();
        return { table: table.id, state: 'refused', refusal: decision.refusal };
      case 'move': {
        const key = routeKey({ table: table.id, destination });
        const { kind: _, ...how } = decision;
        const from = routeOf(table, destination)?.target;
        this.steps.push({ kind: 'move', key, ...how, table: table.id, destination, eni: eni.id, claim, from });
        return { table: table.id, state: 'pending' };
      }
    }
  }

  #standBy(): void {
    const { readAt = 0, now } = this.#snapshot;
    if (readAt + STAND_BY_MS <= now) this.read = true;
    else this.retryAt(readAt + STAND_BY_MS);
  }

  /** Without it the ENI drops what the routes bring; the routes do not wait for it. */
  #uncheck({ eni }: PlacedRoute): Refusal | undefined {
    const { backoffs, unchecked, now } = this.#snapshot;
    if (eni.sourceDestCheck === false || unchecked.has(eni.id)) return undefined;
    const key = `check ${eni.id}`;
    const backoff = backoffs.get(key);
    if (backoff !== undefined && backoff.until > now) this.retryAt(backoff.until);
    if ((backoff?.until ?? 0) <= now && !this.steps.some((step) => step.key === key))
      this.steps.push({ kind: 'uncheck', key, eni: eni.id });
    return backoff && { reason: backoff.reason, message: backoff.message };
  }

  finish() {
    const statuses = this.statuses.toSorted((a, b) => (claimKey(a.claim) < claimKey(b.claim) ? -1 : 1));
    return { steps: this.steps, statuses, put: this.#put, read: this.read, retryAt: this.#retryAt };
  }
}

/** EC2 may say that nobody is there although we are. */
function inPlace({ table, destination, eni }: WantedRoute & { readonly table: RouteTable }): TableStatus {
  if (routeOf(table, destination)?.blackhole !== true) return { table: table.id, state: 'assigned' };
  const message = `${destination} leads to ${eni.id} in ${table.id}, but EC2 says that nobody is there (blackhole); check that the ENI is attached and the instance runs`;
  return { table: table.id, state: 'refused', refusal: { reason: 'RouteBlackhole', message } };
}
