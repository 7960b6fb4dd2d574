import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parseAllDocuments } from 'yaml';
import type { RateLimit } from '../../sim/ec2/throttle.ts';
import { type ControlPlane, startControlPlane } from '../support/control-plane.ts';
import { PATIENCE_MS } from '../support/patience.ts';
import { type ApiPod, countCalls, type EipRig, NODE, startEipRig, until } from './elastic-ips-rig.ts';

const PEC = 'aws-samples.github.com/aws-pod-eip-controller';
const PUBLIC_IP = 'aws-pod-eip-controller-public-ip';
const AUTO = { [`${PEC}-type`]: 'auto' };

function pod(name: string, annotations: Readonly<Record<string, string>>) {
  return { metadata: { name, annotations }, spec: { nodeName: NODE, containers: [{ name: 'c', image: 'i' }] } };
}

/** The pod that the sample's Deployment would make. */
async function samplePod(): Promise<object> {
  const documents = parseAllDocuments(await readFile('samples/elastic-ips/nginx-auto.yaml', 'utf8')).map(
    (document) => document.toJS() as Deployment,
  );
  const template = documents.find(({ kind }) => kind === 'Deployment')?.spec.template;
  return { metadata: { ...template?.metadata, name: 'nginx-0' }, spec: { ...template?.spec, nodeName: NODE } };
}

interface Deployment {
  readonly kind: string;
  readonly spec: { readonly template: { readonly metadata: object; readonly spec: object } };
}

let controlPlane: ControlPlane;
beforeAll(async () => {
  controlPlane = await startControlPlane();
});
afterAll(() => controlPlane?.close());

