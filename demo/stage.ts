import { setTimeout as sleep } from 'node:timers/promises';
import type { CallRecord } from '../sim/ec2/endpoint.ts';
import type { Family } from '../sim/world/addresses.ts';
import { secondaries } from '../sim/world/agreement.ts';
import type { WorldEni } from '../sim/world/topology.ts';
import { until } from '../sim/world/until.ts';
import type { World } from '../sim/world/world.ts';
import type { WorldNode } from '../sim/world/world-node.ts';
import type { PodNetworkPlan, PodPlan, WorldPod } from '../sim/world/world-pod.ts';
import { eniUnder } from '../sim/world/world-pod.ts';
import { firstSent } from './measure.ts';

/** Where a scene is seen. */
export interface StageScreen {
  readonly say: (line: string) => void;
  readonly wrong: (statement: string) => void;
  readonly wait: (what: string) => void;
  readonly drawMap: () => void;
}

/** A moment of a scene, and what EC2 has been asked since: a call before it may be of the same millisecond. */
export interface Moment {
  /** Epoch ms. */
  readonly at: number;
  calls(): readonly CallRecord[];
}

/** What a scene may use: the world, a voice, and a notebook for latencies and faults. One stage per scene. */
export class Stage {
  readonly world: World;
  readonly signal: AbortSignal;
  /** Addresses that pods claim in vain, as `pod address`; kept over scenes. */
  readonly denied: Set<string>;
  readonly latenciesMs: number[] = [];
  readonly faults: string[] = [];
  readonly #screen: StageScreen;
  readonly #began: Moment;

  constructor(parts: { world: World; signal: AbortSignal; denied: Set<string>; screen: StageScreen }) {
    this.world = parts.world;
    this.signal = parts.signal;
    this.denied = parts.denied;
    this.#screen = parts.screen;
    this.#began = this.now();
  }

  say(line: string): void {
    this.#screen.say(line);
  }

  /** Shows where everything is now; after each scene it is shown anyway. */
  drawMap(): void {
    this.#screen.drawMap();
  }

  /** Notes a fault unless it is true; the scene goes on. */
  check(statement: string, truth: boolean): void {
    if (truth) return;
    this.faults.push(statement);
    this.#screen.wrong(statement);
  }

  /** Every EC2 call since the scene began. */
  calls(): readonly CallRecord[] {
    return this.#began.calls();
  }

  now(): Moment {
    const { ec2 } = this.world;
    const before = ec2.calls.length;
    return { at: Date.now(), calls: () => ec2.calls.slice(before) };
  }

  node(name: string): WorldNode {
    const node = this.world.nodes.find((candidate) => candidate.name === name);
    if (node === undefined) throw new Error(`the world has no ${name}`);
    return node;
  }

  /** An interface on the n-th Multus ENI of a node (0 is the first) with fresh addresses. */
  network(node: WorldNode, index: number, options: NetworkOptions = {}): PodNetworkPlan {
    const eni = eniOf(node, index);
    const { families = [4], ifName = `net${index + 1}`, definition, ips } = options;
    const given = ips ?? families.map((family) => this.world.addresses.take(eni.subnet, family));
    return { ifName, eni, ips: given, ...(definition !== undefined && { definition }) };
  }

  startPod(plan: PodPlan): Promise<WorldPod> {
    this.signal.throwIfAborted();
    return this.world.pods.start(plan);
  }

  async pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.signal });
  }

  until(what: string, condition: () => boolean, timeoutMs?: number): Promise<void> {
    this.#screen.wait(what);
    return until(what, condition, { signal: this.signal, ...(timeoutMs !== undefined && { timeoutMs }) });
  }

  /** Waits until everything that IPAM gave these pods is on the right ENI. */
  async untilServed(pods: readonly WorldPod[], timeoutMs?: number): Promise<void> {
    await this.until(
      `every address of ${pods.map(({ name }) => name).join(', ')} on its ENI`,
      () => this.#served(pods),
      timeoutMs,
    );
  }

  /** Waits until EC2 has the address on the ENI under this interface; notes how long the call took to leave. */
  async untilOn(pod: WorldPod, ifName: string, address: string, since: number): Promise<number> {
    const { id } = eniUnder(pod, ifName);
    await this.until(`${address} on the ENI of ${pod.name}`, () => secondaries(this.world).get(address) === id);
    const sentAt = firstSent(this.calls(), address, since) ?? since;
    this.latenciesMs.push(sentAt - since);
    return sentAt - since;
  }

  /** Notes for each address of the pods how long its call took to leave, from when it could first be known. */
  measure(pods: readonly WorldPod[]): void {
    for (const { networks, knownAt } of pods) {
      for (const address of networks.flatMap(({ ips }) => ips)) {
        const sentAt = firstSent(this.calls(), address);
        if (sentAt !== undefined) this.latenciesMs.push(Math.max(0, sentAt - knownAt));
      }
    }
  }

  #served(pods: readonly WorldPod[]): boolean {
    const held = secondaries(this.world);
    return pods.every(({ networks }) => networks.every(({ eni, ips }) => ips.every((ip) => held.get(ip) === eni.id)));
  }
}

export interface NetworkOptions {
  readonly families?: readonly Family[];
  readonly ifName?: string;
  readonly definition?: string;
  /** Instead of fresh ones. */
  readonly ips?: readonly string[];
}

function eniOf(node: WorldNode, index: number): WorldEni {
  const eni = node.enis[index];
  if (eni === undefined) throw new Error(`${node.name} has no Multus ENI ${index}`);
  return eni;
}
