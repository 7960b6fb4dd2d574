import { appendFileSync, copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressEvents } from '../../agent/addresses/events.ts';
import { AddressReconciler } from '../../agent/addresses/reconciler.ts';
import type { AddressReconcilerOptions, NodeReport, Observed } from '../../agent/addresses/reconciler-options.ts';
import { oneCallPerEni } from '../../agent/aws/eni-writer.ts';
import type { AddressApi } from '../../lib/ec2/api.ts';
import type { ClaimKind } from '../../lib/model/addresses/claim.ts';
import { type LedgerEntry, reviveLedgerEntry } from '../../lib/model/addresses/ledger.ts';
import type { ClaimStatus } from '../../lib/model/addresses/plan.ts';
import type { Policy } from '../../lib/model/addresses/snapshot.ts';
import { mac } from '../../lib/model/eni.ts';
import { type IpAddress, ip } from '../../lib/model/ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import type { ClaimDraft } from '../../lib/plan/addresses/claims.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import { Journal } from '../../lib/runtime/journal.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import { eniOf, type FakeEc2, instanceOf, macOf } from './fake-ec2.ts';
import { seededRandom } from './virtual-clock.ts';

export interface FakeNodeOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly ec2: FakeEc2;
  readonly policy?: Partial<Policy>;
  readonly resyncMs?: number;
  readonly seed?: number;
}

interface Running {
  readonly engine: AddressReconciler;
  readonly stop: AbortController;
  readonly calls: AbortController;
  readonly finished: Promise<void>;
  readonly ledger: Journal<LedgerEntry>;
}

