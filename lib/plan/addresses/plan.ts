import type { Action } from '../../model/addresses/action.ts';
import { type Claim, claimKey } from '../../model/addresses/claim.ts';
import type { LedgerEntry } from '../../model/addresses/ledger.ts';
import type { ClaimStatus, HolderQuestion, Plan } from '../../model/addresses/plan.ts';
import type { NodeSnapshot } from '../../model/addresses/snapshot.ts';
import type { Eni } from '../../model/eni.ts';
import { carries, isInSubnetOf, slotLimit, usedSlots } from '../../model/eni.ts';
import { compareIp, contains, familyOf, type IpAddress } from '../../model/ip.ts';
import type { Reason, Refusal } from '../../model/refusal.ts';
import { chooseAsBefore, chooseEni, type EniChoice } from './choose-eni.ts';
import { type Conflict, type PlacedClaim, settleConflicts } from './conflict.ts';
import { type Decision, decide } from './decide.ts';
import { planReleases } from './release.ts';

/**
 * The whole decision of the main job: from what is so to what should be done next.
 *
 * Guarantees: pure; the same snapshot in any order of its lists gives the same plan; never releases an address that a claim wants;
 * never plans one address onto two ENIs; carrying the plan out and planning again asks for nothing more.
 */
export function plan(snapshot: NodeSnapshot): Plan {
  const draft = new Draft();
  const placed = placeClaims(snapshot, draft);
  const conflicts = settleConflicts(placed, snapshot.policy).toSorted((a, b) => compareIp(a.address, b.address));
  const candidates: AssignmentCandidate[] = [];
  for (const conflict of conflicts) {
    const decision = decide(conflict.winner, snapshot);
    if (decision.kind === 'assign') candidates.push({ conflict, ...decision });
    else applyDecision(decision, conflict, draft);
    for (const loser of conflict.losers) draft.refuse(loser, duplicate(loser, conflict.winner));
  }
  const admitted = admitWithinLimits(candidates, snapshot, draft);
  for (const candidate of admitted) draft.assign(candidate, snapshot);
  // An address in a namespace of no known pod is still in use: a pod that was force-deleted may run on.
  const claimed = new Set([...snapshot.claims.map((claim) => claim.address), ...snapshot.inUse]);
  const releases = planReleases(snapshot, claimed, (eni, family) => candidatesOn(candidates, eni, family).length);
  for (const entry of releases.unassign) {
    draft.actions.push({ kind: 'unassign', eni: entry.eni, address: entry.address });
  }
  draft.lookUp.push(...lookAhead(snapshot, claimed));
  draft.forget.push(...releases.forget);
  draft.describe ||= releases.describe;
  draft.retryAt(releases.nextDue);
  return draft.finish();
}

/**
 * Whoever holds a floating address is known before a pod here takes it over, so that the takeover can leave at once and is never one
 * from a protected ENI.
 */
function lookAhead({ declared, holders, enis }: NodeSnapshot, claimed: ReadonlySet<IpAddress>): HolderQuestion[] {
  return declared
    .filter((address) => !holders.has(address) && !claimed.has(address))
    .filter((address) => enis.some((eni) => isInSubnetOf(eni, address)) && !enis.some((eni) => carries(eni, address)))
    .map((address) => ({ address, purpose: 'take' }));
}

/** The sources report a new pod within this time of each other, ms; the first one may not know what is under its interface. */
const SOURCES_MS = 1_000;

interface AssignmentCandidate extends Omit<Extract<Decision, { kind: 'assign' }>, 'kind'> {
  readonly conflict: Conflict;
}

function placeClaims(snapshot: NodeSnapshot, draft: Draft): PlacedClaim[] {
  const placed: PlacedClaim[] = [];
  const { describedAt, readError } = snapshot;
  const waits = (claim: Claim) =>
    draft.statuses.push({ claim, state: 'pending', eni: undefined, ...(readError && { refusal: readError }) });
  for (const claim of snapshot.claims) {
    if (describedAt === undefined) {
      // The first describe is under way, or fails again and again.
      waits(claim);
      continue;
    }
    const onUnknownEni =
      claim.masterMac !== undefined && !snapshot.enis.some(({ mac }) => mac === claim.mac || mac === claim.masterMac);
    const choice = choiceFor(claim, snapshot);
    const mayBeNew = onUnknownEni || ('refusal' in choice && choice.refusal.reason === 'NoMatchingInterface');
    if (mayBeNew && describedAt < claim.since) {
      // The ENI may have been attached after the last describe.
      draft.describe = true;
      waits(claim);
    } else if ('eni' in choice) placed.push({ claim, eni: choice.eni });
    else if (isOfNoSubnet(claim, choice.refusal, snapshot)) draft.leftOut.push(claim);
    else if (snapshot.vpcNetworks === 'unasked' && mayBeForeign(claim, choice.refusal)) {
      draft.askNetworks = true;
      waits(claim);
    } else if (choice.refusal.reason === 'AmbiguousInterface' && snapshot.now - claim.since < SOURCES_MS) {
      draft.retryAt(claim.since + SOURCES_MS);
      draft.statuses.push({ claim, state: 'pending', eni: undefined });
    } else draft.statuses.push({ claim, state: 'refused', eni: undefined, refusal: choice.refusal });
  }
  return placed;
}

