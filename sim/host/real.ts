import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { pace } from './cni-pace.ts';
import { writePrimaryResult, writeResults } from './cni-result.ts';
import type { HostEni, HostInterface, HostNode, HostPod, HostPodSpec, HostWorld } from './host-world.ts';

/** How the container runtime names namespaces, and where it says that they are: `cni-UUID`, or `UUID` under /var/run (FACTS §5). */
type NamespaceNaming = 'containerd' | 'cri-o';

/** Of the whole process: the kernel takes a deleted namespace's links away some time later, so no name is used twice. */
let serial = 0;

/**
 * Whether this machine lets us make namespaces, veth and macvlan links, by making some. The text says why not.
 */
export async function canUseRealNamespaces(): Promise<true | string> {
  const name = `eni-agent-try-${process.pid}`;
  try {
    await execa('ip', ['netns', 'add', name]);
  } catch (error) {
    return `no network namespaces here: ${messageOf(error)}`;
  }
  try {
    await ipBatch([], [`link add tv${process.pid} type veth peer name eth0 netns ${name}`]);
    await ipBatch(['-n', name], ['link add link eth0 name net1 type macvlan mode bridge']);
    return true;
  } catch (error) {
    return `no veth or macvlan links here: ${messageOf(error)}`;
  } finally {
    await execa('ip', ['netns', 'del', name]);
  }
}

/**
 * Real namespaces. Each has a name under /run/netns, so that it can have an nsid, and is bound a second time in the folder of its
 * node, which the node's agent watches: the agent finds out that both are the same namespace. Agents of several nodes can so run
 * in one process without mount namespaces of their own.
 *
 * ENIs are veth ends and Multus interfaces are macvlan (plainer kernels lack ipvlan), so a pod's MAC is not its ENI's and the
 * agent must go by the parent link or by `master`.
 */
export class RealHost implements HostWorld {
  readonly environment = {};
  readonly #naming: NamespaceNaming;
  readonly #root = mkdtempSync(join(tmpdir(), 'eni-agent-host-'));
  readonly #links: string[] = [];
  /** Bind mounts to undo, also of pods that could not be finished. */
  readonly #bound = new Set<string>();

  constructor({ naming = 'containerd' }: { readonly naming?: NamespaceNaming } = {}) {
    this.#naming = naming;
  }

  async createNode(name: string, enis: readonly HostEni[]): Promise<HostNode> {
    const netnsDir = join(this.#root, name, 'netns');
    mkdirSync(netnsDir, { recursive: true });
    for (const eni of enis) {
      await this.attach(eni);
      await ipBatch([], [`link set ${eni.name} up`]);
    }
    return { name, netnsDir, cacheDir: join(this.#root, name, 'results'), enis };
  }

  async attach({ name, mac }: HostEni): Promise<void> {
    const peer = this.#linkName('p');
    await ipBatch([], [`link add ${name} address ${mac} type veth peer name ${peer}`, `link set ${peer} up`]);
    this.#links.push(name);
  }

  async createPod(node: HostNode, spec: HostPodSpec): Promise<HostPod> {
    const isCrio = this.#naming === 'cri-o';
    const name = isCrio ? randomUUID() : `cni-${randomUUID()}`;
    const netns = join(node.netnsDir, name);
    await execa('ip', ['netns', 'add', name]);
    closeSync(openSync(netns, 'w'));
    await execa('mount', ['--bind', `/run/netns/${name}`, netns]);
    this.#bound.add(netns);
    const children = spec.networks.map(
      ({ ifName, master }) => `link add link ${master} name ${ifName} netns ${name} type macvlan mode bridge`,
    );
    await ipBatch([], [`link add ${this.#linkName('v')} type veth peer name eth0 netns ${name}`, ...children]);
    const setUp = ({ ifName, ips = [] }: { ifName: string; ips?: readonly string[] }) => [
      `link set ${ifName} up`,
      ...ips.map((cidr) => `addr add ${cidr} dev ${ifName}`),
    ];
    const inside = ['-n', name];
    await ipBatch(inside, setUp({ ifName: 'eth0', ...(spec.podIps && { ips: spec.podIps }) }));
    const containerId = randomBytes(32).toString('hex');
    const sandbox = { node, netns, containerId, interfaces: await interfacesIn(name) };
    const recorded = isCrio ? { ...sandbox, netns: `/var/run/netns/${name}` } : sandbox;
    const first = await writePrimaryResult(spec, recorded);
    const seenAt = Date.now();
    await ipBatch(inside, spec.networks.flatMap(setUp));
    await pace('kernel to cache');
    return { ...spec, ...sandbox, seenAt, cacheFiles: [...first, ...(await writeResults(spec, recorded))] };
  }

  async addAddress(pod: HostPod, ifName: string, cidr: string): Promise<void> {
    await execa('nsenter', [`--net=${pod.netns}`, 'ip', 'addr', 'add', cidr, 'dev', ifName]);
  }

  async deleteAddress(pod: HostPod, ifName: string, cidr: string): Promise<void> {
    await execa('nsenter', [`--net=${pod.netns}`, 'ip', 'addr', 'del', cidr, 'dev', ifName]);
  }

  async deletePod(pod: HostPod, options: { readonly leaveCache?: boolean } = {}): Promise<void> {
    await this.#unbind(pod.netns);
    if (options.leaveCache !== true) for (const file of pod.cacheFiles) rmSync(file, { force: true });
  }

  async addressesOn(link: string): Promise<readonly string[]> {
    const { stdout } = await execa('ip', ['-j', 'addr', 'show', 'dev', link]);
    const links = JSON.parse(stdout) as { addr_info?: { local: string }[] }[];
    return links.flatMap(({ addr_info = [] }) => addr_info.map(({ local }) => local));
  }

  async loseAddresses(node: HostNode): Promise<void> {
    await ipBatch(
      [],
      node.enis.map(({ name }) => `addr flush dev ${name} scope global`),
    );
  }

  async close(): Promise<void> {
    for (const netns of this.#bound) await this.#unbind(netns);
    for (const link of this.#links) await execa('ip', ['link', 'del', link]);
    rmSync(this.#root, { recursive: true, force: true });
  }

  async #unbind(netns: string): Promise<void> {
    this.#bound.delete(netns);
    await execa('umount', ['-l', netns]);
    rmSync(netns);
    await execa('ip', ['netns', 'del', basename(netns)]);
  }

  #linkName(prefix: string): string {
    serial += 1;
    return `${prefix}${process.pid.toString(36)}x${serial.toString(36)}`;
  }
}

async function interfacesIn(name: string): Promise<HostInterface[]> {
  const { stdout } = await execa('ip', ['-n', name, '-j', 'link', 'show']);
  const links = JSON.parse(stdout) as { ifname: string; address: string }[];
  return links.map((link) => ({ ifName: link.ifname, mac: link.address }));
}

/** One process for several commands. */
async function ipBatch(options: readonly string[], commands: readonly string[]): Promise<void> {
  await execa('ip', [...options, '-batch', '-'], { input: `${commands.join('\n')}\n` });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.trim() : String(error);
}