describe('eni-agent node and Elastic IPs on a real API server', () => {
  let rig: EipRig;
  beforeAll(async () => {
    rig = await startEipRig(controlPlane);
    await rig.agent.start(AbortSignal.timeout(PATIENCE_MS));
  });
  afterAll(() => rig.close());
  const labelled = async (name: string) => (await rig.pods.get(name)).metadata.labels?.[PUBLIC_IP];

  it("serves the sample manifest as aws-pod-eip-controller's users expect", async () => {
    const { pods, cloud, ec2 } = rig;
    const created = await pods.create(await samplePod());
    await until(() => ec2.calls.some(({ action, outcome }) => action === 'AllocateAddress' && outcome === 'ok'));
    await pods.giveAddress('nginx-0', '10.0.8.10');
    await until(async () => (await labelled('nginx-0')) !== undefined);

    const [eip] = cloud.describeAddresses().addressesSet;
    const { metadata, status } = await pods.get('nginx-0');
    expect(metadata.labels).toMatchObject({ [PUBLIC_IP]: eip?.publicIp, 'aws-pod-eip-controller-type': 'auto' });
    expect(metadata.annotations).toMatchObject({ 'external-dns.alpha.kubernetes.io/target': eip?.publicIp });
    expect(JSON.parse(metadata.annotations?.['eni-agent.io/addresses'] ?? '')).toMatchObject([
      { address: '10.0.8.10', eip: eip?.publicIp },
    ]);
    expect(status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'eni-agent.io/AddressesAssigned', status: 'True' }),
    );
    expect(eip?.privateIpAddress).toBe('10.0.8.10');
    expect(Object.fromEntries((eip?.tagSet ?? []).map(({ key, value }) => [key, value]))).toMatchObject({
      [`${PEC}-type`]: 'auto',
      [`${PEC}-cluster-name`]: 'test',
      [`${PEC}-pod`]: 'default/nginx-0',
    });
    await until(async () => (await pods.events('nginx-0')).length > 0);
    expect(await pods.events('nginx-0')).toMatchObject([
      { reason: 'EIPAssociated', type: 'Normal', involvedObject: { uid: created.metadata.uid } },
    ]);
  });

  it('writes nothing on a pod that has nothing to do with it', async () => {
    const { pods } = rig;
    await pods.create(pod('plain', {}));
    await pods.giveAddress('plain', '10.0.8.50');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const { metadata, status } = await pods.get('plain');
    expect(metadata.labels).toBeUndefined();
    expect(metadata.annotations).toBeUndefined();
    expect(status?.conditions?.filter(({ type }) => type.startsWith('eni-agent')) ?? []).toEqual([]);
    await pods.remove('plain');
  });

  it('takes labels and Elastic IP away when the annotation goes', async () => {
    const { pods, cloud } = rig;
    await pods.annotate('nginx-0', { [`${PEC}-type`]: null });
    await until(
      async () => (await labelled('nginx-0')) === undefined && cloud.describeAddresses().addressesSet.length === 0,
    );
    expect((await pods.events('nginx-0')).map(({ reason }) => reason)).toEqual(['EIPAssociated', 'EIPDisassociated']);
    expect((await pods.get('nginx-0')).metadata.annotations).not.toHaveProperty(
      'external-dns.alpha.kubernetes.io/target',
    );
    await pods.remove('nginx-0');
  });

  it('serves one pod soon after it has its address', async () => {
    const { pods, ec2 } = rig;
    const associateMs: number[] = [];
    const labelMs: number[] = [];
    for (let index = 0; index < 8; index += 1) {
      const [name, address] = [`single-${index}`, `10.0.8.${20 + index}`];
      ec2.endpoint.resetCalls();
      await pods.create(pod(name, AUTO));
      await until(() => ec2.calls.some(({ action, outcome }) => action === 'AllocateAddress' && outcome === 'ok'));
      await new Promise((resolve) => setTimeout(resolve, 30));
      const patchedAt = Date.now();
      await pods.giveAddress(name, address);
      await until(async () => (await labelled(name)) !== undefined);
      labelMs.push(Date.now() - patchedAt);
      associateMs.push((ec2.calls.find(({ action }) => action === 'AssociateAddress')?.at ?? 0) - patchedAt);
      expect(countCalls(ec2)).toMatchObject({ AllocateAddress: 1, AssociateAddress: 1 });
      await pods.remove(name);
    }
    console.log(
      'AssociateAddress after PATCH, ms:',
      associateMs.join(' '),
      '| label after PATCH, ms:',
      labelMs.join(' '),
    );
  });

  it('serves 40 pods at once with two writes each and at most 8 reads', async () => {
    const { pods, ec2, cloud } = rig;
    await until(() => cloud.describeAddresses().addressesSet.length === 0);
    ec2.endpoint.resetCalls();
    const names = Array.from({ length: 40 }, (_, index) => `burst-${index}`);
    const startedAt = performance.now();
    await Promise.all(
      names.map(async (name, index) => {
        await pods.create(pod(name, AUTO));
        await pods.giveAddress(name, `10.0.8.${10 + index}`);
      }),
    );
    const addressedMs = performance.now() - startedAt;
    const all = async () =>
      (await pods.list()).filter(
        ({ metadata }: ApiPod) => metadata.labels?.[PUBLIC_IP] && metadata.name.startsWith('burst'),
      ).length === 40;
    await until(all);
    const labelledMs = performance.now() - startedAt;
    const counts = countCalls(ec2);
    console.log(
      '40 pods: last PATCH after',
      Math.round(addressedMs),
      'ms, last label after',
      Math.round(labelledMs),
      'ms',
      counts,
    );

    expect(counts).toMatchObject({ AllocateAddress: 40, AssociateAddress: 40 });
    const reads = ec2.calls.filter(({ action }) => action.startsWith('Describe')).length;
    expect(reads).toBeLessThanOrEqual(8);
    expect(ec2.calls.length - reads).toBe(80);
    await Promise.all(names.map((name) => pods.remove(name)));
    await until(() => cloud.describeAddresses().addressesSet.length === 0);
  });

  it('never labels a recreated pod with an address that is bound to the old one', async () => {
    const { pods, cloud } = rig;
    // Whatever a failure leaves must not fail the next test, too.
    onTestFinished(async () => void (await pods.removeAll()));
    for (let round = 0; round < 8; round += 1) {
      await pods.create(pod('again', AUTO));
      await pods.giveAddress('again', '10.0.8.30');
      await new Promise((resolve) => setTimeout(resolve, 20 * round));
      await pods.remove('again');
      const { metadata } = await pods.create(pod('again', AUTO));
      await pods.giveAddress('again', '10.0.8.31');
      let shown: string | undefined;
      await until(async () => (shown = await labelled('again')) !== undefined);
      const bound = cloud.describeAddresses().addressesSet.find(({ publicIp }) => publicIp === shown);
      expect(bound?.privateIpAddress).toBe('10.0.8.31');
      expect((await pods.get('again')).metadata.uid).toBe(metadata.uid);
      await pods.remove('again');
    }
    await until(() => cloud.describeAddresses().addressesSet.length === 0);
  });

  it('releases the Elastic IP of a pod that went while the agent was down', async () => {
    const { pods, cloud, agent } = rig;
    await pods.create(pod('orphan', AUTO));
    await pods.giveAddress('orphan', '10.0.8.40');
    await until(async () => (await labelled('orphan')) !== undefined);
    await agent.end('SIGKILL');
    await pods.remove('orphan');
    await agent.start(AbortSignal.timeout(PATIENCE_MS));
    await until(() => cloud.describeAddresses().addressesSet.length === 0);

    expect(cloud.describeAddresses().addressesSet).toEqual([]);
  });
});

describe('eni-agent node under a small bucket of EC2 calls', () => {
  let rig: EipRig;
  beforeAll(async () => {
    rig = await startEipRig(controlPlane, { throttle: oneBucket(20, 5) });
    await rig.agent.start(AbortSignal.timeout(PATIENCE_MS));
  });
  afterAll(() => rig.close());

  it('labels 40 of 40 pods with 20 + 5/s calls, and leaks nothing', async () => {
    const { pods, ec2, cloud } = rig;
    const names = Array.from({ length: 40 }, (_, index) => `pod-${index}`);
    await Promise.all(
      names.map(async (name, index) => {
        await pods.create(pod(name, AUTO));
        await pods.giveAddress(name, `10.0.8.${10 + index}`);
      }),
    );
    const all = async () =>
      (await pods.list()).filter(({ metadata }: ApiPod) => metadata.labels?.[PUBLIC_IP]).length === 40;
    const took = await until(all);
    const refused = ec2.calls.filter(({ outcome }) => outcome === 'RequestLimitExceeded').length;
    console.log('small bucket: last label after', Math.round(took), 'ms,', refused, 'calls refused', countCalls(ec2));
    expect(cloud.describeAddresses().addressesSet).toHaveLength(40);
  });
});

/** One bucket for all calls of the account. */
function oneBucket(capacity: number, refillPerSecond: number): RateLimit {
  let tokens = capacity;
  let filledAt = Date.now();
  return {
    admits: () => {
      const now = Date.now();
      tokens = Math.min(capacity, tokens + ((now - filledAt) / 1000) * refillPerSecond);
      filledAt = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
