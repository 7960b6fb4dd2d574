import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { whyNoControlPlane } from '../support/control-plane.ts';
import { type ControllerCluster, startControllerCluster, type Wire } from './controller-rig.ts';

const why = whyNoControlPlane();
if (why) console.warn(`agents under a tenant policy skipped: ${why}`);

describe.skipIf(why !== undefined)(`agents under a tenant policy${why ? ` (skipped: ${why})` : ''}`, () => {
  let rig: ControllerCluster;
  const tenants = mkdtempSync(join(tmpdir(), 'eni-agent-tenants-'));

  beforeAll(async () => {
    rig = await startControllerCluster();
    writeFileSync(join(tenants, 'bank.elastic-ips'), 'auto');
    await Promise.all(['node-a', 'node-b'].map((name) => rig.setReady(name, true)));
    const flags = [`--tenant-policy-dir=${tenants}`];
    rig.startController(flags);
    rig.startNodeAgents(flags);
  }, 120_000);
  afterAll(async () => {
    await rig?.close();
    rmSync(tenants, { recursive: true, force: true });
  });

  it('refuse what is not granted to the namespace without a call, and serve it once it is granted', async () => {
    const condition = async () =>
      ((await rig.pod('asker')).status.conditions as Wire[] | undefined)?.find(
        ({ type }: Wire) => type === 'eni-agent.io/AddressesAssigned',
      ) as Wire;
    await rig.startPod('asker');
    const annotations = { 'eni-agent.io/eip': 'auto' };
    await rig.request('PATCH', '/api/v1/namespaces/default/pods/asker', { metadata: { annotations } });
    await rig.apply({
      apiVersion: 'aws.k8s.logmein.com/v1alpha1',
      kind: 'EIP',
      metadata: { name: 'object' },
      spec: {},
    });

    await rig.until('the refusal', async () => (await condition())?.reason === 'NotAllowed');
    await rig.until('the Event', async () =>
      ((await rig.request('GET', '/api/v1/namespaces/default/events')).items as Wire[]).some(
        ({ reason, involvedObject }) => reason === 'NotAllowed' && involvedObject.name === 'object',
      ),
    );
    expect(rig.eips()).toHaveLength(0);

    writeFileSync(join(tenants, 'default.elastic-ips'), 'auto');
    await rig.until('both Elastic IPs', () => rig.eips().length === 2);
    await rig.until('the condition', async () => (await condition())?.status === 'True');
  }, 120_000);
});
