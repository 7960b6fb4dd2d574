import {
  ENI_FINALIZER,
  ENI_TAG,
  type EniCondition,
  type EniObject,
  type EniReason,
  eniTags,
} from '../../model/eni-objects/eni-object.ts';
import type { EniDecision, EniSnapshot, EniStep } from '../../model/eni-objects/plan.ts';
import type { InterfacePlace, NetworkInterface } from '../../model/network-interface.ts';
import { RETAINED_TAG } from '../../model/retention.ts';
import { refuseEni } from '../tenants.ts';
import { type AddressPlan, planAddresses } from './addresses.ts';
import { type AttachmentDecision, planAttachment } from './attachment.ts';
import { planEnd } from './end.ts';
import { planExcess } from './excess.ts';
import { identify } from './identify.ts';
import { NOTHING } from './nothing.ts';
import { statusOf } from './status.ts';

/** How long a recorded interface must be missing from describes before another is made, ms: describes lag by seconds. */
const GONE_AFTER_MS = 60_000;

/** How old a describe may be that a call rests on, ms. */
const FACTS_AGE_MS = 30_000;
/** The same for calls that take something away: an Elastic IP may have come to an address a moment ago. */
const FRESH_MS = 2_000;
const TAKES_AWAY: ReadonlySet<EniStep['kind']> = new Set(['unassign', 'detach', 'delete', 'remove-finalizer']);

/** The next step for one object. `planned`: places on instances that other objects were given in this plan. */
export function decideObject(
  object: EniObject,
  snapshot: EniSnapshot,
  planned: ReadonlyMap<string, readonly InterfacePlace[]>,
): EniDecision {
  const decision = decide(object, snapshot, planned);
  const { step } = decision;
  if (step === undefined || step.kind === 'add-finalizer' || step.kind === 'ask-ending') return decision;
  const age = TAKES_AWAY.has(step.kind) ? FRESH_MS : FACTS_AGE_MS;
  if ((snapshot.interfacesAt ?? 0) >= snapshot.now - age) return decision;
  return { ...decision, step: undefined, readInterfaces: true };
}

function decide(
  object: EniObject,
  snapshot: EniSnapshot,
  planned: ReadonlyMap<string, readonly InterfacePlace[]>,
): EniDecision {
  const isMarked = object.finalizers.includes(ENI_FINALIZER);
  if (object.terminating && !isMarked) return { ...NOTHING, object };
  const refusal = object.terminating ? undefined : refuseEni(object, snapshot.tenants);
  // What the object has had stays as it is: nothing is done for it any more, and nothing against it.
  if (refusal !== undefined) {
    const ready = no('NotAllowed', refusal.message);
    return { ...NOTHING, object, status: { ...object.status, ready } };
  }
  // Before anything exists in EC2: an object that vanished without us would leave its interface behind.
  if (!isMarked) return { ...NOTHING, object, step: { kind: 'add-finalizer', object } };
  const { interfacesAt } = snapshot;
  if (interfacesAt === undefined || interfacesAt < (snapshot.trustAfter.get(object.uid) ?? 0)) {
    return { ...NOTHING, object, readInterfaces: true };
  }
  const identified = identify(object, snapshot.interfaces, snapshot.clusterName);
  const { own, surplus, foreign } = identified;
  const backoff = snapshot.backoffs.get(object.uid);
  const held = backoff !== undefined && backoff.until > snapshot.now ? backoff : undefined;
  if (object.terminating) return withBackoff(planEnd(object, identified, snapshot), held);
  if (foreign !== undefined)
    return { ...NOTHING, object, status: statusOf(object, undefined, undefined, notOurs(foreign)) };
  if (own === undefined) return withBackoff(planBirth(object, snapshot), held);
  const decision = decideOwn(object, own, surplus, snapshot, planned);
  return withBackoff(decision, held);
}

function planBirth(object: EniObject, { absentSince, now, interfacesAt = 0 }: EniSnapshot): EniDecision {
  const { subnetId } = object.spec;
  if (subnetId === '') return refuse(object, 'InvalidSpec', 'spec.subnetID is missing');
  const recorded = object.status.networkInterfaceId;
  if (recorded !== undefined) {
    const due = (absentSince.get(object.uid) ?? now) + GONE_AFTER_MS;
    const message = `${recorded} is not to be found in EC2; another interface is made if that stays so`;
    if (due > interfacesAt) return { ...refuse(object, 'Settling', message), poll: true };
  }
  const status = statusOf(object, undefined, undefined, {
    status: 'False',
    reason: 'Creating',
    message: `in ${subnetId}`,
  });
  return { ...NOTHING, object, status, step: { kind: 'create', object } };
}