function choiceFor(claim: Claim, { enis, policy, ledger }: NodeSnapshot): EniChoice {
  const choice = chooseEni(claim, enis, policy);
  if ('eni' in choice || choice.refusal.reason !== 'AmbiguousInterface') return choice;
  const before = chooseAsBefore(claim, enis, ledger.get(claim.address));
  return before ? { eni: before } : choice;
}

/** Attachments with addresses that no ENI here could have: perhaps a network that has nothing to do with the VPC. */
const FOREIGN: readonly Reason[] = ['NoMatchingInterface', 'UnsupportedInterface', 'ProtectedInterface'];

/** What somebody has declared to float is meant for an ENI, and never left out in silence. */
function mayBeForeign({ kind }: Claim, { reason }: Refusal): boolean {
  return kind !== 'floating' && FOREIGN.includes(reason);
}

/** A bridge or overlay of the cluster's own beside the VPC: no subnet of the VPC has the address, so there is nothing to assign. */
function isOfNoSubnet(claim: Claim, refusal: Refusal, { vpcNetworks }: NodeSnapshot): boolean {
  if (typeof vpcNetworks === 'string' || !mayBeForeign(claim, refusal)) return false;
  return !vpcNetworks.some((network) => contains(network, claim.address));
}

function applyDecision(decision: Exclude<Decision, { kind: 'assign' }>, conflict: Conflict, draft: Draft): void {
  switch (decision.kind) {
    case 'assigned':
      if (decision.record) draft.put.push(decision.record);
      return draft.reportServed(conflict, 'assigned');
    case 'verify':
      draft.describe = true;
      return draft.reportServed(conflict, 'pending');
    case 'look':
      draft.lookUp.push({ address: conflict.address, purpose: 'take' });
      return draft.reportServed(conflict, 'pending');
    case 'pause':
      draft.retryAt(decision.until);
      return draft.reportServed(conflict, 'pending');
    case 'provisional':
      draft.retryAt(conflict.winner.claim.provisionalUntil);
      return draft.reportServed(conflict, 'pending');
    case 'settle':
      draft.retryAt(decision.until);
      return draft.reportServed(conflict, 'pending', decision.refusal);
    case 'wait':
      draft.retryAt(decision.until);
      return draft.reportServed(conflict, 'refused', decision.refusal);
    case 'stand-down':
      draft.lookUp.push({ address: conflict.address, purpose: 'wait' });
      if (decision.record) draft.put.push(decision.record);
      return draft.reportServed(conflict, 'refused', decision.refusal);
  }
}

/** Failover first, then the oldest candidate; what is in flight keeps its slot. What does not fit is refused and disturbs nothing else. */
function admitWithinLimits(
  candidates: readonly AssignmentCandidate[],
  snapshot: NodeSnapshot,
  draft: Draft,
): AssignmentCandidate[] {
  const inFlightFirst = (candidate: AssignmentCandidate) => (snapshot.inFlight.has(candidate.conflict.address) ? 0 : 1);
  const floatingFirst = (candidate: AssignmentCandidate) => (isUrgent(candidate) ? 0 : 1);
  const since = (candidate: AssignmentCandidate) => candidate.conflict.winner.claim.since;
  const ordered = candidates.toSorted(
    (a, b) =>
      inFlightFirst(a) - inFlightFirst(b) ||
      floatingFirst(a) - floatingFirst(b) ||
      since(a) - since(b) ||
      compareIp(a.conflict.address, b.conflict.address),
  );
  const places = placesOf(ordered);
  return ordered.filter((candidate) => {
    const { eni } = candidate.conflict.winner;
    const family = familyOf(candidate.conflict.address);
    const limit = slotLimit(eni, family);
    if (limit === undefined) return true;
    const place = places.get(candidate);
    if (place === undefined || usedSlots(eni, family) + place < limit) return true;
    draft.reportServed(candidate.conflict, 'refused', full(candidate.conflict, eni, limit));
    return false;
  });
}

