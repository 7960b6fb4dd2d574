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

/** The files of Multus' CNI cache: when each was written, and the addresses in it. */
const CACHE = 'cd /var/lib/cni/multus/results && for f in *; do echo "$(stat -c %.3Y "$f") $(tr -d "\\n" <"$f")"; done';

/**
 * From the time a CNI cache file was written to the arrival of the call for its first address at EC2, ms. Below zero where the kernel's
 * event was quicker: the file comes some ms after the address (facts §12).
 */
export async function cacheToCall(scripts: NodeScripts, cloud: NodeCloud): Promise<number[]> {
  const files = await Promise.all(scripts.world.nodes.map(({ id }) => scripts.on(id, 'bash', '-c', CACHE)));
  return files
    .flatMap((lines) => lines.split('\n').filter((line) => line !== ''))
    .flatMap((line) => {
      const written = Number(line.slice(0, line.indexOf(' '))) * 1_000;
      const { result } = JSON.parse(line.slice(line.indexOf(' ') + 1)) as CacheFile;
      const address = result.ips?.[0]?.address.split('/')[0] ?? '';
      const call = cloud.mutations(written - 5_000).find(({ params }) => Object.values(params).includes(address));
      return call === undefined ? [] : [call.at - written];
    });
}

interface CacheFile {
  readonly result: { readonly ips?: readonly { readonly address: string }[] };
}
