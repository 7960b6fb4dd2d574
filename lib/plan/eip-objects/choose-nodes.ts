import type { ObjectClaim } from '../../model/eip-objects/eip-object.ts';
import type { ControllerNode, ControllerSnapshot } from '../../model/eip-objects/plan.ts';
import type { ElasticIp } from '../../model/elastic-ips/elastic-ip.ts';
import { lookedUp, type Target } from './decide-place.ts';

/** Which node each node-selecting claim has: by object uid. */
export type NodeChoice = ReadonlyMap<string, ControllerNode>;

/**
 * Gives every claim with a node selector one Ready node, and no node to two claims, because a node's primary address can have one
 * Elastic IP. Who is on a node that still fits stays; the others choose in the order of their names, so that each run decides alike.
 */
export function chooseNodes(
  snapshot: ControllerSnapshot,
  eipOf: (claim: ObjectClaim) => ElasticIp | undefined,
): NodeChoice {
  const choice = new Map<string, ControllerNode>();
  const taken = new Set<string>();
  const wanting = snapshot.claims
    .map(({ claim }) => claim)
    .filter(({ object, assignment }) => assignment.kind === 'node' && !object.deleting)
    .toSorted((a, b) => (a.object.uid < b.object.uid ? -1 : 1));
  const give = (claim: ObjectClaim, node: ControllerNode | undefined) => {
    if (node === undefined) return;
    choice.set(claim.object.uid, node);
    taken.add(node.name);
  };
  for (const claim of wanting) {
    const at = eipOf(claim)?.association?.privateIp;
    if (at !== undefined)
      give(
        claim,
        candidates(claim, snapshot).find((node) => node.internalIp === at && !taken.has(node.name)),
      );
  }
  for (const claim of wanting) {
    if (!choice.has(claim.object.uid))
      give(
        claim,
        candidates(claim, snapshot).find(({ name }) => !taken.has(name)),
      );
  }
  return choice;
}

/** All nodes that a claim's labels select, Ready or not. */
export function selectedNodes({ assignment }: ObjectClaim, { nodes }: ControllerSnapshot): readonly ControllerNode[] {
  if (assignment.kind !== 'node') return [];
  const wanted = Object.entries(assignment.labels);
  return nodes.filter(({ labels }) => wanted.every(([key, value]) => labels[key] === value));
}

function candidates(claim: ObjectClaim, snapshot: ControllerSnapshot): readonly ControllerNode[] {
  return selectedNodes(claim, snapshot)
    .filter(({ ready, deleting, instanceId }) => ready && !deleting && instanceId !== undefined)
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The primary address of the chosen node's instance. */
export function nodeTarget(claim: ObjectClaim, choice: NodeChoice, snapshot: ControllerSnapshot): Target {
  if (!snapshot.nodesKnown) return { state: 'unknown' };
  const node = choice.get(claim.object.uid);
  if (node?.instanceId === undefined) {
    const count = selectedNodes(claim, snapshot).length;
    const message = `none of the ${count} nodes with these labels is Ready and without another Elastic IP`;
    return { state: 'none', refusal: { reason: 'EipTargetMissing', message } };
  }
  return lookedUp(
    { kind: 'instance', instanceId: node.instanceId },
    snapshot,
    node.name,
    `EC2 does not list the primary interface of ${node.instanceId}`,
  );
}
