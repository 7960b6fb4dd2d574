import { join } from 'node:path';
import { imdsAddresses } from '../../lib/ec2/imds.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { createEventRecorder } from '../../lib/kube/events.ts';
import { createNadCache } from '../../lib/kube/nads.ts';
import { createPodPublisher } from '../../lib/kube/publish.ts';
import type { NodeOptions } from '../../lib/config/options.ts';
import { reviveLedgerEntry } from '../../lib/model/ledger.ts';
import { isAlive, type Pod } from '../../lib/model/pod.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import { Supervisor } from '../../lib/runtime/supervisor.ts';
import { Engine } from '../engine/engine.ts';
import { serveHttp } from '../http.ts';
import { openProcess } from '../process.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import { hintsFrom, whoAmI } from '../aws/identity.ts';
import { watchImds } from './imds-watch.ts';
import { Gauges } from './gauges.ts';
import { openObservers } from './observers.ts';
import { watchPods } from './pod-watch.ts';
import { Publisher } from './publisher.ts';
import { definitionsOf, observeNode } from './sources.ts';
import { Story } from '../engine/story.ts';

/** How long calls in flight may take to end after a stop was asked for, ms; below the usual grace period of 30 s. */
const STOP_GRACE_MS = 10_000;

/**
 * `eni-agent node`: the composition root of the node agent. One long, boring function: everything is made here, in the order in which
 * it is needed, and nothing is decided here.
 */
export async function runNode(options: NodeOptions, stop: AbortSignal): Promise<number> {
  const { clock, random, log, metrics, environment } = openProcess('node', options, { node: options.nodeName });
  const calls = new AbortController();
  stop.addEventListener('abort', () => clock.after(STOP_GRACE_MS, () => calls.abort(stop.reason)), { once: true });
  const supervisor = new Supervisor(
    { clock, random, onFailure: (task, error, retryInMs) => log.error('a task failed and starts again', { task, error, retryInMs }) },
    stop,
  );

  const wake = () => engine?.wake();
  let engine: Engine | undefined;

  // Sources: started before EC2 is known, so that they are ready when it is.
  const connection = await loadConnection({ kubeconfig: options.kubeconfig, env: environment });
  const kube = createKubeClient({ connection, clock });
  const definitions = createNadCache({
    client: kube,
    clock,
    signal: stop,
    onError: (name, error) => log.warn('cannot read NetworkAttachmentDefinition; its floating IPs are unknown', { name, error }),
  });
  const learnDefinitions = (pod: Pod) => {
    const names = definitionsOf(pod);
    if (names.length > 0) void definitions.prefetch(names).then(wake);
  };
  const pods = watchPods({
    client: kube,
    nodeName: options.nodeName,
    clock,
    random,
    log,
    metrics,
    onSynced: wake,
    onChange: (pod) => {
      wake();
      learnDefinitions(pod);
    },
  });
  const observers = openObservers(options, { clock, random, log, onChange: wake });
  supervisor.keep('pod watch', (signal) => pods.run(signal));
  for (const observer of observers.tasks) supervisor.keep(observer.name, observer.run);

  // EC2.
  const endpoint = imdsEndpoint(environment);
  const imds = endpoint === undefined ? undefined : imdsReader({ endpoint, allowV1: false, now: () => performance.now() });
  const [identity, interfaces] = await Promise.all([
    whoAmI({ imds, kube, nodeName: options.nodeName, region: environment['AWS_REGION'], clock, random, log }, stop),
    hintsFrom(imds, stop),
  ]);
  const ec2 = openEc2(identity, () => interfaces, { log, metrics, environment });
  log.info('serving node', { ...identity, observe: options.observe, takeover: options.takeover, release: options.release });

  // Telling.
  const recorder = createEventRecorder({ client: kube, clock, signal: calls.signal, component: 'eni-agent', host: options.nodeName });
  const publisher = createPodPublisher({ client: kube, clock, random, signal: calls.signal });
  const story = new Story({
    clock,
    log,
    metrics,
    emit: ({ pod, ...event }) => {
      if (!options.dryRun && pod.uid !== '') recorder.record({ apiVersion: 'v1', kind: 'Pod', ...pod }, event);
    },
  });
  const publish = new Publisher({
    clock,
    log,
    pods: () => Array.from(pods.items()).filter((pod) => isAlive(pod) && definitionsOf(pod).length > 0),
    patch: (pod, change) => (options.dryRun ? Promise.resolve('written') : publisher.patchPod(pod, change)),
  });
  const gauges = new Gauges(metrics);

  // The engine.
  const ledger = new Journal({
    path: join(options.stateDir, 'ledger.jsonl'),
    revive: reviveLedgerEntry,
    onProblem: (message, error) => log.error(message, { error }),
  });
  const filter = { interfaces: (name: string) => options.interfaceFilter.test(name), namespaces: options.namespaces };
  engine = new Engine(
    {
      clock,
      random,
      ledger,
      ec2: ec2.addresses,
      instanceId: identity.instanceId,
      policy: { takeover: options.takeover, release: options.release, releaseDelayMs: options.releaseDelayMs },
      observe: () => observeNode({ pods, definitions, ...observers }, filter),
      report: (report) => {
        story.statuses(report.statuses);
        gauges.report(report, ledger.values());
        publish.publish(report);
      },
      events: story,
      callSignal: calls.signal,
      dryRun: options.dryRun,
      resyncMs: options.ec2ResyncMs,
    },
    stop,
  );
  const running = engine;
  if (imds !== undefined) {
    supervisor.keep('metadata watch', (signal) =>
      watchImds(
        {
          clock,
          intervalMs: options.imdsResyncMs,
          read: (inner) => imdsAddresses(imds, inner),
          enis: () => running.enis,
          doubt: (cause) => running.doubt(cause),
          onProblem: (error) => log.debug('instance metadata does not answer', { error }),
        },
        signal,
      ),
    );
  }
  if (options.httpAddress !== 'off') {
    const server = await serveHttp(
      options.httpAddress,
      {
        healthFaults: () => [],
        readyFaults: () => [
          ...(pods.synced ? [] : ['the pods of this node are not known yet']),
          ...(running.described ? [] : ['the ENIs of this node are not known yet']),
          ...observers.faults(),
        ],
        metrics: () => metrics.render(),
      },
      calls.signal,
    );
    log.info('listening', server.address);
  }
  await running.run();
  log.info('stopping: what was in flight has ended; the addresses stay');
  await recorder.drained();
  ledger.close();
  calls.abort(stop.reason);
  await supervisor.finished();
  await kube.close();
  return 0;
}
