import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { bundle } from '../build.ts';
import { canUseRealNamespaces, RealHost } from '../sim/host/real.ts';
import { StandInHost } from '../sim/host/stand-in.ts';
import { disagreements, secondaries } from '../sim/world/agreement.ts';
import { threeNodes } from '../sim/world/topology.ts';
import { openWorld, type World } from '../sim/world/world.ts';
import { BUNDLE } from './rig/rig.ts';
import { probeOption, type Sample, sampleOf } from './soak/figures.ts';
import { reportOf } from './soak/report.ts';
import { Tenants } from './soak/tenants.ts';
import { SHORTEST_S, trendsOf } from './soak/verdict.ts';

const USAGE = `npm run soak [-- [--minutes=10] [--pace=700] [--seed=1]]
  Three agents as deployed, in real time: pods are replaced, virtual addresses and nodes' addresses move, Elastic IPs come and go.
  --minutes   how long, at least ${SHORTEST_S / 60}
  --pace      between two things that happen, ms
  --seed      of what happens
Exits 1 when memory, descriptors, timers or threads of an agent grow, or EC2 is not in step at the end. Samples go to bench/results/soak.json.`;

/** Between two looks at the agents, ms. */
const SAMPLE_MS = 5_000;
/** How long EC2 may take to be in step with a world in which nothing happens any more: the cool-down of releases is 30 s. */
const SETTLE_S = 120;
const CLUSTER = 'soak';

async function main(argv: readonly string[]): Promise<number> {
  const number = (fallback: string) => ({ type: 'string', default: fallback }) as const;
  const options = { minutes: number('10'), pace: number('700'), seed: number('1'), help: { type: 'boolean' } } as const;
  const { values } = parseArgs({ args: [...argv], options });
  const [seconds, pace, seed] = [Number(values.minutes) * 60, Number(values.pace), Number(values.seed)];
  if (values.help === true || !(seconds >= SHORTEST_S && pace > 0 && Number.isInteger(seed))) {
    console.log(USAGE);
    return values.help === true ? 0 : 64;
  }
  await bundle('agent/main.ts', BUNDLE);
  const folder = mkdtempSync(join(tmpdir(), 'eni-agent-soak-'));
  const host = (await canUseRealNamespaces()) === true ? new RealHost() : new StandInHost();
  const world = await openWorld({
    host,
    topology: threeNodes,
    entry: BUNDLE,
    agentFlags: [`--cluster-name=${CLUSTER}`],
    environment: deployedEnvironment(folder),
  });
  const abandon = () => world.nodes.forEach(({ agent }) => agent.abandon());
  process.once('exit', abandon);
  let faults: readonly string[] = ['it broke off'];
  try {
    faults = await soak(world, { seconds, pace, random: randomFrom(seed), probes: folder });
    for (const fault of faults) console.error(`FAILED ${fault}`);
    return faults.length === 0 ? 0 : 1;
  } finally {
    if (faults.length > 0) console.error(`The agents' logs: ${join(world.folder, 'logs')}`);
    await world.close({ keepLogs: faults.length > 0 });
    rmSync(folder, { recursive: true, force: true });
    process.off('exit', abandon);
  }
}

interface Soak {
  readonly seconds: number;
  readonly pace: number;
  readonly random: () => number;
  readonly probes: string;
}

/** Returns what was wrong, in words. */
async function soak(world: World, { seconds, pace, random, probes }: Soak): Promise<string[]> {
  const { cloud, ec2, nodes } = world;
  cloud.knobs.elasticIpQuota = 50;
  await fetch(`${ec2.url}/_sim/latency`, { method: 'POST', body: JSON.stringify({ ms: 50 }) });
  // Before the agents: what the cluster gets later they look for every five minutes only.
  world.floatingIps.install();
  await Promise.all(nodes.map(({ agent }) => agent.start(AbortSignal.timeout(60_000))));
  const tenants = new Tenants(world, random);
  await tenants.populate();
  const began = performance.now();
  const elapsed = () => (performance.now() - began) / 1_000;
  const samples = new Map<string, Sample[]>(nodes.map(({ name }) => [name, []]));
  const take = () => {
    for (const { name, agent } of nodes)
      if (agent.pid !== undefined) samples.get(name)?.push(sampleOf(agent.pid, probes, elapsed()));
  };
  for (let next = SAMPLE_MS / 1_000; elapsed() < seconds; ) {
    await tenants.act();
    if (elapsed() >= next) {
      take();
      next += SAMPLE_MS / 1_000;
    }
    await sleep(pace * (0.5 + random()));
  }
  const busy = await inStep(world, tenants);
  await tenants.leave();
  const empty = await inStep(world, tenants);
  const trends = new Map(Array.from(samples, ([name, taken]) => [name, trendsOf(taken)]));
  console.log(reportOf({ trends, deeds: tenants.deeds, calls: ec2.calls, seconds: elapsed() }));
  keep(samples);
  const grown = Array.from(trends, ([name, each]) =>
    each.filter(({ flat }) => !flat).map((trend) => `${name}: ${trend.figure} ${trend.before} → ${trend.after}`),
  );
  return [
    ...busy.map((what) => `at the end: ${what}`),
    ...empty.map((what) => `after all pods had ended: ${what}`),
    ...grown.flat(),
    ...nodes.flatMap(({ agent }) => agent.crashes),
  ];
}

/** Waits until EC2 has what the pods have and nothing else; what still differs after some time. */
async function inStep(world: World, tenants: Tenants): Promise<string[]> {
  const deadline = performance.now() + SETTLE_S * 1_000;
  const look = () => [...disagreements(world), ...wrongElasticIps(world, tenants)];
  while (look().length > 0 && performance.now() < deadline) await sleep(500);
  return look();
}

/** Every address that has asked for an Elastic IP has one on the ENI that has the address, and none is left over. */
function wrongElasticIps(world: World, tenants: Tenants): string[] {
  const eips = world.cloud.describeAddresses().addressesSet;
  const wanted = tenants.publicAddresses();
  const held = secondaries(world);
  const missing = [...wanted].filter(
    (address) => !eips.some((eip) => eip.privateIpAddress === address && eip.networkInterfaceId === held.get(address)),
  );
  return [
    ...missing.map((address) => `${address} has no Elastic IP`),
    ...(eips.length > wanted.size ? [`${eips.length} Elastic IPs for ${wanted.size} addresses`] : []),
  ];
}

/** What the image sets (Dockerfile), and the probe. */
function deployedEnvironment(probes: string): Record<string, string> {
  return {
    NODE_ENV: 'production',
    NODE_OPTIONS: `--max-semi-space-size=1 --v8-pool-size=1 ${probeOption(probes)}`,
    MALLOC_TRIM_THRESHOLD_: '131072',
  };
}

function keep(samples: ReadonlyMap<string, readonly Sample[]>): void {
  const folder = join(import.meta.dirname, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'soak.json'), `${JSON.stringify(Object.fromEntries(samples), null, 1)}\n`);
}

/** The same in every run (a linear congruential generator): what happens can be repeated, when it happens cannot. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 4_294_967_296;
  };
}

process.exitCode = await main(process.argv.slice(2));
