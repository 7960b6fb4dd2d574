import { Rig, type SimNode, VIP } from './rig.ts';

/** One kind of disturbance: does it, waits it out, and says how long the takeover took if there had to be one. */
interface Disturbance {
  readonly name: string;
  /** Takeovers that it may cause. */
  readonly takeovers: readonly [number, number];
  readonly play: (rig: Rig, holder: SimNode) => Promise<number | undefined>;
}

export interface FailoverReport {
  readonly runs: number;
  readonly byKind: ReadonlyMap<string, { readonly runs: number; readonly takeoverMs: readonly number[] }>;
  /** Broken promises, in words. Empty when all is well. */
  readonly faults: readonly string[];
  /** Longest time that two running, connected nodes had the address on an interface at once, ms. */
  readonly longestOverlapMs: number;
}

const SPEC = { addresses: [VIP], interface: 'eth0' };

const DISTURBANCES: readonly Disturbance[] = [
  {
    name: 'node dies',
    takeovers: [1, 1],
    play: async (rig, holder) => {
      holder.die();
      const gap = await elsewhere(rig, holder);
      await rig.clock.advance(rig.random() * 10_000);
      holder.alive = true;
      holder.start();
      return gap;
    },
  },
  {
    name: 'node dies, EC2 throttles',
    takeovers: [1, 1],
    play: async (rig, holder) => {
      const until = rig.clock.now() + 4_000 + rig.random() * 2_000;
      rig.ec2.faults = ({ action, at }) => (action === 'assign' && at < until ? 'throttle' : undefined);
      holder.die();
      const gap = await elsewhere(rig, holder, 20_000);
      rig.ec2.faults = () => undefined;
      holder.alive = true;
      holder.start();
      return gap;
    },
  },
  {
    name: 'agent killed, back at once',
    takeovers: [0, 0],
    play: async (rig, holder) => {
      holder.kill();
      await rig.clock.advance(rig.random() * 1_500);
      holder.start();
      return undefined;
    },
  },
  {
    name: 'agent killed, back late',
    takeovers: [1, 1],
    play: async (rig, holder) => {
      holder.kill();
      const gap = await elsewhere(rig, holder);
      holder.start();
      return gap;
    },
  },
  {
    name: 'agent restarted',
    takeovers: [0, 0],
    play: async (rig, holder) => {
      const gone = holder.terminate();
      await rig.clock.advance(200 + rig.random() * 20_000);
      await gone;
      holder.start();
      return undefined;
    },
  },
  {
    name: 'agent stopped and continued',
    takeovers: [0, 1],
    play: async (rig, holder) => {
      holder.process?.stop();
      await rig.clock.advance(rig.random() * 20_000);
      holder.process?.continue();
      return undefined;
    },
  },
  {
    name: 'API server away',
    takeovers: [0, 0],
    play: async (rig) => {
      rig.server.up = false;
      await rig.clock.advance(rig.random() * 70_000);
      rig.server.up = true;
      return undefined;
    },
  },
  {
    name: 'node cut off from the API server',
    takeovers: [0, 1],
    play: async (rig, holder) => {
      holder.connected = false;
      await rig.clock.advance(rig.random() * 30_000);
      holder.connected = true;
      return undefined;
    },
  },
  {
    name: 'cordon',
    takeovers: [1, 1],
    play: async (rig, holder) => {
      holder.cordoned = true;
      rig.trigger();
      const gap = await elsewhere(rig, holder);
      await rig.clock.advance(rig.random() * 5_000);
      holder.cordoned = false;
      rig.trigger();
      return gap;
    },
  },
];

function elsewhere(rig: Rig, holder: SimNode, withinMs = 8_000): Promise<number> {
  return rig.untilServedBy((node) => node !== holder.name, withinMs);
}

