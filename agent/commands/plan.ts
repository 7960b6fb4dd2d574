import { join } from 'node:path';
import { EXIT } from '../../lib/config/exit-codes.ts';
import type { PlanOptions } from '../../lib/config/options.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { createNadCache } from '../../lib/kube/nads.ts';
import type { Action } from '../../lib/model/addresses/action.ts';
import type { Claim } from '../../lib/model/addresses/claim.ts';
import { reviveLedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import { podKey } from '../../lib/model/pod.ts';
import { readEntries } from '../../lib/net/entry-folder.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import { silentLogger } from '../../lib/runtime/logger.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeReport } from '../addresses/reconciler-options.ts';
import { AddressReporter } from '../addresses/reporter.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import { hintsFrom, resolveIdentity } from '../aws/identity.ts';
import { openObservers } from '../node/observers.ts';
import { watchPods } from '../node/pod-watch.ts';
import { definitionsOf, observeNode } from '../node/sources.ts';
import { openProcess } from '../process.ts';
import { TenantRules } from '../tenants/tenant-rules.ts';

/** How long the sources may take, ms. */
const LOOK_MS = 30_000;

/** `eni-agent plan`: looks once at everything that `node` looks at, prints what it would do and why, and changes nothing. */
export async function runPlan(options: PlanOptions, stop: AbortSignal): Promise<number> {
  const { clock, random, log, metrics, environment } = openProcess('plan', { ...options, logLevel: 'warn' }, {});
  const done = new AbortController();
  const signal = AbortSignal.any([stop, done.signal, AbortSignal.timeout(LOOK_MS)]);
  const looked = Promise.withResolvers<NodeReport | undefined>();
  signal.addEventListener('abort', () => looked.resolve(undefined), { once: true });
  const wake = () => engine?.wake();
  let engine: AddressReconciler | undefined;
  const kube = createKubeClient({
    connection: await loadConnection({ kubeconfig: options.kubeconfig, env: environment }),
    clock,
  });
  const definitions = createNadCache({ client: kube, clock, signal });
  const tenants = new TenantRules({
    clock,
    log,
    required: options.tenantPolicy === 'required',
    read: () => readEntries(options.tenantPolicyDir),
    onChange: wake,
  });
  await tenants.load();
  const pods = watchPods({
    client: kube,
    nodeName: options.nodeName,
    clock,
    random,
    log,
    metrics,
    onSynced: wake,
    onChange: wake,
  });
  const observers = openObservers({ ...options, addressResyncMs: LOOK_MS }, { clock, random, log, onChange: wake });
  const tasks = [pods.run(signal), ...observers.tasks.map((task) => task.run(signal))];
  const endpoint = imdsEndpoint(environment);
  const imds =
    endpoint === undefined ? undefined : imdsReader({ endpoint, allowV1: false, now: () => performance.now() });
  const identity = await resolveIdentity(
    { imds, kube, nodeName: options.nodeName, region: environment['AWS_REGION'], clock, random, log },
    signal,
  );
  const interfaces = await hintsFrom(imds, signal);
  const ec2 = openEc2(identity, () => interfaces, { log, metrics, environment });
  let fetched: Promise<void> | undefined;
  engine = new AddressReconciler(
    {
      clock,
      random,
      rateLimit: new RateLimit({ clock, random }),
      ec2: ec2.addresses,
      instanceId: identity.instanceId,
      ledger: new Journal({
        path: join(options.stateDir, 'ledger.jsonl'),
        access: 'read',
        revive: (stored) => reviveLedgerEntry(stored, clock.now()),
        onProblem: (message, error) => log.warn(message, { error }),
      }),
      policy: {
        takeover: options.takeover,
        allowPrimary: options.allowPrimary,
        release: options.release,
        releaseDelayMs: options.releaseDelayMs,
      },
      observe: () =>
        observeNode(
          { pods, definitions, ...observers },
          {
            interfaces: (name) => options.interfaceFilter.test(name),
            namespaces: options.namespaces,
            tenants: () => tenants.policy,
          },
        ),
      report: (report) => {
        if (!report.complete) return;
        // Definitions are fetched only once it is known which ones; the round after that is the one to print.
        if (fetched === undefined)
          fetched = definitions.prefetch([...pods.items()].flatMap(definitionsOf)).then(wake, wake);
        else void fetched.then(() => looked.resolve(report));
      },
      events: new AddressReporter({ clock, log: silentLogger, metrics, emit: () => undefined }),
      callSignal: signal,
      dryRun: true,
      resyncMs: LOOK_MS,
    },
    signal,
  );
  const running = engine.run();
  const report = await looked.promise;
  done.abort();
  await Promise.all([running, ...tasks]);
  await kube.close();
  const missing = [
    ...(pods.synced ? [] : ['the API server does not tell the pods of this node']),
    ...(engine.describedAt === undefined ? ['EC2 does not tell the ENIs of this node'] : []),
    ...observers.faults(),
  ];
  process.stdout.write(
    report
      ? renderPlan(report)
      : `not everything answered within ${LOOK_MS / 1000} s:\n${missing.map((line) => `  ${line}\n`).join('')}`,
  );
  return report ? EXIT.ok : EXIT.unknown;
}

/** A plan for people: what would be done, then where every address stands. */
export function renderPlan({ actions, statuses, leftOut }: NodeReport): string {
  const todo = actions.map(renderAction);
  const rows = [...statuses.map(renderStatus), ...leftOut.map(renderLeftOut)];
  return [
    todo.length === 0 ? 'Nothing to do.' : `Would do ${todo.length}:`,
    ...todo.map((line) => `  ${line}`),
    '',
    rows.length === 0 ? 'No pod of this node claims an address.' : 'Claims:',
    ...rows.map((line) => `  ${line}`),
    '',
  ].join('\n');
}

function renderAction(action: Action): string {
  if (action.kind === 'unassign')
    return `unassign ${action.address} from ${action.eni}: assigned by us, and no pod uses it any more`;
  const { claim } = action;
  const how = action.takeover ? ', taking it over if another ENI holds it' : ', only if it is free';
  return `assign ${action.address} to ${action.eni}: ${claim.kind} address of ${podKey(claim.holder)} on ${claim.interface}${how}`;
}

function renderLeftOut({ address, kind, holder, interface: on }: Claim): string {
  return `${address} ${kind} ${podKey(holder)} ${on}: left out, no subnet of the VPC has it`;
}

function renderStatus({ claim, state, eni, refusal }: ClaimStatus): string {
  const where = `${claim.address} ${claim.kind} ${podKey(claim.holder)} ${claim.interface}`;
  return `${where}: ${state}${eni ? ` on ${eni}` : ''}${refusal ? ` (${refusal.reason}: ${refusal.message})` : ''}`;
}
