import type { NodeReport } from '../../../agent/addresses/reconciler-options.ts';
import { ElasticIpReconciler } from '../../../agent/elastic-ips/reconciler.ts';
import type { EipReport } from '../../../agent/elastic-ips/reconciler-options.ts';
import { Publisher } from '../../../agent/node/publisher.ts';
import { metadataOf, podDialects } from '../../../lib/dialect/index.ts';
import { requestsOf } from '../../../lib/dialect/requests.ts';
import type { PodChange } from '../../../lib/kube/publish.ts';
import type { ClaimStatus } from '../../../lib/model/addresses/plan.ts';
import type { EipEventKind, EipStatus } from '../../../lib/model/elastic-ips/claim.ts';
import type { PendingAssociation } from '../../../lib/model/elastic-ips/pending-association.ts';
import { type Eni, withoutAddresses } from '../../../lib/model/eni.ts';
import { type IpAddress, ip } from '../../../lib/model/ip.ts';
import { type Pod, podKey } from '../../../lib/model/pod.ts';
import { withChange } from '../../../lib/plan/addresses/pod-report.ts';
import { Journal } from '../../../lib/runtime/journal.ts';
import type { Logger } from '../../../lib/runtime/logger.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { ReconcileHealth } from '../../../lib/runtime/reconcile-health.ts';
import type { VirtualClock } from '../../support/virtual-clock.ts';
import { seededRandom } from '../../support/virtual-clock.ts';
import { eniOf, LATENCY_MS, type Region } from './region.ts';

export const RELEASE_DELAY_MS = 30_000;

interface Running {
  readonly engine: ElasticIpReconciler;
  readonly stop: AbortController;
  readonly calls: AbortController;
}

