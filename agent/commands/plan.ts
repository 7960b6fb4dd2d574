import { EXIT } from '../../lib/config/exit-codes.ts';
import type { PlanOptions } from '../../lib/config/options.ts';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import { listAll } from '../../lib/kube/list.ts';
import { getNode } from '../../lib/kube/node.ts';
import { type FloatingIp, floatingIpOf } from '../../lib/model/floating-ips/floating-ip.ts';
import { floatingIpStates } from '../../lib/plan/status/floating-ips.ts';
import { nodeSnapshot } from '../../lib/plan/status/node-snapshot.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import { LOOK_MS } from '../node/plan-context.ts';
import { type Look, lookOnce } from '../node/plan-look.ts';
import {
  addressStep,
  elasticIpStep,
  leftOutText,
  PLAN_SCHEMA,
  type PlanView,
  renderPlan,
  routeStep,
} from '../node/render-plan.ts';
import { openProcess } from '../process.ts';
import { agentOf, listAgents } from '../remote/agents.ts';
import { planCodeOf, runInAgent } from '../remote/kubectl.ts';
import { paintFor } from '../text/paint.ts';
import { toYaml } from '../text/yaml.ts';
import { VERSION } from '../version.ts';

/**
 * `eni-agent plan`: looks once at everything that `node` looks at, prints what it would do and why, and changes nothing. What it waits
 * for, and every log line, goes to stderr. 0 when the plan is printed, 2 when none could be made.
 * @throws {Error} for a node that the cluster does not have.
 */
export async function runPlan(options: PlanOptions, stop: AbortSignal): Promise<number> {
  if (options.onlyNode !== undefined) return runOnNode(options, options.onlyNode, stop);
  const parts = openProcess('plan', { ...options, logLevel: 'error' }, {}, process.stderr);
  const startedAt = parts.clock.now();
  const connection = await loadConnection({ kubeconfig: options.kubeconfig, env: parts.environment });
  const kube = createKubeClient({ connection, clock: parts.clock });
  try {
    await mustKnow(kube, options.nodeName, stop);
    const floatingIps = await readFloatingIps(kube, stop);
    const look = await lookOnce({ options, parts, kube, floatingIps, onWaiting }, stop);
    if (look.addresses === undefined) {
      process.stderr.write(`eni-agent plan: not everything answered within ${LOOK_MS / 1000} s:\n`);
      for (const line of look.missing) process.stderr.write(`  ${line}\n`);
      return EXIT.unknown;
    }
    print(viewOf(look, options, floatingIps, startedAt), options);
    return EXIT.ok;
  } finally {
    await kube.close();
  }
}

/** In the pod of the node's agent, with the rights of whoever asks; it prints and ends as there. */
async function runOnNode(options: PlanOptions, node: string, stop: AbortSignal): Promise<number> {
  const { kubeconfig, context, output } = options;
  const connection = await loadConnection({ kubeconfig, context, env: process.env });
  const client = createKubeClient({ connection, clock: systemClock() });
  try {
    const agent = agentOf(await listAgents(client, stop), node);
    const end = await runInAgent(agent, ['plan', '-o', output], { kubeconfig, context }, stop);
    process.stdout.write(end.out);
    process.stderr.write(end.err);
    return planCodeOf(end);
  } finally {
    await client.close();
  }
}

function onWaiting(missing: readonly string[]): void {
  if (missing.length > 0) process.stderr.write(`eni-agent plan: waiting for ${missing.join(', ')}\n`);
}

/** A misspelt name would look like a node without pods. Who may not read nodes is believed. */
async function mustKnow(kube: KubeClient, nodeName: string, signal: AbortSignal): Promise<void> {
  try {
    await getNode(kube, nodeName, signal);
  } catch (error) {
    if (!isKubeError(error) || error.status === 403) return;
    if (error.status === 404)
      throw new Error(`the cluster has no node ${JSON.stringify(nodeName)}; see kubectl get nodes`, { cause: error });
    throw error;
  }
}

/** None where the resource is not installed or may not be read. */
async function readFloatingIps(kube: KubeClient, signal: AbortSignal): Promise<readonly FloatingIp[]> {
  const path = '/apis/eni-agent.io/v1alpha1/floatingips';
  try {
    const { entries } = await listAll(kube, { path, query: {}, from: '0', signal, convert: floatingIpOf });
    return entries.flatMap((one) => one ?? []);
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return [];
  }
}

function viewOf(look: Look, options: PlanOptions, floatingIps: readonly FloatingIp[], startedAt: number): PlanView {
  const { identity, addresses, elasticIps, routes, describedAt } = look;
  const { nodeName, observe, takeover, release, clusterName } = options;
  return {
    schema: PLAN_SCHEMA,
    steps: [
      ...(addresses?.actions ?? []).map(addressStep),
      ...(routes?.steps ?? []).map(routeStep),
      ...(elasticIps?.steps ?? []).map(elasticIpStep),
    ],
    leftOut: (addresses?.leftOut ?? []).map(leftOutText),
    elasticIpsKnown: elasticIps !== undefined || clusterName === undefined,
    floatingIps: floatingIpStates(floatingIps),
    snapshot: nodeSnapshot({
      version: VERSION,
      node: nodeName,
      instanceId: identity?.instanceId ?? '',
      instanceType: identity?.instanceType,
      region: identity?.region ?? '',
      at: addresses?.at ?? startedAt,
      startedAt,
      observe,
      takeover,
      release,
      dryRun: true,
      notReady: [],
      notes: look.missing,
      describedAt,
      complete: addresses?.complete ?? false,
      enis: addresses?.enis ?? [],
      statuses: [...(addresses?.statuses ?? []), ...(routes?.statuses ?? [])],
      refusals: mergedRefusals(addresses?.refusals, elasticIps?.refusals),
      elasticIps: elasticIps?.statuses ?? [],
    }),
  };
}

/** What the two loops could not understand; of one pod both may have something to say. */
function mergedRefusals(...sources: readonly (NodeReport['refusals'] | undefined)[]): NodeReport['refusals'] {
  const all = sources.flatMap((source) => [...(source ?? [])]);
  const bySubject = Map.groupBy(all, ([subject]) => subject);
  return new Map(Array.from(bySubject, ([subject, lists]) => [subject, lists.flatMap(([, list]) => list)]));
}

function print(view: PlanView, { output }: PlanOptions): void {
  const { stdout } = process;
  if (output === 'json') stdout.write(`${JSON.stringify(view, undefined, 2)}\n`);
  else if (output === 'yaml') stdout.write(toYaml(view));
  else stdout.write(renderPlan(view, paintFor(stdout, process.env)));
}
