import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { HostInterface, HostNetwork, HostNode, HostPodSpec } from './host-world.ts';

export interface Sandbox {
  readonly node: HostNode;
  readonly netns: string;
  readonly containerId: string;
  readonly interfaces: readonly HostInterface[];
}

/** Writes the result of the primary network, by which an agent knows whose namespace this is before the others are there. */
export function writePrimaryResult(pod: HostPodSpec, sandbox: Sandbox): Promise<string[]> {
  return writeResults({ ...pod, networks: [{ ifName: 'eth0', master: 'eth0', ips: pod.podIps ?? [] }] }, sandbox);
}

/**
 * Writes the result of each network as libcni under Multus does, not atomically: the first half is there before the second
 * (facts §5). Returns the files' paths.
 */
export async function writeResults(pod: HostPodSpec, sandbox: Sandbox): Promise<string[]> {
  mkdirSync(sandbox.node.cacheDir, { recursive: true, mode: 0o700 });
  const files: string[] = [];
  for (const network of pod.networks) {
    const file = join(sandbox.node.cacheDir, `${networkName(network)}-${sandbox.containerId}-${network.ifName}`);
    await writeInHalves(file, JSON.stringify(cacheOf(pod, network, sandbox)));
    files.push(file);
  }
  return files;
}

async function writeInHalves(file: string, text: string): Promise<void> {
  const handle = openSync(file, 'w', 0o600);
  writeSync(handle, text.slice(0, text.length / 2));
  await setImmediate();
  writeSync(handle, text.slice(text.length / 2));
  closeSync(handle);
}

function networkName(network: HostNetwork): string {
  return `ipvlan-${network.master}`;
}

function cacheOf(pod: HostPodSpec, network: HostNetwork, sandbox: Sandbox): unknown {
  const { netns, containerId } = sandbox;
  const mac = sandbox.interfaces.find((link) => link.ifName === network.ifName)?.mac;
  const conf = { cniVersion: '1.0.0', name: networkName(network), type: 'ipvlan', master: network.master, mode: 'l2' };
  return {
    kind: 'cniCacheV1',
    containerId,
    config: Buffer.from(JSON.stringify(conf)).toString('base64'),
    ifName: network.ifName,
    networkName: networkName(network),
    netns,
    cniArgs: [
      ['IgnoreUnknown', 'true'],
      ['K8S_POD_NAMESPACE', pod.namespace],
      ['K8S_POD_NAME', pod.name],
      ['K8S_POD_INFRA_CONTAINER_ID', containerId],
      ['K8S_POD_UID', pod.uid],
    ],
    result: {
      cniVersion: '1.0.0',
      interfaces: [{ name: network.ifName, mac, sandbox: netns }],
      ips: network.ips.map((address) => ({ interface: 0, address })),
      dns: {},
    },
  };
}
