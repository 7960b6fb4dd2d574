import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import { type EniObject, eniClientToken, eniTags } from '../../lib/model/eni-objects/eni-object.ts';
import type { EniStep } from '../../lib/model/eni-objects/plan.ts';
import type { Ending } from '../../lib/model/retention.ts';
import type { NetworkInterfaceCache } from './cache.ts';
import type { EniObjectAccess } from './reconciler.ts';

export interface EniStepParts {
  readonly ec2: InterfaceApi;
  readonly objects: Pick<EniObjectAccess, 'writer' | 'endingOf'>;
  readonly cache: NetworkInterfaceCache;
  readonly clusterName: string;
  readonly ended: (object: EniObject, ending: Ending) => void;
  readonly callSignal: AbortSignal;
}

type WritingStep = Extract<EniStep, { kind: 'add-finalizer' | 'remove-finalizer' }>;

/** Steps that write to the object. */
export function writesObject(step: EniStep): step is WritingStep {
  return step.kind === 'add-finalizer' || step.kind === 'remove-finalizer';
}

/** Steps that call EC2; the others reach the API server only. */
export function callsEc2(step: EniStep): boolean {
  return !writesObject(step) && step.kind !== 'ask-ending';
}

/** Carries out one step and records in the cache what is now true. Throws what the adapters throw. */
export async function performEniStep(step: EniStep, parts: EniStepParts): Promise<void> {
  const { ec2, objects, cache, callSignal: signal } = parts;
  const { writer, endingOf } = objects;
  const { object } = step;
  switch (step.kind) {
    case 'ask-ending':
      parts.ended(object, await endingOf(object));
      return;
    case 'add-finalizer':
      await writer.addFinalizer(object);
      return;
    case 'remove-finalizer':
      await writer.removeFinalizer(object);
      return;
    case 'create':
      return create(step, parts);
    case 'tag':
      await ec2.tag(step.eni, step.tags, { signal });
      cache.changed(step.eni, { tags: { ...tagsOf(cache, step.eni), ...step.tags } });
      return;
    case 'set-description':
      await ec2.modify(step.eni, { kind: 'description', description: step.description }, { signal });
      cache.changed(step.eni, { description: step.description });
      return;
    case 'set-groups':
      await ec2.modify(step.eni, { kind: 'security-groups', securityGroups: step.groups }, { signal });
      cache.changed(step.eni, { groups: step.groups });
      return;
    case 'assign': {
      const added = await ec2.assignCount(step.eni, step.count, { signal });
      cache.changed(step.eni, {
        addresses: [...addressesOf(cache, step.eni), ...added.map((ip) => ({ ip, primary: false }))],
      });
      return;
    }
    case 'unassign':
      await ec2.unassign(step.eni, step.addresses, { signal });
      cache.changed(step.eni, {
        addresses: addressesOf(cache, step.eni).filter(({ ip }) => !step.addresses.includes(ip)),
      });
      return;
    case 'attach':
      return attach(step, parts);
    case 'detach':
      return detach(step, parts);
    case 'delete':
      await ec2.delete(step.eni, { signal });
      cache.gone(step.eni);
      return;
  }
}

type Step<Kind extends EniStep['kind']> = Extract<EniStep, { kind: Kind }>;

async function create({ object }: Step<'create'>, parts: EniStepParts): Promise<void> {
  const { ec2, cache, clusterName, callSignal: signal } = parts;
  const identity = { tags: eniTags(object, clusterName), clientToken: eniClientToken(object) };
  cache.made(await ec2.create({ ...creationOf(object), ...identity }, { signal }));
}

async function attach(step: Step<'attach'>, { ec2, cache, callSignal: signal }: EniStepParts): Promise<void> {
  const { eni, instanceId, deviceIndex, networkCard } = step;
  const { attachmentId } = await ec2.attach({ eni, instanceId, deviceIndex, networkCard }, { signal });
  cache.changed(eni, {
    attachment: { id: attachmentId, instanceId, deviceIndex, networkCard, state: 'attaching' },
  });
}

async function detach({ eni, attachmentId }: Step<'detach'>, parts: EniStepParts): Promise<void> {
  const { ec2, cache, callSignal: signal } = parts;
  await ec2.detach(attachmentId, { signal });
  const attachment = factsOf(cache, eni)?.attachment;
  cache.changed(eni, { attachment: attachment && { ...attachment, state: 'detaching' } });
}

function creationOf({ namespace, name, spec }: EniStep['object']) {
  const {
    subnetId,
    securityGroups,
    secondaryAddresses,
    description = `eni-agent: ENI ${namespace}/${name}`.slice(0, 255),
  } = spec;
  return { subnetId, securityGroups, secondaryAddresses, description };
}

function factsOf(cache: NetworkInterfaceCache, eni: string) {
  return cache.interfaces.find(({ id }) => id === eni);
}

function tagsOf(cache: NetworkInterfaceCache, eni: string) {
  return factsOf(cache, eni)?.tags ?? {};
}

function addressesOf(cache: NetworkInterfaceCache, eni: string) {
  return factsOf(cache, eni)?.addresses ?? [];
}