const folder = mkdtempSync(join(tmpdir(), 'fake-node-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
let ledgers = 0;

/**
 * One node in process: pods that a test puts there and takes away, and the real engine with a real ledger file. The agent can be
 * stopped, killed at any instant and started again; the pods stay.
 */
export class FakeNode {
  readonly name: string;
  readonly problems: string[] = [];
  readonly failures: string[] = [];
  readonly lost: IpAddress[] = [];
  readonly released: IpAddress[] = [];
  /** Forced moves as they are reported: `ADDRESS from ENI`. */
  readonly forced: string[] = [];
  /** Set to make the sources of claims incomplete, as while the API is loading. */
  complete = true;
  /** Set (with `complete` false) while a namespace is still to be read, as while pods come. */
  hiddenSince: number | undefined;
  readonly #options: FakeNodeOptions;
  readonly #claims = new Map<string, ClaimDraft>();
  #ledgerPath: string;
  #running: Running | undefined;
  #report: NodeReport | undefined;
  #starts = 0;

  constructor(options: FakeNodeOptions) {
    this.#options = options;
    this.name = options.name;
    this.#ledgerPath = nextLedger(options.name);
  }

  start(): void {
    const { clock, ec2, name, seed = 1, resyncMs = 600_000 } = this.#options;
    const [stop, calls] = [new AbortController(), new AbortController()];
    const ledger = new Journal({
      path: this.#ledgerPath,
      revive: (stored) => reviveLedgerEntry(stored, clock.now()),
      onProblem: (message) => this.problems.push(message),
    });
    const random = seededRandom(seed + 1000 * this.#starts++);
    const options: AddressReconcilerOptions = {
      process: { clock, random, dryRun: false, callSignal: calls.signal },
      ec2: {
        addresses: oneCallPerEni(whileAlive(ec2.api(name), calls.signal)),
        rateLimit: new RateLimit({ clock, random }),
        resyncMs,
      },
      instance: { instanceId: instanceOf(name) },
      records: { ledger },
      policy: {
        takeover: 'declared',
        allowPrimary: false,
        release: 'after-delay',
        releaseDelayMs: 30_000,
        ...this.#options.policy,
      },
      observe: () => this.#observe(),
      reports: {
        report: (report) => {
          if (!calls.signal.aborted) this.#report = report;
        },
        events: this.#events(),
      },
    };
    const engine = new AddressReconciler(options, stop.signal);
    this.#running = { engine, stop, calls, ledger, finished: engine.run() };
  }

  /** Writes into the ledger file, before a start, what this agent never did. */
  forge(entries: readonly (Pick<LedgerEntry, 'address' | 'eni'> & Partial<LedgerEntry>)[]): void {
    const holder = { namespace: 'default', name: 'forged', uid: 'uid-forged' };
    const usual = { state: 'held', holder, interface: 'net1', claimedAt: 1 } as const;
    const lines = entries.map((entry) => JSON.stringify({ k: entry.address, v: { ...usual, ...entry } }));
    appendFileSync(this.#ledgerPath, lines.map((text) => `${text}\n`).join(''));
  }

  /** SIGTERM: resolves when what was in flight has ended. */
  async stop(): Promise<void> {
    const running = this.#current();
    running.stop.abort();
    await running.finished;
    running.ledger.close();
    this.#running = undefined;
  }

  /** SIGKILL: from now on nothing is sent, nothing is recorded; the ledger is as it is at this instant. */
  kill(): void {
    const running = this.#current();
    const copy = nextLedger(this.name);
    copyFileSync(this.#ledgerPath, copy);
    this.#ledgerPath = copy;
    running.calls.abort();
    running.stop.abort();
    running.ledger.close();
    this.#running = undefined;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** A pod has the address on its interface over the node's n-th Multus ENI. */
  add(
    pod: string,
    address: string,
    about: {
      kind?: ClaimKind;
      eni?: number;
      uid?: string;
      seenSince?: number;
      provisionalUntil?: number;
      unconfirmed?: true;
      /** Of an interface that sits on no ENI. */
      mac?: string;
      plugin?: string;
    } = {},
  ): void {
    const {
      kind = 'ipam',
      eni = 1,
      uid = `uid-${pod}`,
      seenSince = this.#options.clock.now(),
      provisionalUntil,
      unconfirmed,
      plugin,
    } = about;
    const onEni = about.mac === undefined ? macOf(eniOf(this.name, eni)) : undefined;
    this.#claims.set(`${pod} ${address}`, {
      address: ip(address),
      kind,
      holder: { namespace: 'default', name: pod, uid },
      interface: 'net1',
      mac: onEni ?? mac(about.mac ?? ''),
      masterMac: onEni,
      ...(plugin && { plugin }),
      ...(provisionalUntil !== undefined && { provisionalUntil }),
      ...(unconfirmed && { unconfirmed }),
      seenSince,
    });
    this.#running?.engine.trigger();
  }

  remove(pod: string, address: string): void {
    this.#claims.delete(`${pod} ${address}`);
    this.#running?.engine.trigger();
  }

  trigger(): void {
    this.#running?.engine.trigger();
  }

  invalidate(): void {
    this.#running?.engine.invalidate('a test says so');
  }

  statusOf(address: string): ClaimStatus | undefined {
    return this.#report?.statuses.find(({ claim }) => claim.address === address);
  }

  /** Addresses of claims that are left out, as on networks beside the VPC. */
  get leftOut(): readonly IpAddress[] {
    return (this.#report?.leftOut ?? []).map(({ address }) => address);
  }

  /** True when there are claims and all are assigned. */
  get allAssigned(): boolean {
    const statuses = this.#report?.statuses ?? [];
    return statuses.length >= this.#claims.size && statuses.every(({ state }) => state === 'assigned');
  }

  get ledger(): LedgerEntry[] {
    return this.#running?.ledger.values() ?? [];
  }

  #current(): Running {
    if (this.#running === undefined) throw new Error(`${this.name} is not running`);
    return this.#running;
  }

  #observe(): Observed {
    return {
      drafts: [...this.#claims.values()],
      refusals: new Map<string, readonly Refusal[]>(),
      complete: this.complete,
      hiddenSince: this.hiddenSince,
    };
  }

  #events(): AddressEvents {
    return {
      assigned: (claims, _eni, { takeover, from }) => {
        if (takeover) this.forced.push(...claims.map(({ address }) => `${address} from ${from.get(address)}`));
      },
      released: (entries) => this.released.push(...entries.map(({ address }) => address)),
      confirmed: ({ address }, _entry, from) => {
        if (from !== undefined) this.forced.push(`${address} from ${from}`);
      },
      lost: ({ address }) => this.lost.push(address),
      callFailed: ({ code }) => this.failures.push(code),
      described: () => undefined,
      problem: (message) => this.problems.push(message),
    };
  }
}

function nextLedger(name: string): string {
  return join(folder, `${name}-${++ledgers}.jsonl`);
}

/** A killed process never hears an answer, so that nothing in it goes on. */
function whileAlive(api: AddressApi, killed: AbortSignal): AddressApi {
  const guard = <T>(call: () => Promise<T>): Promise<T> => {
    if (killed.aborted) return never();
    return call().then(
      (value) => (killed.aborted ? never<T>() : value),
      (error: unknown) => (killed.aborted ? never<T>() : Promise.reject(error)),
    );
  };
  return {
    describeEnis: (instanceId, options) => guard(() => api.describeEnis(instanceId, options)),
    findHolders: (addresses, options) => guard(() => api.findHolders(addresses, options)),
    vpcNetworks: (options) => guard(() => api.vpcNetworks(options)),
    instanceOwners: (query, options) => guard(() => api.instanceOwners(query, options)),
    assign: (eni, addresses, options) => guard(() => api.assign(eni, addresses, options)),
    unassign: (eni, addresses, options) => guard(() => api.unassign(eni, addresses, options)),
  };
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}
