import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { SpawnedAgent } from '../support/agent-process.ts';
import { type ControllerCluster, startControllerCluster, type Wire } from './controller-rig.ts';

const AWS = 'aws.k8s.logmein.com/v1alpha1';

describe('eni-agent controller on a real API server', () => {
  let rig: ControllerCluster;
  let controllers: SpawnedAgent[];

  beforeAll(async () => {
    rig = await startControllerCluster();
    await rig.startPod('legacy', 'node-a', { 'eip.aws.materialize.com/manage': 'true' });
    const finalizers = ['eip.aws.materialize.com/disassociate', 'example.com/another'];
    await rig.request('PATCH', '/api/v1/namespaces/default/pods/legacy', { metadata: { finalizers } });
    await Promise.all(['node-a', 'node-b'].map((name) => rig.setReady(name, true)));
    controllers = [rig.startController(), rig.startController()];
    rig.startNodeAgents();
    await rig.until('a leader', () => controllers.some((controller) => controller.told('leading').length > 0));
  });
  afterAll(() => rig.close());

  const leads = (controller: SpawnedAgent) =>
    controller.told('leading').length > controller.told('no longer leading').length;

  it('one of two replicas leads', () => {
    expect(controllers.filter(leads)).toHaveLength(1);
  });

  it('takes the first version’s finalizer off pods, and no other', async () => {
    const left = async () => (await rig.pod('legacy')).metadata.finalizers as string[];
    await rig.until('the finalizer gone', async () => (await left()).length === 1);
    expect(await left()).toEqual(['example.com/another']);
    await rig.request('PATCH', '/api/v1/namespaces/default/pods/legacy', { metadata: { finalizers: null } });
    await rig.endPod('legacy');
  });

  it("serves the manual's EIP from allocation to release, with the least rights", async () => {
    await rig.apply({
      apiVersion: AWS,
      kind: 'EIP',
      metadata: { name: 'my-eip' },
      spec: { tags: { owner: 'My team' } },
    });
    await rig.until('allocated', async () => (await rig.eip('my-eip'))?.status?.state === 'allocated');
    expect(rig.tagsOf(rig.eips()[0])).toMatchObject({ owner: 'My team', team: 'media' });

    const pod = await rig.startPod('some-pod');
    const path = '/apis/aws.k8s.logmein.com/v1alpha1/namespaces/default/eips/my-eip';
    await rig.request('PATCH', path, { spec: { assignment: { podName: 'some-pod' } } });
    await rig.until('assigned', async () => (await rig.eip('my-eip'))?.status?.state === 'assigned');
    expect(rig.eips()[0]).toMatchObject({ privateIpAddress: pod.address });
    expect((await rig.eip('my-eip')).status).toMatchObject({
      assignment: { podName: 'some-pod', privateIPAddress: pod.address },
    });

    await rig.request('DELETE', path);
    await rig.until('release', async () => rig.eips().length === 0 && (await rig.eip('my-eip')) === undefined);
    await rig.endPod('some-pod');
  });

  it('releases an EIP with the pod that owns it, through the garbage collector', async () => {
    const { uid } = await rig.startPod('owner');
    const ownerReferences = [{ apiVersion: 'v1', kind: 'Pod', name: 'owner', uid, blockOwnerDeletion: true }];
    await rig.apply({
      apiVersion: AWS,
      kind: 'EIP',
      metadata: { name: 'owned', ownerReferences },
      spec: { assignment: { podName: 'owner' } },
    });
    await rig.until('assigned', async () => (await rig.eip('owned'))?.status?.state === 'assigned');
    await rig.endPod('owner');
    await rig.until('release', async () => rig.eips().length === 0 && (await rig.eip('owned')) === undefined);
    expect(rig.ec2.calls.filter(({ action }) => action === 'ReleaseAddress').length).toBeGreaterThan(0);
  });

  it('rewrites an Eip of version 1, serves both versions, and writes the status as its sub-resource', async () => {
    const pod = await rig.startPod('my-pod', 'node-b', { 'eip.materialize.cloud/manage': 'true' });
    await rig.apply({
      apiVersion: 'materialize.cloud/v1',
      kind: 'Eip',
      metadata: { name: 'my-new-eip' },
      spec: { podName: 'my-pod' },
    });
    const bound = await rig.until('binding', async () => {
      const object = await rig.mzEip('my-new-eip');
      return object?.status?.associationId ? object : undefined;
    });
    expect(bound.spec).toEqual({ selector: { pod: { podName: 'my-pod' } } });
    expect(bound.status).toMatchObject({
      privateIpAddress: pod.address,
      resourceId: 'my-pod',
      allocationId: rig.eips()[0].allocationId,
    });
    expect((await rig.mzEip('my-new-eip', 'v1')).status).toEqual(bound.status);
    await rig.until(
      'annotations',
      async () => (await rig.pod('my-pod')).metadata.annotations?.['external-dns.alpha.kubernetes.io/target'],
    );
    await rig.request('DELETE', '/apis/materialize.cloud/v2/namespaces/default/eips/my-new-eip');
    await rig.until('release', () => rig.eips().length === 0);
    await rig.endPod('my-pod');
  });

  it('creates and deletes the Eip of a pod with the autocreate label', async () => {
    await rig.startPod('auto', 'node-a', {
      'eip.materialize.cloud/manage': 'true',
      'eip.materialize.cloud/autocreate_eip': 'true',
    });
    await rig.until('binding', async () => (await rig.mzEip('auto'))?.status?.associationId);
    await rig.endPod('auto');
    await rig.until('release', async () => rig.eips().length === 0 && (await rig.mzEip('auto')) === undefined);
    expect((await rig.request('GET', '/apis/materialize.cloud/v2/eips')).items).toEqual([]);
  });

  it('applies the samples of EIP objects', async () => {
    const files = ['eip-for-pod', 'eip-for-nodes', 'eip-from-pools', 'eip-autocreated'];
    const manifests = files.flatMap((file) =>
      parseAllDocuments(readFileSync(`samples/eip-objects/${file}.yaml`, 'utf8')).map(
        (document) => document.toJS() as Wire,
      ),
    );
    for (const manifest of manifests) await rig.apply(manifest);
    const nodeEip = await rig.until('the egress node', async () => {
      await rig.setReady('node-a', true);
      await rig.setReady('node-b', true);
      return (await rig.mzEip('egress'))?.status?.resourceId;
    });
    const label = async () =>
      (await rig.request('GET', `/api/v1/nodes/${nodeEip}`)).metadata.labels[
        'egress-gateway.materialize.cloud/ready-status'
      ];
    await rig.until('the egress label', async () => (await label()) === 'true');
    const created = async () => {
      const { items } = await rig.request('GET', '/apis/materialize.cloud/v2/namespaces/default/eips');
      return items.filter(({ metadata }: Wire) => (metadata.name as string).startsWith('materialized-')).length === 2;
    };
    await rig.until('an Eip for each pod of the Deployment', created);

    for (const { apiVersion, kind, metadata } of manifests) {
      const version = (apiVersion as string).replace('materialize.cloud/v1', 'materialize.cloud/v2');
      const path = `/apis/${version}/namespaces/default/${(kind as string).toLowerCase()}s/${metadata.name as string}`;
      await rig.request('DELETE', path, { propagationPolicy: 'Background' });
    }
    await rig.until('the pods gone', async () => {
      const { items } = await rig.request('GET', '/api/v1/namespaces/default/pods');
      await Promise.all(items.map(({ metadata }: Wire) => rig.endPod(metadata.name as string).catch(() => undefined)));
      return items.length === 0;
    });
    await rig.until('release', () => rig.eips().length === 0);
    expect(nodeEip).toMatch(/^node-[ab]$/);
  });

  it('a killed leader is followed by the other replica, which finishes what was begun', async () => {
    const leader = controllers.find(leads);
    const standby = controllers.find((controller) => controller !== leader);
    await rig.startPod('survivor');
    await rig.apply({
      apiVersion: AWS,
      kind: 'EIP',
      metadata: { name: 'survivor' },
      spec: { assignment: { podName: 'survivor' } },
    });
    await rig.until(
      'the first call',
      () => rig.ec2.calls.some(({ action }) => action === 'AllocateAddress') && rig.eips().length > 0,
    );
    await leader?.end('SIGKILL');
    await rig.until('the other to lead', () => standby !== undefined && leads(standby));
    await rig.until('assigned', async () => (await rig.eip('survivor'))?.status?.state === 'assigned');
    expect(rig.eips()).toHaveLength(1);
    await rig.request('DELETE', '/apis/aws.k8s.logmein.com/v1alpha1/namespaces/default/eips/survivor');
    await rig.until('release', () => rig.eips().length === 0);
  });

  it('was never denied anything', () => {
    const denied = controllers.flatMap(({ output }) =>
      output.filter((line) => /forbidden|cannot (?:get|list|watch|patch|create|delete|update) resource/i.test(line)),
    );
    expect(denied).toEqual([]);
  });
});
