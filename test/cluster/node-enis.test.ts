import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { SpawnedAgent } from '../support/agent-process.ts';
import { type ControllerCluster, startControllerCluster, type Wire } from './controller-rig.ts';

const OWN = '/apis/eni-agent.io/v1alpha1/nodeenis';
const LEGACY = '/apis/networking.k8s.aws/v1alpha1/nodeenis';
const WAIT_MS = 60_000;

describe('NodeENI on a real API server', () => {
  let rig: ControllerCluster;
  let controller: SpawnedAgent;
  let subnetId = '';

  beforeAll(async () => {
    rig = await startControllerCluster();
    await rig.applyFiles('daemonset/crds', 'nodeeni.yaml', 'nodeenis.networking.k8s.aws.yaml');
    const [vpc] = rig.cloud.describeSubnets({}).subnetSet as Wire[];
    subnetId = rig.cloud.addSubnet({ vpcId: vpc.vpcId, cidr: '10.0.64.0/24', tags: { purpose: 'multus' } }).id;
    await rig.until('both definitions', () =>
      Promise.all([OWN, LEGACY].map((path) => rig.request('GET', path))).catch(() => undefined),
    );
    controller = rig.startController();
    await rig.until('a leader', () => controller.told('leading').length > 0, WAIT_MS);
  });
  afterAll(() => rig.close());

  const interfaces = (): Wire[] =>
    (rig.cloud.describeNetworkInterfaces({}).networkInterfaceSet as Wire[]).filter(
      ({ subnetId: id }) => id === subnetId,
    );
  const attached = () => interfaces().filter(({ attachment }) => attachment?.status === 'attached');
  const get = (path: string): Promise<Wire> => rig.request('GET', path).catch(() => undefined);
  const detachCalls = () => rig.ec2.calls.filter(({ action }) => action === 'DetachNetworkInterface').length;
  const eventsOf = async (reason: string): Promise<Wire[]> =>
    ((await rig.request('GET', '/api/v1/namespaces/default/events')).items as Wire[]).filter(
      (one) => one.reason === reason,
    );

  it('gives the nodes that an applied object selects their interface, with the least rights, and says so everywhere', async () => {
    const spec = {
      nodeSelector: { role: 'egress' },
      subnets: [{ tags: { purpose: 'multus' } }],
      interfaceName: 'multus',
    };
    await rig.request('POST', OWN, {
      apiVersion: 'eni-agent.io/v1alpha1',
      kind: 'NodeENI',
      metadata: { name: 'multus' },
      spec,
    });
    const object = await rig.until(
      'two attached interfaces in the status',
      async () => {
        const found = await get(`${OWN}/multus`);
        return found?.status?.attached === 2 && found.status.conditions?.[0]?.status === 'True' ? found : undefined;
      },
      WAIT_MS,
    );

    expect(attached()).toHaveLength(2);
    expect(object.metadata.finalizers).toEqual(['eni-agent.io/node-eni']);
    expect(object.status).toMatchObject({ desired: 2, attached: 2, failed: 0, observedGeneration: 1 });
    expect(object.status.nodes.map(({ node }: Wire) => node)).toEqual(['node-a', 'node-b']);
    const { versions } = parse(readFileSync('daemonset/crds/nodeeni.yaml', 'utf8')).spec as Wire;
    for (const { name, jsonPath } of versions[0].additionalPrinterColumns as Wire[]) {
      if (jsonPath.includes('[')) continue;
      const value = (jsonPath as string)
        .split('.')
        .filter(Boolean)
        .reduce((at: Wire, key) => at?.[key], object);
      expect(value, `column ${name}`).toBeDefined();
    }
    const node = await rig.request('GET', '/api/v1/nodes/node-a');
    expect(JSON.parse(node.metadata.annotations['eni-agent.io/node-enis'])).toMatchObject({
      wanted: 1,
      interfaces: [{ nodeENI: 'multus', name: 'multus', state: 'attached' }],
    });
    await rig.until('Events on the object and on the nodes', async () => {
      const kinds = (await eventsOf('NodeENIAttached')).map(({ involvedObject }) => involvedObject.kind as string);
      return (
        kinds.filter((kind) => kind === 'NodeENI').length === 2 && kinds.filter((kind) => kind === 'Node').length === 2
      );
    });
  });

  it('keeps the interface of a pod when the object is deleted, says who uses it, and lets go of it when the pod has ended', async () => {
    const used = attached().find(({ attachment }) => attachment.instanceId === rig.nodes[0]?.instanceId);
    await rig.startPod('user');
    const status = JSON.stringify([{ name: 'default/n', interface: 'net1', ips: ['10.0.64.9'], mac: used.macAddress }]);
    const annotations = { 'k8s.v1.cni.cncf.io/networks': 'n', 'k8s.v1.cni.cncf.io/network-status': status };
    await rig.request('PATCH', '/api/v1/namespaces/default/pods/user', { metadata: { annotations } });
    await rig.request('DELETE', `${OWN}/multus`);
    await rig.until(
      'the condition that names the pod',
      async () => (await get(`${OWN}/multus`))?.status?.conditions?.[0]?.message?.includes('default/user'),
      WAIT_MS,
    );
    expect(interfaces().map(({ networkInterfaceId }) => networkInterfaceId)).toContain(used.networkInterfaceId);

    await rig.endPod('user');
    await rig.until('the object gone', async () => (await get(`${OWN}/multus`)) === undefined, WAIT_MS);
    expect(interfaces()).toEqual([]);
    expect(
      (await rig.request('GET', '/api/v1/nodes/node-a')).metadata.annotations?.['eni-agent.io/node-enis'],
    ).toBeUndefined();
  });

  it('takes over the object and the interface of aws-multi-eni-controller without detaching anything', async () => {
    const before = detachCalls();
    const { instanceId = '' } = rig.nodes[0] ?? {};
    const { id } = rig.cloud.addInterface({
      subnetId,
      instanceId,
      deviceIndex: 1,
      tags: { NodeENI: 'old', Node: 'node-a', 'kubernetes.io/cluster/managed-by': 'nodeeni-controller' },
    });
    await rig.request('PATCH', '/api/v1/nodes/node-a', { metadata: { labels: { legacy: 'true' } } });
    const metadata = { name: 'old', finalizers: ['nodeeni.networking.k8s.aws/finalizer'] };
    const spec = {
      nodeSelector: { legacy: 'true' },
      subnetID: subnetId,
      securityGroupIDs: ['sg-00000000000000001'],
      deleteOnTermination: false,
    };
    await rig.request('POST', LEGACY, { apiVersion: 'networking.k8s.aws/v1alpha1', kind: 'NodeENI', metadata, spec });
    const tagged = () =>
      interfaces().find(({ tagSet }) => (tagSet as Wire[]).some(({ key }) => key === 'eni-agent.io/node-eni-uid'));
    await rig.until('our tags on it', () => tagged()?.networkInterfaceId === id, WAIT_MS);
    await rig.until(
      'its status',
      async () => (await get(`${LEGACY}/old`))?.status?.attachments?.[0]?.eniID === id,
      WAIT_MS,
    );

    await rig.request('DELETE', `${LEGACY}/old`);
    await rig.until('the old object gone', async () => (await get(`${LEGACY}/old`)) === undefined, WAIT_MS);
    const own = { nodeSelector: { legacy: 'true' }, subnets: [{ id: subnetId }], deviceIndex: 1 };
    await rig.request('POST', OWN, {
      apiVersion: 'eni-agent.io/v1alpha1',
      kind: 'NodeENI',
      metadata: { name: 'old' },
      spec: own,
    });
    await rig.until(
      'our object served by it',
      async () => (await get(`${OWN}/old`))?.status?.nodes?.[0]?.networkInterfaceID === id,
      WAIT_MS,
    );
    expect(interfaces().map(({ networkInterfaceId }) => networkInterfaceId)).toEqual([id]);
    expect(detachCalls()).toBe(before);
  });
});
