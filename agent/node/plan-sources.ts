import { createNadCache, type NadCache } from '../../lib/kube/nads.ts';
import type { Reflector } from '../../lib/kube/reflector.ts';
import type { FloatingIp } from '../../lib/model/floating-ips/floating-ip.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import type { Pod } from '../../lib/model/pod.ts';
import { readEntries } from '../../lib/net/entry-folder.ts';
import { TenantRules } from '../tenants/tenant-rules.ts';
import { type Observers, openObservers } from './observers.ts';
import type { PlanAnswers } from './plan-answers.ts';
import { LOOK_MS, type LookOptions } from './plan-context.ts';
import { watchPods } from './pod-watch.ts';

/** What `plan` observes of the cluster and the host. */
export interface PlanSources {
  readonly pods: Reflector<Pod>;
  readonly definitions: NadCache;
  readonly tenants: TenantRules;
  readonly observers: Observers;
  /** Of the FloatingIPs that this node serves. */
  readonly nodeAddresses: ReadonlySet<IpAddress>;
  /** Everything that observes; they end when the signal aborts. */
  readonly tasks: readonly Promise<void>[];
}

/** Reads the tenant policy and begins to observe pods and host until the signal aborts. @throws {Error} when the policy cannot be read. */
export async function openPlanSources(
  { options, parts, kube, floatingIps }: LookOptions,
  answers: PlanAnswers,
  signal: AbortSignal,
): Promise<PlanSources> {
  const { clock, random, log, metrics } = parts;
  const { nodeName } = options;
  const onChange = () => answers.changed.publish();
  const definitions = createNadCache({ client: kube, clock, signal });
  const tenants = new TenantRules({
    clock,
    log,
    required: options.tenantPolicy === 'required',
    read: () => readEntries(options.tenantPolicyDir),
    onChange,
  });
  await tenants.load();
  const pods = watchPods({
    client: kube,
    nodeName,
    process: { clock, random, log, metrics },
    onSynced: onChange,
    onChange,
  });
  const observers = openObservers({ ...options, addressResyncMs: LOOK_MS }, { clock, random, log, onChange });
  return {
    pods,
    definitions,
    tenants,
    observers,
    nodeAddresses: addressesServedBy(nodeName, floatingIps),
    tasks: [pods.run(signal), ...observers.tasks.map((task) => task.run(signal))],
  };
}

function addressesServedBy(nodeName: string, floatingIps: readonly FloatingIp[]): ReadonlySet<IpAddress> {
  const served = floatingIps.filter(({ status }) => status.node === nodeName);
  return new Set(served.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
}
