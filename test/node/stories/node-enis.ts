import { describe, expect, it } from 'vitest';
import type { RealNodes } from '../rig.ts';
import { eventually, type KubeObject } from '../rig-kube.ts';
import { deployment, NAMESPACE, network } from '../rig-pods.ts';

const TAINT = 'eni-agent.io/not-ready';
const LINK = 'eth3';
const SUBNET = '10.10.2.0/24';

/** From a node that refuses Multus pods to a pod whose address is served, by one object. The wire is plugged in as the VPC would. */
export function nodeEnis(rig: () => RealNodes): void {
  describe('a NodeENI', () => {
    const node = () => rig().scripts.world.nodes.find(({ id }) => id === 'a')?.name ?? '';
    const enis = () =>
      rig()
        .cloud.cloud.describeNetworkInterfaces()
        .networkInterfaceSet.filter(({ tagSet }) => tagSet.some(({ key }) => key === 'eni-agent.io/node-eni-uid'));
    const found = () => rig().cluster.get<KubeObject>(`/api/v1/nodes/${node()}`);

    it('gives a node an interface, brings its link up under its name, and lets the waiting pod in', async () => {
      const { cluster, scripts, cloud } = rig();
      await cluster.kubectl('taint', 'node', node(), `${TAINT}=:NoSchedule`, '--overwrite');
      await cluster.kubectl('label', '--overwrite', 'node', node(), 'story=node-eni');
      const spec = {
        nodeSelector: { story: 'node-eni' },
        subnets: [{ id: cloud.eni('a', 'eth2').subnetId }],
        interfaceName: 'multus9',
      };
      const waiting = deployment('waiting', 1, { networks: 'green', nodeSelector: { story: 'node-eni' } });
      const range = { range: SUBNET, range_start: '10.10.2.170', range_end: '10.10.2.179' };
      const began = performance.now();
      await cluster.apply([
        network('green', 'multus9', range),
        waiting,
        { apiVersion: 'eni-agent.io/v1alpha1', kind: 'NodeENI', metadata: { name: 'multus' }, spec },
      ]);
      const eni = await eventually('EC2 has attached an interface', 30, async () =>
        enis().find(({ attachment }) => attachment !== undefined),
      );
      const attached = performance.now();
      await scripts.run('attach', ['a', LINK, eni.macAddress, SUBNET]);
      await eventually('the taint is gone and the node says that it is ready', 30, async () => {
        const { metadata, spec: nodeSpec } = (await found()) as KubeObject & { spec: { taints?: { key: string }[] } };
        const tainted = (nodeSpec.taints ?? []).some(({ key }) => key === TAINT);
        return !tainted && metadata.labels?.['eni-agent.io/node-enis'] === 'ready' ? true : undefined;
      });
      const ready = performance.now();
      await rig().ready(NAMESPACE, 'app=waiting', 1, 60);
      await eventually('EC2 has the address on the new interface', 15, async () => {
        const now = enis().find(({ networkInterfaceId }) => networkInterfaceId === eni.networkInterfaceId);
        return (now?.privateIpAddressesSet.length ?? 0) > 1 ? true : undefined;
      });
      console.log(
        `NodeENI: applied → attached ${(attached - began).toFixed(0)} ms; link plugged in → node ready ${(ready - attached).toFixed(0)} ms`,
      );
      expect(eni.tagSet).toContainEqual({ key: 'node.k8s.amazonaws.com/no_manage', value: 'true' });
      expect(await scripts.on('a', 'ip', '-br', 'link', 'show', 'multus9')).toMatch(/\bUP\b/);
    });

    it('takes it away when the object goes and nothing uses it', async () => {
      const { cluster, scripts } = rig();
      await cluster.kubectl('-n', NAMESPACE, 'delete', 'deployment', 'waiting', '--wait');
      await cluster.kubectl('delete', 'nodeenis.eni-agent.io', 'multus', '--timeout=150s');
      await scripts.run('detach', ['a', LINK]);
      expect(enis()).toEqual([]);
      await eventually('the label is gone', 20, async () =>
        (await found()).metadata.labels?.['eni-agent.io/node-enis'] === undefined ? true : undefined,
      );
    });
  });
}
