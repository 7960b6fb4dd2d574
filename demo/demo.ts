import { once } from 'node:events';
import { join } from 'node:path';
import { paintFor } from '../agent/text/paint.ts';
import type { LogLevel } from '../lib/runtime/logger.ts';
import { addressAt } from '../sim/world/addresses.ts';
import { ClusterLife } from '../sim/world/life/cluster-life.ts';
import { installNodeEnis } from '../sim/world/node-enis.ts';
import { threeNodes } from '../sim/world/topology.ts';
import { openWorld, type World } from '../sim/world/world.ts';
import { chooseHost } from './host.ts';
import { openPage } from './page.ts';
import { lastingDisagreements, type Play, playScene } from './play.ts';
import { isGood, renderResults, type SceneResult } from './result.ts';
import { SCENES } from './scenes.ts';
import { Screen } from './screen.ts';

/** What `npm run demo -- …` may say. */
export interface DemoOptions {
  /** Keep the simulated world up afterwards, to play with using kubectl. */
  readonly serve: boolean;
  readonly logLevel: LogLevel;
  readonly logFormat: 'json' | 'pretty';
}

/** Exit codes: something was wrong; interrupted (128 + SIGINT). */
const WRONG = 1;
const INTERRUPTED = 130;

/**
 * `npm run demo`: three simulated nodes with real agents as child processes, scene after scene, a map after each, one page of results. Exits 0 only when every
 * scene and the final state are right. Takes away everything that it made, also after a failure, Ctrl-C or `| head`; the agents' logs stay
 * when something went wrong.
 */
