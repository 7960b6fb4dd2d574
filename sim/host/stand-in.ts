import { randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, delimiter, join } from 'node:path';
import { serveChanges } from './change-server.ts';
import { pace } from './cni-pace.ts';
import { writePrimaryResult, writeResults } from './cni-result.ts';
import type { HostEni, HostNode, HostPod, HostPodSpec, HostWorld } from './host-world.ts';
import type { LinkState } from './machine-state.ts';
import { addressOf, MachineState } from './machine-state.ts';
import { writeStandInCommands } from './stand-in-commands.ts';

/**
 * A machine for laptops: namespaces are files, and stand-ins for `ip` and `nsenter`, put in front of the agent's PATH, answer what the
 * agent asks the real ones. Multus interfaces behave like ipvlan: they have their master's MAC.
 */
export class StandInHost implements HostWorld {
  readonly environment: Readonly<Record<string, string>>;
  readonly #root = mkdtempSync(join(tmpdir(), 'eni-agent-host-'));
  readonly #state: MachineState;
  readonly #changes: Server;
  #nextIndex = 2;

  constructor() {
    const stateFolder = join(this.#root, 'machine');
    this.#state = new MachineState(stateFolder);
    this.#state.create();
    this.#changes = serveChanges(this.#state, join(stateFolder, 'socket'));
    const commands = join(this.#root, 'bin');
    writeStandInCommands(commands);
    this.environment = {
      PATH: [commands, process.env.PATH ?? ''].join(delimiter),
      SIM_HOST_STATE: stateFolder,
      SIM_HOST_NODE: process.execPath,
    };
  }

  /** The environment of a process inside a pod's namespace (init container, sidecar). */
  environmentIn(pod: HostPod): Readonly<Record<string, string>> {
    return { ...this.environment, SIM_HOST_NETNS: basename(pod.netns) };
  }

  async createNode(name: string, enis: readonly HostEni[]): Promise<HostNode> {
    const netnsDir = join(this.#root, name, 'netns');
    mkdirSync(netnsDir, { recursive: true });
    const added = enis.map((eni) => linkOf(this.#nextIndex++, eni.name, eni.mac));
    this.#state.writeLinks(undefined, [...this.#state.links(undefined), ...added]);
    return { name, netnsDir, cacheDir: join(this.#root, name, 'results'), enis };
  }

  async attach({ name, mac }: HostEni): Promise<void> {
    const link = linkOf(this.#nextIndex++, name, mac);
    this.#state.writeLinks(undefined, [
      ...this.#state.links(undefined),
      { ...link, flags: ['BROADCAST', 'MULTICAST'] },
    ]);
  }

  async createPod(node: HostNode, spec: HostPodSpec): Promise<HostPod> {
    const name = `cni-${randomUUID()}`;
    const netns = join(node.netnsDir, name);
    this.#state.createScope(name);
    this.#state.giveNsid(name);
    this.#state.writeLinks(name, this.#linksOf(spec));
    const interfaces = this.#state.links(name).map((link) => ({ ifName: link.ifname, mac: link.address }));
    const sandbox = { node, netns, interfaces, containerId: randomBytes(32).toString('hex') };
    writeFileSync(netns, '');
    const first = await writePrimaryResult(spec, sandbox);
    const seenAt = Date.now();
    for (const { ifName, ips } of spec.networks)
      for (const cidr of ips) this.#state.changeAddress(name, 'add', ifName, cidr);
    await pace('kernel to cache');
    return { ...spec, ...sandbox, seenAt, cacheFiles: [...first, ...(await writeResults(spec, sandbox))] };
  }

  async addAddress(pod: HostPod, ifName: string, cidr: string): Promise<void> {
    this.#state.changeAddress(basename(pod.netns), 'add', ifName, cidr);
  }

  async deleteAddress(pod: HostPod, ifName: string, cidr: string): Promise<void> {
    this.#state.changeAddress(basename(pod.netns), 'del', ifName, cidr);
  }

  async deletePod(pod: HostPod, options: { readonly leaveCache?: boolean } = {}): Promise<void> {
    rmSync(pod.netns, { force: true });
    this.#state.removeScope(basename(pod.netns));
    if (options.leaveCache !== true) for (const file of pod.cacheFiles) rmSync(file, { force: true });
  }

  async addressesOn(link: string): Promise<readonly string[]> {
    const found = this.#state.links(undefined).find(({ ifname }) => ifname === link);
    return (found?.addr_info ?? []).map(({ local }) => local);
  }

  async loseAddresses({ enis }: HostNode): Promise<void> {
    for (const { name } of enis) {
      for (const address of await this.addressesOn(name)) this.#state.changeAddress(undefined, 'del', name, address);
    }
  }

  async close(): Promise<void> {
    this.#changes.close();
    rmSync(this.#root, { recursive: true, force: true });
  }

  #linksOf(spec: HostPodSpec): LinkState[] {
    const networks = spec.networks.map(({ ifName, master }, position) => {
      const parent = this.#state.links(undefined).find((link) => link.ifname === master);
      if (parent === undefined) throw new Error(`no ENI is named ${master}`);
      const link = linkOf(3 + position, ifName, parent.address);
      return { ...link, link_index: parent.ifindex, link_netnsid: 0 };
    });
    return [linkOf(2, 'eth0', randomMac(), spec.podIps), ...networks];
  }
}

function linkOf(ifindex: number, ifname: string, address: string, cidrs: readonly string[] = []): LinkState {
  return {
    ifindex,
    ifname,
    address,
    flags: ['BROADCAST', 'MULTICAST', 'UP', 'LOWER_UP'],
    addr_info: cidrs.map(addressOf),
  };
}

function randomMac(): string {
  return ['0a', ...[...randomBytes(5)].map((byte) => byte.toString(16).padStart(2, '0'))].join(':');
}
