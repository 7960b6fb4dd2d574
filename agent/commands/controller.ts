import type { ControllerOptions } from '../../lib/config/options.ts';
import { chooseRegion } from '../../lib/ec2/identity.ts';
import { imdsIdentity } from '../../lib/ec2/imds.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import { createElection } from '../controller/election.ts';
import { openControllerTracing } from '../controller/open-tracing.ts';
import { ControllerSnapshot } from '../controller/snapshot.ts';
import { leadOneTerm } from '../controller/term.ts';
import { serveHttp } from '../http.ts';
import { openProcess, type ProcessParts } from '../process.ts';
import { VERSION } from '../version.ts';

/** Exit code for a configuration that cannot be used (EX_USAGE of sysexits). */
const USAGE_FAULT = 64;

/**
 * `eni-agent controller`: the composition root. The standby holds nothing but its connection and looks at the Lease; all watches and
 * loops live for one term of leadership, so that each begins with fresh eyes.
 */
export async function runController(options: ControllerOptions, stop: AbortSignal): Promise<number> {
  const parts = openProcess('controller', options, {});
  const { clock, log, metrics, environment } = parts;
  const { clusterName } = options;
  if (clusterName === undefined) {
    log.error(
      'the owners of Elastic IPs cannot be told apart without a cluster name; set --cluster-name or CLUSTER_NAME',
    );
    return USAGE_FAULT;
  }
  const connection = await loadConnection({ kubeconfig: options.kubeconfig, env: environment });
  const kube = createKubeClient({ connection, clock });
  const tracing = await openControllerTracing(environment, log, () => clock.now());
  const { tracer } = tracing;
  let waiting: string | undefined = 'the AWS region is not known yet';
  const closing = new AbortController();
  const snapshot = new ControllerSnapshot(clock);
  const endpoints = {
    healthFaults: () => parts.health.faults(),
    // A standby is ready, too: it could lead at any time.
    readyFaults: () => [...(waiting === undefined ? [] : [waiting]), ...parts.health.failing()],
    metrics: () => metrics.render(),
    snapshot: options.serveSnapshot ? () => snapshot.read(waiting) : undefined,
  };
  const server = await serveHttp(options.httpAddress, endpoints, closing.signal);
  for (const address of server.addresses) log.info('listening', { ...address });
  const region = await findRegion(parts, stop, (reason) => {
    waiting = reason;
  });
  waiting = undefined;
  const ec2 = openEc2(region, () => [], { ...parts, tracer });
  const { openServiceQuotas } = await import('../../lib/ec2/service-quotas.ts');
  const quotas = openServiceQuotas({
    region: chooseRegion({ environment, identity: region }),
    version: VERSION,
    credentials: ec2.credentials,
  });
  const namespace = options.leaseNamespace ?? connection.namespace ?? 'default';
  const lead = (signal: AbortSignal, mayAct: () => boolean) => {
    snapshot.leads = mayAct;
    const cluster = { name: clusterName, kube, namespace };
    return leadOneTerm({ process: parts, options, cluster, aws: { ec2, quotas }, tracer, mayAct, snapshot }, signal);
  };
  await createElection({ process: parts, kube, options, namespace, lead }).run(stop);
  closing.abort(stop.reason);
  await tracing.close();
  await kube.close();
  return 0;
}

/**
 * `AWS_REGION` (a service account with a role has it), else the region of the instance that we run on, asked until it answers.
 * @throws the signal's reason when it aborts first.
 */
async function findRegion(
  { environment, clock, random, log }: ProcessParts,
  signal: AbortSignal,
  onWaiting: (reason: string) => void,
): Promise<InstanceIdentity> {
  const region = environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'];
  const endpoint = imdsEndpoint(environment);
  if (region || endpoint === undefined) return { instanceId: '', region: region ?? '', instanceType: undefined };
  const read = imdsReader({ endpoint, allowV1: false, now: () => performance.now() });
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted();
    try {
      return await imdsIdentity(read, signal);
    } catch (error) {
      const retryInMs = Math.round(backoffMs(failures, { baseMs: 500, maxMs: 15_000, random }));
      const message = 'cannot find out the AWS region: set AWS_REGION, or let pods reach the instance metadata';
      onWaiting(`${message} (${error instanceof Error ? error.message : String(error)})`);
      log.warn(message, { error, retryInMs });
      await clock.sleep(retryInMs, signal);
    }
  }
}
