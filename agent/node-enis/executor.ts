import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import type { NodeEniStep } from '../../lib/model/node-enis/plan.ts';
import type { NetworkInterfaceCache } from '../eni-objects/cache.ts';

export interface NodeEniStepParts {
  readonly ec2: InterfaceApi;
  readonly setFinalizer: (object: NodeEni, isOn: boolean) => Promise<void>;
  readonly cache: NetworkInterfaceCache;
  readonly callSignal: AbortSignal;
}

/** Carries out one step and records in the cache what is now true. Throws what the adapters throw. */
export async function performNodeEniStep(step: NodeEniStep, parts: NodeEniStepParts): Promise<void> {
  const { ec2, setFinalizer, cache, callSignal: signal } = parts;
  switch (step.kind) {
    case 'add-finalizer':
    case 'remove-finalizer':
      await setFinalizer(step.object, step.kind === 'add-finalizer');
      return;
    case 'create': {
      const { subnetId, groups: securityGroups, description, tags, clientToken } = step;
      const request = { subnetId, securityGroups, description, tags, clientToken, secondaryAddresses: 0 };
      cache.made(await ec2.create(request, { signal }));
      return;
    }
    case 'attach': {
      const { eni, instanceId, deviceIndex, networkCard } = step;
      const { attachmentId } = await ec2.attach({ eni, instanceId, deviceIndex, networkCard }, { signal });
      const attachment = { id: attachmentId, instanceId, deviceIndex, networkCard, state: 'attaching' } as const;
      cache.changed(eni, { attachment: { ...attachment, deleteOnTermination: false } });
      return;
    }
    case 'detach': {
      await ec2.detach(step.attachmentId, { signal });
      const { attachment } = cache.find(step.eni) ?? {};
      cache.changed(step.eni, { attachment: attachment && { ...attachment, state: 'detaching' } });
      return;
    }
    case 'delete':
      await ec2.delete(step.eni, { signal });
      cache.gone(step.eni);
      return;
    case 'tag':
      await ec2.tag(step.eni, step.tags, { signal });
      cache.changed(step.eni, { tags: { ...cache.find(step.eni)?.tags, ...step.tags } });
      return;
    case 'keep-on-termination':
    case 'delete-on-termination':
    case 'set-groups':
    case 'set-description':
    case 'set-check':
      await modify(step, parts);
  }
}

type Modification = Extract<
  NodeEniStep,
  { kind: 'keep-on-termination' | 'delete-on-termination' | 'set-groups' | 'set-description' | 'set-check' }
>;

async function modify(step: Modification, { ec2, cache, callSignal: signal }: NodeEniStepParts): Promise<void> {
  const { eni } = step;
  switch (step.kind) {
    case 'keep-on-termination':
    case 'delete-on-termination': {
      const enabled = step.kind === 'delete-on-termination';
      const { attachmentId } = step;
      await ec2.modify(eni, { kind: 'delete-on-termination', attachmentId, enabled }, { signal });
      const { attachment } = cache.find(eni) ?? {};
      cache.changed(eni, { attachment: attachment && { ...attachment, deleteOnTermination: enabled } });
      return;
    }
    case 'set-groups':
      await ec2.modify(eni, { kind: 'security-groups', securityGroups: step.groups }, { signal });
      cache.changed(eni, { groups: step.groups });
      return;
    case 'set-description':
      await ec2.modify(eni, { kind: 'description', description: step.description }, { signal });
      cache.changed(eni, { description: step.description });
      return;
    case 'set-check':
      await ec2.modify(eni, { kind: 'source-dest-check', enabled: step.enabled }, { signal });
      cache.changed(eni, { sourceDestCheck: step.enabled });
      return;
    default:
      step satisfies never;
  }
}
