import { ip } from '../../lib/model/ip.ts';
import type { WorldCall } from '../support/world/ec2-transport.ts';
import type { World } from '../support/world/world.ts';

/** What an accepted call would do to somebody else, in words: asked before EC2 acts, at any instant of any story. */
export function forbiddenAct(world: World, call: WorldCall): string[] {
  const about = `${call.process} at ${call.at}: ${call.action} ${JSON.stringify(Object.fromEntries(call.parameters))}`;
  return [
    ...liveUnassigned(world, call),
    ...takenFromProtected(world, call),
    ...foreignReleased(world, call),
    ...detachedUnderPod(world, call),
  ].map((what) => `${what} (${about})`);
}

/** An address is never taken off the ENI of a node where a pod has it. What a pod adds while the call is on its way nobody can know. */
function liveUnassigned(world: World, { action, parameters, process, sentAt }: WorldCall): string[] {
  if (action !== 'UnassignPrivateIpAddresses' && action !== 'UnassignIpv6Addresses') return [];
  const eni = parameters.get('NetworkInterfaceId') ?? '';
  const node = world.nodes.find(({ instanceId }) =>
    world.cloud.state.interfacesOf(instanceId, world.clock.now()).some(({ id }) => id === eni),
  );
  // A takeover of an IPv6 address has no other way than this (FACTS §1.3); whoever takes it has it on an interface.
  const taker = world.nodes.find(({ name }) => process === `agent-${name}`);
  const addresses = valuesOf(parameters, /^(PrivateIpAddress|Ipv6Addresses)\.\d+$/);
  const live = new Set(node?.host.liveAddresses(sentAt));
  const takes = (address: string) => taker !== node && taker?.host.liveAddresses().includes(ip(address)) === true;
  return addresses
    .filter((address) => live.has(ip(address)) && !takes(address))
    .map((address) => `${address} is in use on ${eni}`);
}

/** Nothing is taken by force from a primary ENI or from an instance that is not of this cluster (DESIGN §2 rule 3). */
function takenFromProtected(world: World, { action, parameters }: WorldCall): string[] {
  if (action !== 'AssignPrivateIpAddresses' || parameters.get('AllowReassignment') !== 'true') return [];
  const ours = new Set(world.nodes.flatMap((node) => [node.eni(1), node.eni(2)]));
  return valuesOf(parameters, /^PrivateIpAddress\.\d+$/).flatMap((address) => {
    const holder = world.holderOf(address);
    return holder === undefined || ours.has(holder) ? [] : [`${address} would be taken from ${holder}`];
  });
}

/** Only what carries this cluster's tags is released. */
function foreignReleased(world: World, { action, parameters }: WorldCall): string[] {
  if (action !== 'ReleaseAddress') return [];
  const id = parameters.get('AllocationId') ?? '';
  const [eip] = world.cloud.describeAddresses().addressesSet.filter(({ allocationId }) => allocationId === id);
  const marked = (eip?.tagSet ?? []).some(({ key, value }) => /cluster/i.test(key) && value === 'test');
  return eip === undefined || marked ? [] : [`${id} is not this cluster's`];
}

/** An interface is never detached from a node on which a running pod's network status names it. */
function detachedUnderPod(world: World, { action, parameters }: WorldCall): string[] {
  if (action !== 'DetachNetworkInterface') return [];
  const id = parameters.get('AttachmentId');
  const eni = world.cloud.state.allInterfaces(world.clock.now()).find(({ attachment }) => attachment?.id === id);
  const node = world.nodes.find(({ instanceId }) => instanceId === eni?.attachment?.instanceId);
  if (eni === undefined || node === undefined) return [];
  return world
    .objects('pods')
    .filter(({ spec, metadata }) => {
      const annotations = metadata.annotations as Readonly<Record<string, string>> | undefined;
      const networks = annotations?.['k8s.v1.cni.cncf.io/network-status'] ?? '';
      return spec?.['nodeName'] === node.name && networks.includes(eni.mac);
    })
    .map(({ metadata }) => `${eni.id} would be detached under pod ${metadata.name}`);
}

function valuesOf(parameters: ReadonlyMap<string, string>, key: RegExp): string[] {
  return Array.from(parameters).flatMap(([name, value]) => (key.test(name) ? [value] : []));
}
