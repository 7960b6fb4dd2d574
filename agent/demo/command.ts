import { once } from 'node:events';
import { join } from 'node:path';
import type { DemoOptions } from '../../lib/config/options.ts';
import { addressAt } from '../../sim/world/addresses.ts';
import { threeNodes } from '../../sim/world/topology.ts';
import { openWorld, type World } from '../../sim/world/world.ts';
import { chooseHost } from './host.ts';
import { lastingDisagreements, type Play, playScene } from './play.ts';
import { isGood, renderResults, type SceneResult } from './result.ts';
import { SCENES } from './scenes.ts';

/** Exit codes: something was wrong; interrupted (128 + SIGINT). */
const WRONG = 1;
const INTERRUPTED = 130;

/**
 * `eni-agent demo`: three simulated nodes with real agents as child processes, nine scenes, one table. Exits 0 only when every
 * scene and the final state are right. Takes away everything that it made, also after a failure, Ctrl-C or `| head`; the agents' logs stay
 * when something went wrong.
 */
export async function runDemo(options: DemoOptions, interrupted: AbortSignal): Promise<number> {
  const signal = AbortSignal.any([interrupted, untilNobodyReads()]);
  const { host, words } = await chooseHost();
  const world = await openWorld({
    host,
    topology: threeNodes,
    entry: process.argv[1] ?? '',
    agentFlags: agentFlags(options),
    ...(options.logLevel === 'debug' && {
      onLine: (node: string, line: string) => writeLine(`      ${node} | ${line}`),
    }),
  });
  const abandon = () => world.nodes.forEach(({ agent }) => agent.abandon());
  process.once('exit', abandon);
  let good = false;
  try {
    good = await perform({ world, signal, print: writeLine, denied: new Set(), foreign: settle(world) }, words);
    if (options.serve) await serve(world, { signal, print: writeLine });
    return good ? 0 : WRONG;
  } catch (error) {
    if (signal.aborted) return INTERRUPTED;
    writeLine(`The demo broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    return WRONG;
  } finally {
    writeLine(signal.aborted ? 'Stopping: agents, servers and namespaces are taken away.' : '');
    const keepLogs = !good && !signal.aborted;
    if (keepLogs) writeLine(`The agents’ logs: ${join(world.folder, 'logs')}`);
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

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Short cool-down and frequent looks at metadata, so that a minute shows what usually takes longer. */
function agentFlags({ logLevel, logFormat }: DemoOptions): string[] {
  return [
    '--release-delay=2s',
    '--imds-resync=1s',
    `--log-level=${logLevel === 'info' ? 'debug' : logLevel}`,
    `--log-format=${logFormat}`,
  ];
}

/** Definitions of resources and networks, and addresses that somebody else assigned and that must survive everything. */
function settle(world: World): Map<string, string> {
  const { kubelet, cloud, nodes, floatingIps } = world;
  floatingIps.install();
  for (const name of ['red', 'blue']) kubelet.createNetwork(name, { type: 'ipvlan', name });
  kubelet.createNetwork(
    'vip',
    { type: 'ipvlan', name: 'vip' },
    { 'eni-agent.io/floating-ips': '10.20.1.200, 10.20.1.201' },
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
  const { world, signal, print } = play;
  const began = performance.now();
  print('eni-agent keeps EC2 in step with the addresses that pods really use.');
  print('Three nodes, simulated AWS and Kubernetes over real HTTP, real agents as processes,');
  print(`and ${hostWords}.`);
  await Promise.all(world.nodes.map(({ agent }) => agent.start(signal)));
  print(`The agents are ready after ${Math.round(performance.now() - began)} ms.`);

  const results: SceneResult[] = [];
  for (const [index, scene] of SCENES.entries()) {
    print(`\n${index + 1}  ${scene.title}`);
    results.push(await playScene(scene, play));
  }

  const wrong = [...(await lastingDisagreements(play)), ...world.nodes.flatMap(({ agent }) => agent.crashes)];
  print(`\n${renderResults(results)}\n`);
  for (const fault of [...results.flatMap(({ faults }) => faults), ...wrong]) print(`WRONG: ${fault}`);
  const good = wrong.length === 0 && results.every(isGood);
  print(
    `${good ? 'All good' : 'Not good'}: at the end EC2 ${wrong.length === 0 ? 'has exactly what pods and services use' : 'differs from what pods and services use'}. ${Math.round((performance.now() - began) / 1000)} s.`,
  );
  return good;
}

async function serve(
  { ec2, kubeconfig, folder }: World,
  { signal, print }: Pick<Play, 'signal' | 'print'>,
): Promise<void> {
  print(`
The world stays up until Ctrl-C.

  export KUBECONFIG=${kubeconfig}
  kubectl get pods -o custom-columns=POD:.metadata.name,NODE:.spec.nodeName,IP:.status.podIP
  kubectl get pod web-b1 -o yaml    # the annotation and the condition that the agent wrote
  kubectl annotate pod web-b1 eni-agent.io/floating-ips=nonsense    # and look at it again
  kubectl get floatingips -o custom-columns=NAME:.metadata.name,NODE:.status.node,ENI:.status.networkInterfaceID
  kubectl get events -o custom-columns=POD:.involvedObject.name,REASON:.reason,MESSAGE:.message
  curl ${ec2.url}/_sim/state        # what EC2 has
  curl ${ec2.url}/_sim/calls        # every call it got
  tail -f ${join(folder, 'logs')}/node-b.log`);
  if (!signal.aborted) await once(signal, 'abort');
}
