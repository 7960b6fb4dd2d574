import type { KubeClient } from '../../lib/kube/client.ts';
import type { StatusScope } from '../../lib/model/status/cluster-facts.ts';
import type { ClusterStatus } from '../../lib/model/status/cluster-status.ts';
import { clusterStatus } from '../../lib/plan/status/cluster-status.ts';
import { collectFacts } from './collect.ts';

/** Which part of the cluster to look at, as the options of `status` and `ui` say. */
export interface LookOptions {
  readonly namespaces: readonly string[];
  readonly allNamespaces: boolean;
  readonly selector: string | undefined;
  readonly onlyNode: string | undefined;
  readonly snapshots: boolean;
}

/** Reads the cluster once. @throws {Error} when the API server cannot be read, or has no such node. */
export async function lookAtCluster(
  client: KubeClient,
  server: string,
  options: LookOptions,
  signal: AbortSignal,
): Promise<ClusterStatus> {
  const { selector, onlyNode, snapshots } = options;
  const scope: StatusScope = {
    namespaces: options.allNamespaces ? [] : options.namespaces,
    ...(selector !== undefined && { selector }),
    ...(onlyNode !== undefined && { node: onlyNode }),
  };
  const facts = await collectFacts({ client, server, scope, snapshots, now: () => Date.now() }, signal);
  if (onlyNode !== undefined && facts.nodes.length === 0)
    throw new Error(`the cluster has no node ${JSON.stringify(onlyNode)}; see eni-agent status nodes`);
  return clusterStatus(facts);
}
