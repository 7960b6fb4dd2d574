import type { NodeSnapshotView, SlotUse } from '../../model/status/agent-snapshot.ts';
import type { ClusterFacts } from '../../model/status/cluster-facts.ts';
import type { AddressStatus, ElasticIpStatus } from '../../model/status/cluster-status.ts';
import { order } from './agents.ts';

/** Every Elastic IP that something in the cluster has or asks for. One that several sources name is shown once, at who uses it. */
export function elasticIpStatuses(facts: ClusterFacts, addresses: readonly AddressStatus[]): ElasticIpStatus[] {
  const asked = nodeViews(facts).flatMap(askedOfAgents(facts));
  const bound = addresses.flatMap(boundAt);
  const known = new Set([...asked, ...bound].map(({ publicIp }) => publicIp));
  const objects = facts.eipObjects.filter(({ publicIp }) => publicIp === undefined || !known.has(publicIp));
  const seen = new Set(asked.filter(({ state }) => state === 'bound').map(({ publicIp }) => publicIp));
  const all = [
    ...asked,
    ...bound.filter(({ publicIp }) => !seen.has(publicIp)),
    ...objects.map(({ kind, namespace, name, publicIp, allocationId, privateIp, holder }): ElasticIpStatus => {
      const state = publicIp === undefined ? 'pending' : privateIp === undefined ? 'allocated' : 'bound';
      return {
        publicIp: publicIp ?? '',
        holder: `${kind} ${namespace}/${name}${holder === undefined ? '' : ` (${holder})`}`,
        state,
        ...(allocationId !== undefined && { allocationId }),
        ...(privateIp !== undefined && { privateIp }),
      };
    }),
  ];
  return all.toSorted((a, b) => order(a.publicIp, b.publicIp) || order(a.holder, b.holder));
}

/** The account's quota, as the controller last read it; the newest answer counts. */
export function quotaOf({ snapshots }: ClusterFacts): SlotUse | null {
  const quotas = [...snapshots.values()].flatMap((answer) =>
    'view' in answer && answer.view.kind === 'controller' && answer.view.elasticIpQuota !== undefined
      ? [answer.view.elasticIpQuota]
      : [],
  );
  const newest = quotas.toSorted((a, b) => b.at - a.at)[0];
  return newest === undefined ? null : { used: newest.used, limit: newest.allowed };
}

export function nodeViews({ snapshots }: ClusterFacts): NodeSnapshotView[] {
  return [...snapshots.values()].flatMap((answer) =>
    'view' in answer && answer.view.kind === 'node' ? [answer.view] : [],
  );
}

/** What the agents say of the Elastic IPs of pods in the scope. */
function askedOfAgents({ pods }: ClusterFacts) {
  const inScope = new Set(pods.map(({ namespace, name }) => `${namespace}/${name}`));
  return ({ elasticIps, node }: NodeSnapshotView): ElasticIpStatus[] =>
    elasticIps
      .filter(({ pod }) => inScope.has(pod))
      .map(({ pod, target, publicIp = '', ...rest }) => ({
        ...rest,
        publicIp,
        node,
        holder: `Pod ${pod}${target === 'primary' ? '' : ` ${target}`}`,
      }));
}

function boundAt({ publicIp, holder, node, address, eni }: AddressStatus): ElasticIpStatus[] {
  if (publicIp === undefined) return [];
  return [{ publicIp, holder, node, privateIp: address, state: 'bound', ...(eni !== undefined && { eni }) }];
}