/** The candidates that need a slot of this ENI: those for what it already carries need none. */
function candidatesOn(candidates: readonly AssignmentCandidate[], eni: Eni, family: 4 | 6): AssignmentCandidate[] {
  return candidates.filter(
    ({ conflict: { address, winner } }) =>
      winner.eni.id === eni.id && familyOf(address) === family && !carries(eni, address),
  );
}

/**
 * The place of each candidate among those that need a slot of its ENI and family, from 0 on; what the ENI already carries needs none. Counted in
 * one pass: a pod can give itself thousands of addresses.
 */
function placesOf(candidates: readonly AssignmentCandidate[]): ReadonlyMap<AssignmentCandidate, number> {
  const counts = new Map<string, number>();
  const places = new Map<AssignmentCandidate, number>();
  for (const candidate of candidates) {
    const { address, winner } = candidate.conflict;
    if (carries(winner.eni, address)) continue;
    const key = `${winner.eni.id} ${familyOf(address)}`;
    const place = counts.get(key) ?? 0;
    places.set(candidate, place);
    counts.set(key, place + 1);
  }
  return places;
}

/** A failover, or what may turn out to be one. */
function isUrgent({ conflict, looksUp }: AssignmentCandidate): boolean {
  return looksUp && conflict.winner.claim.kind === 'floating';
}

function full(conflict: Conflict, eni: Eni, limit: number): Refusal {
  const used = usedSlots(eni, familyOf(conflict.address));
  const message = `${eni.id} is full: ${used} of ${limit} addresses of its family are used; ${conflict.address} waits for a free one. Use another ENI or a larger instance type`;
  return { reason: 'AddressLimitExceeded', message, address: conflict.address };
}

function duplicate(loser: PlacedClaim, winner: PlacedClaim): Refusal {
  const { holder } = winner.claim;
  const message = `${loser.claim.address} is also claimed by ${holder.namespace}/${holder.name} on ${winner.eni.id}, where it appeared later; one address can be on one ENI only`;
  return { reason: 'DuplicateAddress', message, address: loser.claim.address };
}

/** Collects the parts of a plan; puts them in an order that does not depend on the input's. */
class Draft {
  readonly actions: Action[] = [];
  readonly statuses: ClaimStatus[] = [];
  readonly put: LedgerEntry[] = [];
  readonly forget: IpAddress[] = [];
  readonly lookUp: HolderQuestion[] = [];
  readonly leftOut: Claim[] = [];
  askNetworks = false;
  describe = false;
  #retryAt: number | undefined;

  retryAt(time: number | undefined): void {
    if (time !== undefined) this.#retryAt = Math.min(time, this.#retryAt ?? time);
  }

  refuse({ claim, eni }: PlacedClaim, refusal: Refusal): void {
    this.statuses.push({ claim, state: 'refused', eni: eni.id, refusal });
  }

  reportServed(conflict: Conflict, state: ClaimStatus['state'], refusal?: Refusal): void {
    for (const { claim, eni } of [conflict.winner, ...conflict.companions]) {
      this.statuses.push({ claim, state, eni: eni.id, ...(refusal && { refusal }) });
    }
  }

  assign(candidate: AssignmentCandidate, snapshot: NodeSnapshot): void {
    const { claim, eni } = candidate.conflict.winner;
    const urgent = isUrgent(candidate);
    const { takeover, from, looksUp } = candidate;
    this.actions.push({ kind: 'assign', eni: eni.id, address: claim.address, claim, takeover, from, looksUp, urgent });
    if (candidate.lookBeside) this.lookUp.push({ address: claim.address, purpose: 'take' });
    this.reportServed(candidate.conflict, 'pending', snapshot.lastErrors.get(eni.id));
  }

  finish(): Plan {
    return {
      actions: this.actions.toSorted((a, b) => order(a) - order(b)),
      statuses: this.statuses.toSorted((a, b) => byText(claimKey(a.claim), claimKey(b.claim))),
      ledger: { put: this.put, forget: this.forget },
      describe: this.describe,
      lookUp: this.lookUp,
      leftOut: this.leftOut.toSorted((a, b) => byText(claimKey(a), claimKey(b))),
      askNetworks: this.askNetworks,
      retryAt: this.#retryAt,
    };
  }
}

/** Failover before new addresses before releases. */
function order(action: Action): number {
  if (action.kind === 'unassign') return 2;
  return action.urgent ? 0 : 1;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
