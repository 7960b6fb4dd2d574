import type { NodeCloud } from './rig-cloud.ts';
import type { Pod } from './rig-kube.ts';
import type { NodeScripts, WorldFile } from './rig-scripts.ts';

/** Time between EC2's answer for the last of a pod's addresses and the first line of the pod's first process, ms; negative is too late. */
export interface Headroom {
  readonly pod: string;
  readonly ms: number;
}

/**
 * Headroom of each pod, from EC2's own log of answers and the time that containerd gave the first line of the container's log: within
 * a few ms of the process's start. Pods with an address that no logged call assigned are left out: it was on the ENI already.
 */
export async function headrooms(scripts: NodeScripts, cloud: NodeCloud, pods: readonly Pod[]): Promise<Headroom[]> {
  const starts = await Promise.all(pods.map((pod) => startOf(scripts, pod)));
  return pods.flatMap((pod, index) => {
    const started = starts[index];
    const assigned = addressesOf(pod).map((address) => answerFor(cloud, address, started ?? 0, pod));
    if (started === undefined || assigned.length === 0 || assigned.includes(undefined)) return [];
    return [{ pod: pod.metadata.name, ms: started - Math.max(...assigned.map((at) => at ?? 0)) }];
  });
}

/** Addresses of the pod's Multus interfaces, as Multus says. */
export function addressesOf({ metadata: { annotations } }: Pod): string[] {
  const status = JSON.parse(annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '[]') as {
    readonly interface?: string;
    readonly ips?: readonly string[];
  }[];
  return status.filter(({ interface: name }) => /^net\d/.test(name ?? '')).flatMap(({ ips }) => ips ?? []);
}

/** When EC2 answered the call that gave this pod the address: the last one since the pod exists. */
function answerFor(cloud: NodeCloud, address: string, started: number, pod: Pod): number | undefined {
  const created = Date.parse(pod.metadata.creationTimestamp);
  const calls = cloud.mutations(created).filter(({ action, outcome, params, at }) => {
    return (
      action.startsWith('Assign') &&
      outcome === 'ok' &&
      at < started + 60_000 &&
      Object.values(params).includes(address)
    );
  });
  return calls.at(0)?.answeredAt;
}

async function startOf(scripts: NodeScripts, pod: Pod): Promise<number | undefined> {
  const { namespace = '', name, uid } = pod.metadata;
  const folder = `/var/log/pods/${namespace}_${name}_${uid}/main`;
  const [line = ''] = (await scripts.on(nodeOf(scripts.world, pod), 'head', '-n', '1', `${folder}/0.log`)).split('\n');
  const [time = ''] = line.split(' ');
  const at = Date.parse(time);
  return Number.isNaN(at) ? undefined : at;
}

export function nodeOf(world: WorldFile, pod: Pod) {
  const node = world.nodes.find(({ name }) => name === pod.spec.nodeName);
  if (node === undefined) throw new Error(`${pod.metadata.name} is on no node`);
  return node.id;
}
