import { diagnoseAgent } from './diagnose-agent.ts';
import { diagnoseAws } from './diagnose-aws.ts';
import { diagnoseCluster } from './diagnose-cluster.ts';
import { diagnoseEnis } from './diagnose-enis.ts';
import { diagnoseHost } from './diagnose-host.ts';
import { diagnoseNodeEnis } from './diagnose-node-enis.ts';
import { diagnoseRoutes } from './diagnose-routes.ts';
import type { Check, Evidence } from './evidence.ts';

/** One check for each prerequisite, in the order in which a reader should fix them. Pure. */
export function diagnose(evidence: Evidence): readonly Check[] {
  return [
    ...diagnoseAws(evidence),
    ...diagnoseEnis(evidence),
    ...diagnoseNodeEnis(evidence),
    ...diagnoseRoutes(evidence),
    ...diagnoseHost(evidence),
    ...diagnoseCluster(evidence),
    diagnoseAgent(evidence),
  ];
}