/** Plays disturbances in random order on three nodes, with random rests, and watches the promises all the while. */
export async function playFailovers(runs: number, seed: number): Promise<FailoverReport> {
  const rig = new Rig(seed);
  const watch = new Watch(rig);
  const byKind = new Map<string, { runs: number; takeoverMs: number[] }>();
  for (const node of rig.nodes) node.start();
  rig.apply('web', SPEC);
  await rig.untilServedBy(() => true, 5_000);
  for (let run = 0; run < runs; run += 1) {
    const kind = DISTURBANCES[Math.floor(rig.random() * DISTURBANCES.length)] as Disturbance;
    const holder = rig.node(rig.serving() ?? 'a');
    const before = watch.takeovers;
    try {
      const gap = await kind.play(rig, holder);
      await rig.untilServedBy(() => true, 8_000);
      await rig.clock.advance(2_000 + rig.random() * 15_000);
      const entry = byKind.get(kind.name) ?? { runs: 0, takeoverMs: [] };
      byKind.set(kind.name, {
        runs: entry.runs + 1,
        takeoverMs: gap === undefined ? entry.takeoverMs : [...entry.takeoverMs, gap],
      });
      watch.check(kind, watch.takeovers - before, run);
    } catch (error) {
      watch.faults.push(`run ${run}, ${kind.name}: ${String(error)}`);
      break;
    }
  }
  rig.close();
  return { runs, byKind, faults: watch.faults, longestOverlapMs: watch.longestOverlapMs };
}

class Watch {
  readonly faults: string[] = [];
  longestOverlapMs = 0;
  takeovers = 0;
  readonly #rig: Rig;
  #overlapSince: number | undefined;

  constructor(rig: Rig) {
    this.#rig = rig;
    const { ec2, server } = rig;
    const faultsOf = ec2.calls.push.bind(ec2.calls);
    // Called in the instant in which a call arrives at EC2.
    ec2.calls.push = (...calls) => {
      for (const call of calls) {
        if (call.action !== 'assign') continue;
        const holder = server.holder('web');
        if (holder !== call.node)
          this.faults.push(`${call.node} asked EC2 for the address while ${holder || 'nobody'} had the lease`);
      }
      return faultsOf(...calls);
    };
    let last = ec2.holderOf(VIP);
    const look = () => {
      const now = ec2.holderOf(VIP);
      if (now !== last && last !== undefined) this.takeovers += 1;
      last = now;
      this.#lookAtHosts();
      rig.clock.after(20, look);
    };
    look();
  }

  check({ name, takeovers: [least, most] }: Disturbance, takeovers: number, run: number): void {
    const { clock, nodes } = this.#rig;
    if (takeovers < least || takeovers > most) this.faults.push(`run ${run}, ${name}: ${takeovers} takeovers`);
    if (this.#rig.hosts().length !== 1)
      this.faults.push(`run ${run}, ${name}: at rest on ${this.#rig.hosts().join(' and ') || 'no host'}`);
    if (nodes.some(({ running }) => !running))
      this.faults.push(`run ${run}, ${name}: an agent does not run at ${clock.now()}`);
  }

  /** Only nodes that can know better count: an agent that is dead, stopped or cut off cannot take the address off. */
  #lookAtHosts(): void {
    const { clock, server, nodes } = this.#rig;
    const able = nodes.filter(
      ({ running, connected, process }) => running && connected && process?.stopped === false && server.up,
    );
    const both = able.filter(({ configured }) => configured.length > 0).length > 1;
    if (!both) this.#overlapSince = undefined;
    else this.#overlapSince ??= clock.now();
    if (this.#overlapSince !== undefined)
      this.longestOverlapMs = Math.max(this.longestOverlapMs, clock.now() - this.#overlapSince);
  }
}

/** Least, median, 99th percentile and most, as text. */
function distribution(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
  const text = (share: number) => at(share).toFixed(0);
  return `min ${text(0)}, median ${text(0.5)}, p90 ${text(0.9)}, p99 ${text(0.99)}, max ${text(1)} ms`;
}

export function renderReport({ runs, byKind, faults, longestOverlapMs }: FailoverReport): string {
  const lines = [...byKind].map(
    ([name, { runs: count, takeoverMs }]) =>
      `  ${name.padEnd(34)} ${String(count).padStart(5)}   ${takeoverMs.length > 0 ? distribution(takeoverMs) : 'stays or moves once'}`,
  );
  return [
    `${runs} disturbances`,
    ...lines,
    `  longest overlap on two hosts: ${longestOverlapMs} ms`,
    ...faults.map((fault) => `  FAULT ${fault}`),
  ].join('\n');
}
