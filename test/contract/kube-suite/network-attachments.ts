import { beforeAll, expect, it } from 'vitest';
import { customResourceDefinition } from './objects.ts';
import type { Bench } from './suite.ts';

export function describeNetworkAttachments({ wires, group }: Bench): void {
  const networks = `${group('k8s.cni.cncf.io/v1')}/network-attachment-definitions`;
  const plural = 'network-attachment-definitions';

  beforeAll(async () => {
    const kind = 'NetworkAttachmentDefinition';
    const definition = customResourceDefinition({ group: 'k8s.cni.cncf.io', plural, kind, versions: { v1: false } });
    await wires.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
    await wires.until(networks, 200);
  });

  it('keeps the CNI configuration as text, and annotations by merge patch', async () => {
    const config = JSON.stringify({ cniVersion: '0.3.1', type: 'ipvlan', master: 'eth1' });
    const { code } = await wires.post(networks, {
      apiVersion: 'k8s.cni.cncf.io/v1',
      kind: 'NetworkAttachmentDefinition',
      metadata: { name: 'ipvlan' },
      spec: { config },
    });
    expect(code).toBe(201);
    const { body } = await wires.merge(`${networks}/ipvlan`, {
      metadata: { annotations: { 'eni-agent.io/floating-ips': '10.10.1.100' } },
    });
    expect(body).toMatchObject({
      spec: { config },
      metadata: { annotations: { 'eni-agent.io/floating-ips': '10.10.1.100' } },
    });
  });
}
