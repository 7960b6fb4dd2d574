import type { ControllerNode, ControllerSnapshot, ObjectAdapter, ObjectStep } from '../../model/eip-objects/plan.ts';
import { RETAINED_TAG } from '../../model/retention.ts';
import { selectedNodes } from './choose-nodes.ts';
import type { Decided } from './plan.ts';

/**
 * Each node that objects choose among says whether it holds an Elastic IP. One that still says so although no object chooses it any
 * more (deleted, or another selector) says no: network policies would send traffic out where nothing is. Nothing is taken back while
 * objects load or cannot be understood, nor from a node whose Elastic IP outlived its object.
 */
export function writeNodes(
  decisions: readonly Decided[],
  snapshot: ControllerSnapshot,
  adapter: ObjectAdapter,
): ObjectStep[] {
  const selecting = decisions.filter(({ claim }) => claim.assignment.kind === 'node' && !claim.object.deleting);
  if (!snapshot.claimsComplete || selecting.some(({ outcome }) => outcome === undefined)) return [];
  const holding = new Set(selecting.flatMap(({ outcome }) => outcome?.bound?.holder ?? []));
  const selected = new Set(selecting.flatMap(({ claim }) => selectedNodes(claim, snapshot).map(({ name }) => name)));
  const retained = new Set(
    snapshot.eips.flatMap(({ tags, association }) => (RETAINED_TAG in tags ? (association?.privateIp ?? []) : [])),
  );
  const isLeftOver = (node: ControllerNode) =>
    adapter.saysHolds(node) &&
    !snapshot.claimsRefused &&
    (node.internalIp === undefined || !retained.has(node.internalIp));
  return snapshot.nodes.flatMap((node): ObjectStep[] => {
    const holds = selected.has(node.name) ? holding.has(node.name) : isLeftOver(node) ? false : undefined;
    const patch = adapter.writeNode(node, holds);
    return patch === undefined
      ? []
      : [{ kind: 'write-node', key: `node ${node.name}`, node, patch: { metadata: patch } }];
  });
}