/** One node in process: pods that a test puts there, and the real engine for Elastic IPs, which can be killed at any instant. */
export class EipNode {
  readonly name: string;
  readonly events: (EipEventKind & { readonly pod: string })[] = [];
  readonly patches: { readonly pod: string; readonly at: number; readonly change: PodChange }[] = [];
  readonly logs: { readonly level: string; readonly message: string; readonly fields: unknown }[] = [];
  clusterName: string | undefined = 'test';
  /** How long a write to the API server takes, and then the watch to show it, ms. */
  patchMs = 20;
  readonly #clock: VirtualClock;
  readonly #region: Region;
  readonly #pods = new Map<string, Pod>();
  readonly #addresses = new Map<string, ClaimStatus>();
  readonly #pendingAssociations = new Journal<PendingAssociation>({
    path: '',
    access: 'memory',
    revive: () => undefined,
    onProblem: () => undefined,
  });
  #enis: { readonly list: readonly Eni[]; readonly at: number } | undefined;
  readonly #leaving = new Set<IpAddress>();
  #describing = false;
  #running: Running | undefined;
  #report: EipReport | undefined;
  #serial = 0;

  constructor(name: string, clock: VirtualClock, region: Region) {
    this.name = name;
    this.#clock = clock;
    this.#region = region;
    region.addNode(name);
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  start(): void {
    const [stop, calls] = [new AbortController(), new AbortController()];
    const random = seededRandom(++this.#serial);
    const clock = this.#clock;
    const alive = () => !calls.signal.aborted;
    const publisher = new Publisher({
      process: { clock, log: this.#logger(), health: new ReconcileHealth({ clock }) },
      pods: () => this.#pods.values(),
      hasNetworks: () => false,
      metadata: metadataOf,
      patch: (pod, change) => this.#patch(pod, change, alive),
    });
    const engine = new ElasticIpReconciler(
      {
        process: { clock, random, log: this.#logger(), callSignal: calls.signal, dryRun: false },
        ec2: {
          elasticIps: whileAlive(this.#region.api(this.name), calls.signal),
          interfaces: { describe: ({ ids }) => this.#region.describeInterfaces(ids ?? []) },
          rateLimit: new RateLimit({ clock, random }),
          invalidateEnis: () => void this.describe(),
        },
        requests: {
          context: { clusterName: this.clusterName, nodeName: this.name },
          dialects: podDialects,
          requestsOf,
          serves: () => true,
        },
        pendingAssociations: this.#pendingAssociations,
        releaseDelayMs: RELEASE_DELAY_MS,
        observe: () => ({
          pods: [...this.#pods.values()],
          podsKnown: true,
          enis: this.#enis?.list ?? [],
          describedAt: this.#enis?.at,
          addresses: [...this.#addresses.values()],
          addressesComplete: this.#enis !== undefined,
          leaving: new Set(this.#leaving),
        }),
        reports: {
          report: (report) => {
            if (!alive()) return;
            this.#report = report;
            publisher.addresses(this.#nodeReport());
            publisher.routed([]);
            publisher.elasticIps(report);
          },
          recordEvent: (claim, owner, event) => {
            if (alive()) this.events.push({ ...event, pod: claim ? podKey(claim.owner) : owner });
          },
        },
      },
      stop.signal,
    );
    this.#running = { engine, stop, calls };
    void this.describe();
  }

  /** SIGKILL: nothing is sent any more, no answer is heard; what was sent may still be done. */
  kill(): void {
    this.#running?.calls.abort();
    this.#running?.stop.abort();
    this.#running = undefined;
    this.#report = undefined;
  }

  /** The main job's describe of the node's ENIs. */
  async describe(): Promise<void> {
    if (this.#describing) return;
    this.#describing = true;
    const at = this.#clock.now();
    await this.#clock.sleep(LATENCY_MS, new AbortController().signal);
    this.#describing = false;
    this.#enis = { list: this.#region.enisOf(this.name), at };
    this.trigger();
  }

  /** A pod without an address yet. */
  schedule(name: string, annotations: Readonly<Record<string, string>>): Pod {
    const uid = `uid-${name}-${this.name}-${++this.#serial}`;
    const pod: Pod = {
      namespace: 'default',
      name,
      uid,
      nodeName: this.name,
      phase: 'Pending',
      terminating: false,
      hostNetwork: false,
      podIps: [],
      labels: {},
      annotations,
      conditions: [],
      finalizers: [],
    };
    this.#pods.set(name, pod);
    this.trigger();
    return pod;
  }

  /** The pod gets its primary address, which the VPC CNI has on the ENI. */
  address(name: string, address: string): void {
    if (this.#region.cloud.state.holderOf('subnet-1', ip(address)) !== eniOf(this.name))
      this.#region.assign(eniOf(this.name), address);
    this.#change(name, { podIps: [ip(address)], phase: 'Running' });
  }

  /** The pod gets a primary address that is not on the node's own ENIs. */
  addressed(name: string, address: string): void {
    this.#change(name, { podIps: [ip(address)], phase: 'Running' });
  }

  run(name: string, annotations: Readonly<Record<string, string>>, address: string): void {
    this.schedule(name, annotations);
    this.address(name, address);
  }

  annotate(name: string, annotations: Readonly<Record<string, string>>): void {
    this.#change(name, { annotations });
  }

  /** Somebody else writes labels; null removes one. */
  label(name: string, labels: Readonly<Record<string, string | null>>): void {
    const pod = this.#pods.get(name);
    if (pod) this.#change(name, withChange(pod, { labels }));
  }

  complete(name: string): void {
    this.#change(name, { phase: 'Succeeded' });
  }

  /** The main job has an address of the pod on the node's ENI: taken over if somebody else had it. */
  attach(name: string, address: string, kind: 'ipam' | 'floating' = 'ipam'): void {
    this.#region.assign(eniOf(this.name), address);
    this.#leaving.delete(ip(address));
    this.#addressStatus(name, address, kind, 'assigned');
  }

  /** The pod may hold the floating address but somebody else does. */
  standBy(name: string, address: string): void {
    this.#addressStatus(name, address, 'floating', 'refused');
  }

  detach(name: string, address: string): void {
    this.#addresses.delete(`${name} ${address}`);
    this.trigger();
  }

  /** The pod is gone; what the main job assigned for it follows after its cool-down. */
  delete(name: string): void {
    this.#pods.delete(name);
    for (const [key, { claim }] of this.#addresses) {
      if (claim.holder.name !== name) continue;
      this.#addresses.delete(key);
      this.#leaving.add(claim.address);
      this.#clock.after(RELEASE_DELAY_MS, () => this.#unassign(claim.address));
    }
    this.trigger();
  }

  /** The main job's call, whose accepted answer changes its facts at once. */
  #unassign(address: IpAddress): void {
    this.#leaving.delete(address);
    if (Array.from(this.#addresses.values()).some(({ claim }) => claim.address === address)) return;
    this.#region.unassign(eniOf(this.name), address);
    const list = this.#enis?.list.map((eni) => withoutAddresses(eni, [address])) ?? [];
    if (this.#enis) this.#enis = { ...this.#enis, list };
    this.trigger();
  }

  get pods(): readonly Pod[] {
    return [...this.#pods.values()];
  }

  get statuses(): readonly EipStatus[] {
    return this.#report?.statuses ?? [];
  }

  statusOf(pod: string): EipStatus | undefined {
    return this.statuses.find(({ claim }) => claim.owner.name === pod);
  }

  publicIpOf(pod: string): IpAddress | undefined {
    const status = this.statusOf(pod);
    return status?.state === 'bound' ? status.publicIp : undefined;
  }

  #addressStatus(name: string, address: string, kind: 'ipam' | 'floating', state: 'assigned' | 'refused'): void {
    const holder = this.#pods.get(name);
    if (holder === undefined) throw new Error(`no pod ${name}`);
    const claim = {
      address: ip(address),
      kind,
      holder,
      interface: 'net1',
      mac: undefined,
      masterMac: undefined,
      since: this.#clock.now(),
    };
    const eni = eniOf(this.name);
    this.#addresses.set(
      `${name} ${address}`,
      state === 'assigned'
        ? { claim, state, eni }
        : { claim, state, eni: undefined, refusal: { reason: 'HeldElsewhere', message: 'held elsewhere' } },
    );
    this.trigger();
  }

  #nodeReport(): NodeReport {
    const enis = this.#enis?.list ?? [];
    const about = { at: this.#clock.now(), leftOut: [], refusals: new Map(), actions: [] };
    return { ...about, enis, statuses: [...this.#addresses.values()], complete: this.#enis !== undefined };
  }

  /** The API server answers, and only later the watch shows what was written. */
  async #patch({ name, uid }: Pod, change: PodChange, alive: () => boolean): Promise<void> {
    const { signal } = new AbortController();
    await this.#clock.sleep(this.patchMs / 2, signal);
    if (!alive()) return;
    this.patches.push({ pod: name, at: this.#clock.now(), change });
    this.#clock.after(this.patchMs, () => {
      const pod = this.#pods.get(name);
      if (pod?.uid !== uid) return;
      const { conditions: [condition] = [], ...metadata } = change;
      this.#pods.set(name, withChange(pod, { ...metadata, ...(condition && { condition }) }));
      this.trigger();
    });
    await this.#clock.sleep(this.patchMs / 2, signal);
  }

  #change(name: string, change: Partial<Pod>): void {
    const pod = this.#pods.get(name);
    if (pod === undefined) throw new Error(`no pod ${name}`);
    this.#pods.set(name, { ...pod, ...change });
    this.trigger();
  }

  /** Something happened on the node that need not concern Elastic IPs. */
  trigger(): void {
    this.#running?.engine.trigger();
  }

  #logger(): Logger {
    const at = (level: string) => (message: string, fields?: unknown) =>
      void this.logs.push({ level, message, fields });
    const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
    return { ...logger, child: () => this.#logger() };
  }
}

/** A killed process never hears an answer, so that nothing in it goes on. */
function whileAlive<Api extends object>(api: Api, killed: AbortSignal): Api {
  const guarded = Object.entries(api).map(([name, call]) => [
    name,
    (...args: unknown[]) => {
      if (killed.aborted) return never();
      // The call is not aborted: what left the dying process arrives.
      const options = { ...(args.at(-1) as object), signal: new AbortController().signal };
      const answer = (call as (...all: unknown[]) => Promise<unknown>)(...args.slice(0, -1), options);
      return answer.then(
        (value) => (killed.aborted ? never() : value),
        (error: unknown) => (killed.aborted ? never() : Promise.reject(error as Error)),
      );
    },
  ]);
  return Object.fromEntries(guarded) as Api;
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