export async function runDemo(options: DemoOptions, interrupted: AbortSignal): Promise<number> {
  const signal = AbortSignal.any([interrupted, untilNobodyReads()]);
  const { host, words } = await chooseHost();
  const screen = new Screen(process.stdout, paintFor(process.stdout, process.env), () => performance.now());
  const world = await openWorld({
    host,
    topology: threeNodes,
    entry: join(import.meta.dirname, '../agent/main.ts'),
    agentFlags: ['--release-delay=2s', '--imds-resync=1s', ...logFlags(options)],
    controllerFlags: logFlags(options),
    ...(options.logLevel === 'debug' && {
      onLine: (node: string, line: string) => screen.show([`      ${node} | ${line}`]),
    }),
  });
  const agents = [...world.nodes.map(({ agent }) => agent), world.controller];
  const abandon = () => agents.forEach((agent) => agent.abandon());
  process.once('exit', abandon);
  let good = false;
  try {
    good = await perform({ world, signal, screen, denied: new Set(), foreign: settle(world) }, words);
    if (options.serve) await serve(world, { signal, screen });
    return good ? 0 : WRONG;
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    screen.print(`The demo broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return WRONG;
  } finally {
    screen.wait(undefined);
    screen.print(signal.aborted ? 'Stopping: agents, servers and namespaces are taken away.' : '');
    const keepLogs = !good && !signal.aborted;
    if (keepLogs) screen.print(`The agents’ logs: ${join(world.folder, 'logs')}`);
    await world.close({ keepLogs });
    process.off('exit', abandon);
  }
}

/** Aborts when the output is a pipe whose reader has ended, as `| head` does: an error nobody handles would end us without cleaning up. */
function untilNobodyReads(): AbortSignal {
  const hungUp = new AbortController();
  process.stdout.on('error', () => hungUp.abort());
  return hungUp.signal;
}

/** At least debug, for the files of the logs. */
function logFlags({ logLevel, logFormat }: DemoOptions): string[] {
  return [`--log-level=${logLevel === 'info' ? 'debug' : logLevel}`, `--log-format=${logFormat}`];
}

/** Definitions of resources and networks, and addresses that somebody else assigned and that must survive everything. */
function settle(world: World): Map<string, string> {
  const { kubelet, cloud, nodes, floatingIps, eips } = world;
  floatingIps.install();
  eips.install();
  installNodeEnis(world.kube);
  for (const name of ['red', 'blue']) kubelet.createNetwork(name, { type: 'ipvlan', name });
  kubelet.createNetwork(
    'vip',
    { type: 'ipvlan', name: 'vip', ipam: { type: 'whereabouts', range: '10.10.1.0/24' } },
    { 'eni-agent.io/floating-ips': '10.10.1.200, 10.10.1.201' },
  );
  return new Map(
    nodes.flatMap(({ enis: [eni] }, index) => {
      if (eni === undefined) return [];
      const address = addressAt(eni.subnet, 4, 240 + index);
      cloud.assignPrivateIpAddresses({ networkInterfaceId: eni.id, privateIpAddresses: [address] });
      return [[address, eni.id] as const];
    }),
  );
}

async function perform(play: Play, hostWords: string): Promise<boolean> {
  const { world, signal, screen } = play;
  const { bold, dim, good: right, bad } = screen.paint;
  const began = performance.now();
  screen.print('eni-agent keeps EC2 in step with the addresses that pods really use.', bold);
  screen.print(
    `Three nodes, simulated AWS and Kubernetes over real HTTP, real agents and a real controller as processes, and ${hostWords}. The map after each scene shows nodes, their ENIs as bars of slots, and who uses their addresses (◆ a FloatingIP, ↳ an Elastic IP).`,
    dim,
  );
  screen.wait('agents and controller start');
  await Promise.all([...world.nodes.map(({ agent }) => agent), world.controller].map((agent) => agent.start(signal)));
  screen.print(`They are ready after ${Math.round(performance.now() - began)} ms.`);

  const results: SceneResult[] = [];
  for (const [index, scene] of SCENES.entries()) {
    screen.print(`\n${index + 1}  ${scene.title}`, bold);
    results.push(await playScene(scene, play));
  }

  screen.wait('EC2 agrees with the pods');
  const crashes = [...world.nodes.map(({ agent }) => agent), world.controller].flatMap((agent) => agent.crashes);
  const wrong = [...(await lastingDisagreements(play)), ...crashes];
  screen.wait(undefined);
  screen.show(['', ...renderResults(results, screen.paint), '']);
  for (const fault of [...results.flatMap(({ faults }) => faults), ...wrong]) screen.print(`WRONG: ${fault}`, bad);
  const good = wrong.length === 0 && results.every(isGood);
  screen.print(
    `${good ? 'All good' : 'Not good, see above'}. At the end EC2 ${wrong.length === 0 ? 'has exactly what pods and services use' : 'differs from what pods and services use'}. ${Math.round((performance.now() - began) / 1000)} s.`,
    good ? right : bad,
  );
  return good;
}

/** Keeps the world up and alive: what people make with kubectl is scheduled, started and ended. */
async function serve(world: World, { signal, screen }: Pick<Play, 'signal' | 'screen'>): Promise<void> {
  const { ec2, kubeconfig, folder } = world;
  const life = new ClusterLife(world, (error) =>
    screen.print(`The simulated cluster: ${String(error)}`, screen.paint.bad),
  );
  world.kubelet.createNamespace('multus');
  life.start();
  const page = await openPage(kubeconfig, signal);
  screen.print(`
The world stays up until Ctrl-C. The cluster as a page: ${page.url}
In another terminal:
`);
  screen.show([
    `  export KUBECONFIG=${kubeconfig}`,
    '  npx node agent/main.ts status   # or: status addresses, status events, …',
    '  kubectl get pods -o wide',
    '  kubectl get floatingips,eips -A',
    '  kubectl apply -f samples/nad-ipvlan-whereabouts.yaml -f samples/deployment.yaml',
    '  kubectl -n multus get deploy,pods -o wide',
    '  kubectl run vip --image=x --annotations=k8s.v1.cni.cncf.io/networks=vip',
    '  kubectl annotate pod vip demo.eni-agent.io/ip-addr-add=net1=10.10.1.201',
    '                          # stands for: kubectl exec vip -- ip addr add …',
    '  kubectl describe pod vip    # condition, annotation and Events of the agent',
    '  kubectl delete pod vip',
    '  kubectl cordon node-c   # the FloatingIP moves',
    `  curl ${ec2.url}/_sim/state   # what EC2 has; /_sim/calls: every call`,
    `  tail -f ${join(folder, 'logs')}/node-b.log`,
  ]);
  if (!signal.aborted) await once(signal, 'abort');
  await page.close();
  await life.stop();
}