function decideOwn(
  object: EniObject,
  own: NetworkInterface,
  surplus: readonly NetworkInterface[],
  snapshot: EniSnapshot,
  planned: ReadonlyMap<string, readonly InterfacePlace[]>,
): EniDecision {
  const addresses = planAddresses(
    object.spec.secondaryAddresses,
    object.status.privateIPAddresses,
    own.addresses,
    snapshot.inUse,
  );
  const tagging = tagStep(object, own, snapshot.clusterName);
  const where = planAttachment(object, own, snapshot, planned);
  const moving = where.state === 'step' ? where.step : undefined;
  // Tags come before the attachment: the VPC CNI must not take a new interface for its own. Upkeep can wait for an address that works.
  const excess = planExcess(object, own, addresses, snapshot);
  const giving = excess.state === 'step' ? excess.step : undefined;
  const step = tagging ?? moving ?? upkeep(object, own, addresses) ?? giving ?? deleteSurplus(object, surplus);
  const isSettling = excess.state === 'unknown' && addresses.unassign.length > 0;
  const ready = conditionOf(object, own, where, step !== undefined || isSettling, addresses);
  const dueAt = excess.state === 'unknown' ? excess.dueAt : undefined;
  return {
    ...NOTHING,
    object,
    step,
    status: statusOf(object, own, addresses.own, ready),
    readRoom: where.state === 'ask-room' ? where.instanceId : undefined,
    readInterfaces: dueAt !== undefined && dueAt <= snapshot.now,
    poll: where.state === 'settling',
    retryAt: earliest(where.state === 'refused' ? where.retryAt : undefined, dueAt),
  };
}

function earliest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

function tagStep(object: EniObject, own: NetworkInterface, clusterName: string): EniStep | undefined {
  // An adopted interface is nobody else's any more. Without a value: interfaces cannot lose a tag here, only its meaning.
  const wanted = { ...eniTags(object, clusterName), ...(own.tags[RETAINED_TAG] ? { [RETAINED_TAG]: '' } : {}) };
  const missing = Object.entries(wanted).filter(([key, value]) => own.tags[key] !== value);
  return missing.length === 0 ? undefined : { kind: 'tag', object, eni: own.id, tags: Object.fromEntries(missing) };
}

/** One attribute at a time, as EC2 takes them. */
function upkeep(object: EniObject, own: NetworkInterface, { assign }: AddressPlan): EniStep | undefined {
  const { description, securityGroups } = object.spec;
  const eni = own.id;
  if (description !== undefined && description !== own.description)
    return { kind: 'set-description', object, eni, description };
  if (securityGroups.length > 0 && !sameSet(securityGroups, own.groups)) {
    return { kind: 'set-groups', object, eni, groups: securityGroups };
  }
  return assign > 0 ? { kind: 'assign', object, eni, count: assign } : undefined;
}

/** A twin, made when EC2 forgot a token; nothing ever named it, so it must be free and bare to go. */
function deleteSurplus(object: EniObject, surplus: readonly NetworkInterface[]): EniStep | undefined {
  const idle = surplus.find(
    ({ attachment, addresses }) => attachment === undefined && addresses.every((one) => !one.association),
  );
  return idle && { kind: 'delete', object, eni: idle.id };
}

function conditionOf(
  { spec }: EniObject,
  own: NetworkInterface,
  where: AttachmentDecision,
  isChanging: boolean,
  { own: addresses }: AddressPlan,
): EniCondition {
  if (own.subnetId !== spec.subnetId) {
    return no(
      'SubnetChanged',
      `the interface is in ${own.subnetId} and stays there; to have one in ${spec.subnetId}, make a new object`,
    );
  }
  if (where.state === 'refused') return no(where.reason, where.message);
  if (where.state === 'settling') return no('Settling', where.message);
  if (where.state !== 'there') return no('Settling', 'the interface is on its way to the instance of its pod');
  if (isChanging) return no('Settling', 'the interface is being brought to the spec');
  const [, ...secondaries] = addresses;
  if (secondaries.length <= spec.secondaryAddresses) return { status: 'True', reason: 'Ready', message: own.id };
  const message = `${secondaries.length} secondary addresses instead of ${spec.secondaryAddresses}: of ${secondaries.join(', ')} none more can go, because each has an Elastic IP, is used by a pod or named by an EIP; free one of them, or raise spec.secondaryPrivateIPAddressCount`;
  return no('AddressesInUse', message);
}

function withBackoff(
  decision: EniDecision,
  held: EniSnapshot['backoffs'] extends ReadonlyMap<string, infer S> ? S | undefined : never,
): EniDecision {
  if (held === undefined || decision.step === undefined) return decision;
  const { status } = decision;
  const ready = { status: 'False', reason: held.reason, message: held.message } as const;
  return {
    ...decision,
    step: undefined,
    status: { ...(status ?? decision.object.status), ready },
    retryAt: held.until,
  };
}

function refuse(object: EniObject, reason: EniReason, message: string): EniDecision {
  return { ...NOTHING, object, status: statusOf(object, undefined, undefined, no(reason, message)) };
}

function notOurs({ id }: NetworkInterface): EniCondition {
  return no(
    'NotOurs',
    `${id} is not touched: nothing in EC2 says that it is this object's; clear status.networkInterfaceID, or tag it in EC2 with ${ENI_TAG.cluster} and ${RETAINED_TAG}`,
  );
}

function no(reason: EniReason, message: string): EniCondition {
  return { status: 'False', reason, message };
}

function sameSet(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one) => b.includes(one));
}
