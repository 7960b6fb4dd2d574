import { builtIn } from '../kube/kubelet.ts';
import type { KubeApi } from '../kube/server.ts';
import type { WorldEni } from './topology.ts';
import { until } from './until.ts';
import type { World } from './world.ts';
import type { WorldNode } from './world-node.ts';

const API_VERSION = 'eni-agent.io/v1alpha1';

/** `daemonset/crds/nodeeni.yaml` without schema. */
const nodeEniDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'nodeenis.eni-agent.io' },
  spec: {
    group: 'eni-agent.io',
    scope: 'Cluster',
    names: { kind: 'NodeENI', listKind: 'NodeENIList', plural: 'nodeenis', singular: 'nodeeni' },
    versions: [{ name: 'v1alpha1', served: true, storage: true, subresources: { status: {} } }],
  },
};

/** Lets the API server serve the resource. Agents and controller look for it when they start. */
export function installNodeEnis({ api }: KubeApi): void {
  api.create(builtIn('customresourcedefinitions'), undefined, nodeEniDefinition);
}

/** @throws before {@link installNodeEnis} */
export function createNodeEni({ api, registry }: KubeApi, name: string, spec: object): void {
  const resource = registry.find(API_VERSION, 'nodeenis');
  if (resource === undefined) throw new Error('the API server does not serve NodeENIs yet');
  api.create(resource, undefined, { apiVersion: API_VERSION, kind: 'NodeENI', metadata: { name }, spec: { ...spec } });
}

/** Waits until EC2 attaches an interface to a plain node, and lets its link appear on the machine, as the hypervisor does. */
export async function plugIn(world: World, node: WorldNode, link: string, signal: AbortSignal): Promise<WorldEni> {
  const attached = () =>
    world.cloud.state
      .interfacesOf(node.instanceId, Date.now())
      .find(({ attachment }) => attachment !== undefined && attachment.deviceIndex > 0);
  await until(`an interface of ${node.name}`, () => attached() !== undefined, { signal });
  const found = attached();
  const plan = world.cloud.state.subnets.get(found?.subnetId ?? '');
  if (found === undefined || plan === undefined) throw new Error(`the interface of ${node.name} went again`);
  const primaryIp = found.addresses.find(({ primary }) => primary)?.ip ?? '';
  const [like] = world.nodes.flatMap(({ enis }) => enis.filter(({ subnet }) => subnet.id === plan.id));
  const subnet = like?.subnet ?? { name: plan.id, id: plan.id, cidr: plan.cidr, ipv6Cidr: plan.ipv6Cidr };
  const eni = { id: found.id, mac: found.mac, link, subnet, primaryIp };
  await world.host.attach({ name: link, mac: found.mac });
  node.enis.push(eni);
  return eni;
}
