import type { Orphan, SweepItem, SweepPlan, SweepSnapshot, SweepStep } from '../../model/sweep.ts';

/** The wait between two calls for the same thing (disassociate, then release), ms. */
const NEXT_CALL_MS = 15_000;

/**
 * What of EC2 has lost its owner, and what may be given back now.
 *
 * Guarantees: pure; nothing is touched whose owner lives or could not be asked; each owner was found gone at least twice, by reads a
 * cool-down apart; an interface is left alone while an Elastic IP is on it; at most `maxSteps` calls, longest gone first.
 */
export function planSweep(snapshot: SweepSnapshot): SweepPlan {
  const { items, verdicts, goneSince, readAt, cooldownMs, maxSteps } = snapshot;
  const known = items
    .filter(({ id }) => verdicts.get(id) === 'gone')
    .map((item) => ({ item, since: goneSince.get(item.id) ?? readAt, isSecondLook: goneSince.has(item.id) }))
    .toSorted((a, b) => a.since - b.since || (a.item.id < b.item.id ? -1 : 1));
  const steps: SweepStep[] = [];
  const orphans = known.map(({ item, since, isSecondLook }): Orphan => {
    if (!isSecondLook) return { item, since, waitsFor: 'second look' };
    if (readAt < since + cooldownMs) return { item, since, waitsFor: 'cool-down' };
    const next = nextStep(item);
    if (next.step === undefined) return { item, since, waitsFor: next.waitsFor };
    if (steps.length >= maxSteps) return { item, since, waitsFor: 'next sweep' };
    steps.push(next.step);
    return { item, since, waitsFor: undefined };
  });
  return {
    orphans,
    steps,
    goneSince: new Map(known.map(({ item, since }) => [item.id, since])),
    retryAt: retryAt(orphans, snapshot),
  };
}

function retryAt(orphans: readonly Orphan[], { now, cooldownMs }: SweepSnapshot): number | undefined {
  const times = orphans.map(({ since, waitsFor }) => {
    if (waitsFor === 'second look' || waitsFor === 'cool-down') return since + cooldownMs;
    return waitsFor === 'Elastic IP on it' ? undefined : now + NEXT_CALL_MS;
  });
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

type Next = { readonly step: SweepStep } | { readonly step: undefined; readonly waitsFor: Orphan['waitsFor'] };

/** What is to be done with an orphan next, whenever that is asked. */
export function nextStep(item: SweepItem): Next {
  if (item.kind === 'interface') return nextForInterface(item);
  const { eip, allocatedByUs, ownTags } = item;
  // By the id of this very pairing: if somebody has paired the EIP again meanwhile, the call hurts nobody.
  if (eip.association !== undefined)
    return { step: { kind: 'disassociate', item, associationId: eip.association.associationId } };
  if (allocatedByUs) return { step: { kind: 'release', item, allocationId: eip.allocationId } };
  if (ownTags.length === 0) return { step: undefined, waitsFor: 'next sweep' };
  return { step: { kind: 'untag', item, allocationId: eip.allocationId, keys: ownTags } };
}

function nextForInterface(item: SweepItem & { readonly kind: 'interface' }): Next {
  const { addresses, attachment, id } = item.facts;
  if (addresses.some(({ association }) => association?.allocationId !== undefined))
    return { step: undefined, waitsFor: 'Elastic IP on it' };
  if (attachment === undefined) return { step: { kind: 'delete', item, eni: id } };
  if (attachment.deviceIndex === 0 || attachment.state !== 'attached') return { step: undefined, waitsFor: 'EC2' };
  return { step: { kind: 'detach', item, attachmentId: attachment.id } };
}
