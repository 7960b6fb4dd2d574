import type { OwnNodeLinksState } from '../../lib/kube/own-node.ts';
import type { AnnouncedInterface, HostLink, LinkStep, LinksReport } from '../../lib/model/node-links/node-links.ts';
import { planLinks } from '../../lib/plan/node-links/plan.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { ProcessParts } from '../process.ts';

/** The host's links, and the changes that can be made to them. */
export interface LinkPort {
  read(signal: AbortSignal): Promise<readonly HostLink[]>;
  change(step: LinkStep, signal: AbortSignal): Promise<void>;
}

/** Where the agent reports on its own Node. */
export interface ReportPort {
  condition(report: LinksReport): Promise<void>;
  label(ready: boolean): Promise<void>;
  removeTaint(taints: OwnNodeLinksState['taints']): Promise<void>;
}

export interface NodeLinksOptions {
  readonly process: Pick<ProcessParts, 'clock' | 'random' | 'log'>;
  readonly links: LinkPort;
  readonly reports: ReportPort;
  /** Our own Node as the watch has it; undefined while it is not known. */
  readonly ownNode: () => OwnNodeLinksState | undefined;
  /** An announced interface has a link on this host: EC2 has attached it. Called once for each. */
  readonly attached: (one: AnnouncedInterface) => void;
  /** Links are there, or are called, as they were not before. */
  readonly changed: () => void;
}

/** A link that was just announced appears within a second or two, ms. */
const SOON_MS: readonly [base: number, most: number] = [50, 2_000];
/** Something else on the host may change a link (a network service at its restart): how often all is checked, ms. */
const RESYNC_MS = 60_000;

/**
 * Keeps the links of the interfaces that NodeENIs give this node as the controller announced them: up, with their MTU and name, without
 * the primary address. Says on the Node whether they are ready, and takes the startup taint off when they are.
 */
export class NodeLinks {
  readonly #options: NodeLinksOptions;
  readonly #seen = new Set<string>();
  #nudge: (() => void) | undefined;
  #triggered = false;

  constructor(options: NodeLinksOptions) {
    this.#options = options;
  }

  /** The Node may have changed. */
  trigger(): void {
    this.#triggered = true;
    this.#nudge?.();
  }

  /** Runs until the signal aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log } = this.#options.process;
    for (let failures = 0; !signal.aborted; ) {
      this.#triggered = false;
      let settled = false;
      try {
        settled = await this.#reconcile(signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn("cannot keep the links of this node's NodeENIs; trying again", { error });
      }
      failures = settled ? 0 : failures + 1;
      const [baseMs, maxMs] = SOON_MS;
      await this.#rest(settled ? RESYNC_MS : backoffMs(failures, { baseMs, maxMs, random }), clock, signal);
    }
  }

  /** True when nothing is left to do but to look again now and then. */
  async #reconcile(signal: AbortSignal): Promise<boolean> {
    const { ownNode, links } = this.#options;
    const own = ownNode();
    if (own === undefined) return true;
    const concerned = (own.announcement?.interfaces.length ?? 0) > 0;
    const found = concerned ? await links.read(signal) : [];
    const isNew = this.#reportAttached(own, found);
    const { steps } = planLinks(own, found);
    for (const step of steps) await this.#change(step, signal);
    if (isNew || steps.length > 0) this.#options.changed();
    const after = steps.length > 0 ? await links.read(signal) : found;
    const { report } = planLinks(own, after);
    if (report === undefined) return true;
    await this.#report(report, own);
    return report.ready;
  }

  async #change(step: LinkStep, signal: AbortSignal): Promise<void> {
    const { process, links } = this.#options;
    try {
      await links.change(step, signal);
      process.log.info('changed a link for a NodeENI', { ...step, step: step.kind, kind: undefined });
    } catch (error) {
      if (!signal.aborted) process.log.warn('cannot change a link for a NodeENI', { ...step, step: step.kind, error });
    }
  }

  /** True when one is here that was not. */
  #reportAttached({ announcement }: OwnNodeLinksState, found: readonly HostLink[]): boolean {
    let isNew = false;
    for (const one of announcement?.interfaces ?? []) {
      const here = found.some(({ mac, child }) => mac === one.mac && !child);
      if (here && !this.#seen.has(one.id)) {
        isNew = true;
        this.#options.attached(one);
      }
      if (here) this.#seen.add(one.id);
      else this.#seen.delete(one.id);
    }
    return isNew;
  }

  async #report(report: LinksReport, { reported, labelled, tainted, taints }: OwnNodeLinksState): Promise<void> {
    const { process, reports } = this.#options;
    const status = report.ready ? 'True' : 'False';
    const same =
      reported?.status === status && reported.reason === report.reason && reported.message === report.message;
    if (!same) {
      await reports.condition(report);
      process.log.info("reported on this node's NodeENIs", {
        ready: report.ready,
        reason: report.reason,
        about: report.message,
      });
    }
    const labels = report.ready && report.reason === 'Ready';
    if (labels !== labelled) await reports.label(labels);
    if (report.ready && tainted) await reports.removeTaint(taints);
  }

  async #rest(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (this.#triggered) return;
    const either = new AbortController();
    this.#nudge = () => either.abort();
    await clock.sleep(ms, AbortSignal.any([signal, either.signal]));
    this.#nudge = undefined;
  }
}
