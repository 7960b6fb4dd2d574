import type { ClusterFacts } from '../../model/status/cluster-facts.ts';
import type { ClusterSummary } from '../../model/status/cluster-status.ts';
import { order } from './agents.ts';

/** Who is throttled by EC2 at the moment: every agent whose rate limit lets no call leave at once. */
export function ec2Use({ snapshots }: ClusterFacts): ClusterSummary['ec2'] {
  const known = Array.from(snapshots, ([pod, answer]) => {
    if (!('view' in answer) || answer.view.ec2 === undefined) return [];
    return [{ who: answer.view.kind === 'node' ? answer.view.node : pod, ...answer.view.ec2 }];
  }).flat();
  if (known.length === 0) return null;
  return {
    throttled: known
      .filter(({ tokens }) => tokens === 0)
      .map(({ who }) => who)
      .toSorted(order),
    waiting: known.reduce((sum, { waiting }) => sum + waiting, 0),
  };
}
