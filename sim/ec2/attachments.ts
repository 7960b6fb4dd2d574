import { assertFits } from './address-space.ts';
import { Ec2Fault, invalidCombination, invalidValue, notFound } from './ec2-fault.ts';
import type { Attachment, Instance, NetworkInterface } from './entities.ts';
import { interfaceLimit, limitsOf } from './instance-types.ts';
import type { CloudState } from './state.ts';

export interface AttachNetworkInterfaceInput {
  readonly networkInterfaceId: string;
  readonly instanceId: string;
  readonly deviceIndex: number;
  /** @default 0 */
  readonly networkCardIndex?: number | undefined;
}

/** Attaches an ENI to an instance of its zone; it stays `attaching` for the knob `attachMs`. (facts §1.8) @throws {Ec2Fault} */
export function attachNetworkInterface(state: CloudState, input: AttachNetworkInterfaceInput) {
  const eni = state.requireOwnInterface(input.networkInterfaceId);
  const instance = state.requireInstance(input.instanceId);
  const networkCardIndex = input.networkCardIndex ?? 0;
  if (eni.attachment !== undefined) {
    throw new Ec2Fault('InvalidNetworkInterface.InUse', `Interface: [${eni.id}] in use.`);
  }
  if (!['running', 'stopped'].includes(instance.state)) {
    throw new Ec2Fault('IncorrectInstanceState', `Instance '${instance.id}' is not 'running' or 'stopped'.`);
  }
  if (eni.zone !== instance.zone) {
    throw invalidCombination(
      'You may not attach a network interface to an instance if they are not in the same availability zone',
    );
  }
  assertFreePlace(state, instance, input.deviceIndex, networkCardIndex);
  assertFits(instance.type, eni, 0, 4);
  assertFits(instance.type, eni, 0, 6);

  const attachment = newAttachment(state, instance, { deviceIndex: input.deviceIndex, networkCardIndex });
  state.putInterface({ ...eni, attachment });
  return { attachmentId: attachment.id, networkCardIndex };
}

/** Detaches an ENI that is not the instance's first; it stays `detaching` for the knob `detachMs`. (facts §1.8) @throws {Ec2Fault} */
export function detachNetworkInterface(
  state: CloudState,
  input: { readonly attachmentId: string; readonly force?: boolean | undefined },
) {
  const { eni, attachment } = requireAttachment(state, input.attachmentId);
  if (attachment.deviceIndex === 0 && attachment.networkCardIndex === 0) {
    const message = 'The network interface at device index 0 and networkCard index 0 cannot be detached.';
    throw new Ec2Fault('OperationNotPermitted', message);
  }
  if (attachment.phase === 'detaching') throw new Ec2Fault('IncorrectState', `${attachment.id} is detaching already.`);
  const waitMs = input.force === true ? 0 : state.knobs.detachMs;
  const detaching: Attachment = { ...attachment, phase: 'detaching', settlesAt: state.now() + waitMs };
  state.putInterface({ ...eni, attachment: waitMs === 0 ? undefined : detaching });
  return { return: true };
}

/** @throws {Ec2Fault} InvalidAttachmentID.NotFound */
export function requireAttachment(
  state: CloudState,
  attachmentId: string,
): { eni: NetworkInterface; attachment: Attachment } {
  for (const eni of state.allInterfaces(state.now())) {
    if (eni.attachment?.id === attachmentId) return { eni, attachment: eni.attachment };
  }
  throw notFound('attachment', attachmentId);
}

/** An attachment that begins now. */
export function newAttachment(
  state: CloudState,
  instance: Instance,
  place: { readonly deviceIndex: number; readonly networkCardIndex: number },
  deleteOnTermination = false,
): Attachment {
  const now = state.now();
  const phase = state.knobs.attachMs > 0 ? 'attaching' : 'attached';
  const id = state.ids.next('eni-attach');
  return {
    id,
    instanceId: instance.id,
    ...place,
    attachedAt: now,
    deleteOnTermination,
    phase,
    settlesAt: now + state.knobs.attachMs,
  };
}

/** Device index, card and the type's number of interfaces, whole and per card. @throws {Ec2Fault} */
export function assertFreePlace(state: CloudState, instance: Instance, deviceIndex: number, cardIndex: number): void {
  const limits = limitsOf(instance.type);
  const present = state.interfacesOf(instance.id);
  const perCard = limits.cards[cardIndex];
  if (perCard === undefined) throw invalidValue(`Invalid network card index '${cardIndex}' for ${instance.type}.`);
  const onCard = present.filter((eni) => eni.attachment?.networkCardIndex === cardIndex);
  if (onCard.some((eni) => eni.attachment?.deviceIndex === deviceIndex)) {
    throw invalidValue(`Instance '${instance.id}' already has an interface attached at device index '${deviceIndex}'.`);
  }
  if (present.length + 1 > interfaceLimit(limits) || onCard.length + 1 > perCard) {
    const message = `Interface count ${present.length + 1} exceeds the limit for ${instance.type}`;
    throw new Ec2Fault('AttachmentLimitExceeded', message);
  }
}
