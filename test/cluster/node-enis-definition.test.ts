import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { startControlPlane, whyNoControlPlane } from '../support/control-plane.ts';

const COLLECTION = '/apis/eni-agent.io/v1alpha1/nodeenis';
const GOOD = { nodeSelector: { role: 'edge' }, subnets: [{ id: 'subnet-1' }] };

const why = whyNoControlPlane();
if (why !== undefined) process.stdout.write(`The definition of NodeENI is not tested on a real API server: ${why}\n`);

let close: () => Promise<void> = () => Promise.resolve();
let client: KubeClient;
let serial = 0;

beforeAll(async () => {
  if (why !== undefined) return;
  const controlPlane = await startControlPlane({ controllers: false });
  const connection = await loadConnection({ kubeconfig: controlPlane.kubeconfigPath, env: {} });
  client = createKubeClient({ connection, clock: systemClock() });
  close = async () => {
    await client.close();
    await controlPlane.close();
  };
  for (const file of ['nodeeni.yaml', 'nodeenis.networking.k8s.aws.yaml']) {
    const body = parse(readFileSync(join(import.meta.dirname, '../../daemonset/crds', file), 'utf8')) as object;
    await client.request({ method: 'POST', path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', body });
  }
  for (let tries = 0; tries < 200; tries += 1) {
    const served = await client.request({ method: 'GET', path: COLLECTION }).then(
      () => true,
      () => false,
    );
    if (served) return;
    await sleep(50);
  }
  throw new Error('the definition was never served');
}, 120_000);

afterAll(() => close());

function create(spec: object, kind = { path: COLLECTION, apiVersion: 'eni-agent.io/v1alpha1' }): Promise<unknown> {
  serial += 1;
  const body = { apiVersion: kind.apiVersion, kind: 'NodeENI', metadata: { name: `n${serial}` }, spec };
  return client.request({ method: 'POST', path: kind.path, body });
}

describe.skipIf(why !== undefined)('the definition of NodeENI on a real API server', () => {
  it('has no fault', async () => {
    const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/nodeenis.eni-agent.io';
    const { status } = await client.request<{ status: { conditions: { type: string; status: string }[] } }>({
      method: 'GET',
      path,
    });
    const wrong = status.conditions.filter(({ type, status: value }) =>
      type === 'NonStructuralSchema'
        ? value === 'True'
        : ['NamesAccepted', 'Established'].includes(type) && value !== 'True',
    );
    expect(wrong).toEqual([]);
  });

  it('takes the least and fills in the defaults', async () => {
    const { spec } = (await create(GOOD)) as { spec: object };
    expect(spec).toEqual({ ...GOOD, count: 1, deletionPolicy: 'Delete' });
  });

  it('takes everything', async () => {
    const everything = {
      ...GOOD,
      subnets: [{ id: 'subnet-0123456789abcdef0' }, { tags: { purpose: 'multus' } }],
      securityGroups: [{ id: 'sg-1' }, { name: 'multus' }, { tags: { a: 'b' } }],
      count: 2,
      deviceIndex: 2,
      networkCard: 0,
      interfaceName: 'multus',
      mtu: 9001,
      sourceDestCheck: false,
      description: 'for Multus',
      tags: { team: 'core' },
      deletionPolicy: 'Retain',
    };
    await expect(create(everything)).resolves.toMatchObject({ spec: everything });
  });

  it.each<[string, object]>([
    ['no node selector', { subnets: GOOD.subnets }],
    ['an empty node selector', { ...GOOD, nodeSelector: {} }],
    ['no subnet', { nodeSelector: GOOD.nodeSelector, subnets: [] }],
    ['a subnet by id and tags', { ...GOOD, subnets: [{ id: 'subnet-1', tags: { a: 'b' } }] }],
    ['a subnet by nothing', { ...GOOD, subnets: [{}] }],
    ['a group by id and name', { ...GOOD, securityGroups: [{ id: 'sg-1', name: 'x' }] }],
    ['a count of 0', { ...GOOD, count: 0 }],
    ['the primary’s device index', { ...GOOD, deviceIndex: 0 }],
    ['a name of the system', { ...GOOD, interfaceName: 'eth1' }],
    ['a name of the VPC CNI', { ...GOOD, interfaceName: 'enifoo' }],
    ['a name with a slash', { ...GOOD, interfaceName: 'a/b' }],
    ['a name in which the index would be lost', { ...GOOD, interfaceName: 'multus1', count: 2 }],
    ['an MTU that no ENI has', { ...GOOD, mtu: 9002 }],
    ['a tag of ours', { ...GOOD, tags: { 'eni-agent.io/cluster': 'x' } }],
    ['a tag of the VPC CNI', { ...GOOD, tags: { 'node.k8s.amazonaws.com/no_manage': 'false' } }],
    ['an unknown policy', { ...GOOD, deletionPolicy: 'Keep' }],
    ['a name that leaves no room for the index', { ...GOOD, interfaceName: 'abcdefghijklm', count: 15 }],
  ])('refuses %s', async (_what, spec) => {
    await expect(create(spec)).rejects.toMatchObject({ status: 422 });
  });

  it('takes objects of aws-multi-eni-controller as they are', async () => {
    const kind = { path: '/apis/networking.k8s.aws/v1alpha1/nodeenis', apiVersion: 'networking.k8s.aws/v1alpha1' };
    const spec = { nodeSelector: { ng: 'multi-eni' }, subnetID: 'subnet-1', securityGroupIDs: ['sg-1'], mtu: 9000 };
    await expect(create(spec, kind)).resolves.toMatchObject({ spec: { ...spec, deviceIndex: 1 } });
  });
});
