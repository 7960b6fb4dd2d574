import type { AddressApi } from '../../lib/ec2/api.ts';
import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import {
  collectionPath,
  createObject,
  deleteObject,
  patchObject,
  type WriteOutcome,
  type WriteTarget,
} from '../../lib/kube/custom-resources.ts';
import type { ControllerPod, ObjectStep, PlaceQuery, PrivatePlace } from '../../lib/model/controller-plan.ts';
import type { EipObjectDialectName, ObjectClaim, ResourceType } from '../../lib/model/eip-object.ts';
import type { ElasticIp } from '../../lib/model/elastic-ip.ts';
import type { JsonObject } from '../../lib/model/json.ts';
import { choosePool } from '../../lib/plan/objects/choose-pool.ts';
import { ownerReference } from '../../lib/plan/objects/plan-autocreation.ts';
import type { EipInventory } from '../eip/inventory.ts';

export interface StepParts {
  readonly kube: KubeClient;
  readonly elasticIps: ElasticIpApi;
  readonly addresses: Pick<AddressApi, 'describeEnis' | 'findHolders'>;
  readonly inventory: EipInventory;
  readonly resourceOf: (dialect: EipObjectDialectName) => ResourceType;
  readonly statusIsSubresource: (dialect: EipObjectDialectName) => boolean;
  readonly found: (query: PlaceQuery, place: PrivatePlace | undefined) => void;
  readonly signal: AbortSignal;
}

/** True for steps that call EC2; the others write to the API server. */
export function isEc2Step({ kind }: ObjectStep): boolean {
  return !kind.startsWith('write-') && kind !== 'create-eip' && kind !== 'delete-eip';
}

/**
 * Carries out one step. Writes to Kubernetes tell what became of them; EC2's answers go into the inventory.
 * @throws {Ec2Error | KubeError}
 */
export async function performObjectStep(step: ObjectStep, parts: StepParts): Promise<WriteOutcome | undefined> {
  const { kube, elasticIps, inventory, signal } = parts;
  const options = { signal };
  switch (step.kind) {
    case 'allocate':
      return void inventory.changed(...entry(await allocate(step.claim, parts)));
    case 'associate': {
      const { eip, place } = step;
      const allowReassociation = eip.association !== undefined;
      const { associationId } = await elasticIps.associate(
        { allocationId: eip.allocationId, ...place, allowReassociation },
        options,
      );
      return void inventory.changed(eip.allocationId, { ...eip, association: { associationId, ...place } });
    }
    case 'disassociate':
      await elasticIps.disassociate(step.associationId, options);
      return void inventory.changed(step.eip.allocationId, { ...step.eip, association: undefined });
    case 'tag':
      await elasticIps.tag([step.eip.allocationId], step.tags, options);
      return void inventory.changed(step.eip.allocationId, { ...step.eip, tags: { ...step.eip.tags, ...step.tags } });
    case 'untag':
      await elasticIps.untag([step.eip.allocationId], step.tags, options);
      return void inventory.changed(step.eip.allocationId, withoutTags(step.eip, step.tags));
    case 'release':
      await elasticIps.release(step.eip.allocationId, options);
      return void inventory.changed(step.eip.allocationId, undefined);
    case 'look-up':
      return void parts.found(step.query, await lookUp(step.query, parts));
    case 'write-object':
      return patchObject(kube, targetOf(step.claim, parts), step.patch, signal);
    case 'write-status':
      return patchObject(
        kube,
        targetOf(step.claim, parts),
        step.patch,
        signal,
        parts.statusIsSubresource(step.claim.dialect) ? '/status' : '',
      );
    case 'write-pod':
      return patchObject(kube, podTarget(step.pod), step.patch, signal);
    case 'write-node': {
      const { name, resourceVersion } = step.node;
      return patchObject(kube, { path: `/api/v1/nodes/${name}`, uid: '', resourceVersion }, step.patch, signal);
    }
    case 'create-eip':
      return createObject(
        kube,
        collectionPath(parts.resourceOf('eip-operator'), step.pod.namespace),
        eipFor(step.pod, parts),
        signal,
      );
    case 'delete-eip':
      return deleteObject(kube, targetOf(step.claim, parts), signal);
  }
}

/**
 * Looks up by tag once more, uncached: another leader may have been faster, or a reply of an earlier attempt was lost. The tags travel in
 * the call, so that whoever looks next finds the EIP by them.
 */
async function allocate(
  { allocation, identity, tags }: ObjectClaim,
  { elasticIps, signal }: StepParts,
): Promise<ElasticIp> {
  const [existing] = await elasticIps.describe({ tags: identity }, { signal });
  if (existing !== undefined) return existing;
  const { pools, address } = allocation;
  const known = pools.length > 1 ? await elasticIps.pools({ signal }) : [];
  const pool = choosePool(pools, known);
  return elasticIps.allocate(
    { tags, ...(pool === undefined ? {} : { pool }), ...(address === undefined ? {} : { address }) },
    { signal },
  );
}

async function lookUp(query: PlaceQuery, { addresses, signal }: StepParts): Promise<PrivatePlace | undefined> {
  if (query.kind === 'address') {
    const holder = (await addresses.findHolders([query.address], { signal })).get(query.address);
    return holder && { eni: holder.eni, privateIp: query.address };
  }
  const enis = await addresses.describeEnis(query.instanceId, { signal });
  const primary = enis.find(({ deviceIndex, networkCard }) => deviceIndex === 0 && networkCard === 0);
  const privateIp = primary?.addresses.find((entry) => entry.primary && !entry.ip.includes(':'))?.ip;
  return primary && privateIp ? { eni: primary.id, privateIp } : undefined;
}

function targetOf({ dialect, object }: ObjectClaim, { resourceOf }: StepParts): WriteTarget {
  const { namespace, name, uid, resourceVersion } = object;
  return { path: `${collectionPath(resourceOf(dialect), namespace)}/${name}`, uid, resourceVersion };
}

function podTarget({ namespace, name, uid, resourceVersion }: ControllerPod): WriteTarget {
  return { path: `/api/v1/namespaces/${namespace}/pods/${name}`, uid, resourceVersion };
}

function eipFor(pod: ControllerPod, { resourceOf }: StepParts): JsonObject {
  const { group, version, kind } = resourceOf('eip-operator');
  const metadata = { name: pod.name, namespace: pod.namespace, ownerReferences: [ownerReference(pod)] };
  return { apiVersion: `${group}/${version}`, kind, metadata, spec: { selector: { pod: { podName: pod.name } } } };
}

function entry(eip: ElasticIp): [string, ElasticIp] {
  return [eip.allocationId, eip];
}

function withoutTags(eip: ElasticIp, keys: readonly string[]): ElasticIp {
  return { ...eip, tags: Object.fromEntries(Object.entries(eip.tags).filter(([key]) => !keys.includes(key))) };
}
