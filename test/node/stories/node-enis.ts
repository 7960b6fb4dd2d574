import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inOrder, REPOSITORY, type RealNodes } from '../rig.ts';
import { eventually, type KubeObject } from '../rig-kube.ts';
import { sample } from '../rig-samples.ts';
import type { NodeId } from '../rig-scripts.ts';

const TAINT = 'eni-agent.io/not-ready';
const PLAIN = 'node-enis/multus-on-plain-nodes.yaml';
const EVERYTHING = 'node-enis/everything.yaml';
const SUBNET = '10.10.2.0/24';
/** In PLAIN's place: addresses of the subnet that no other story uses. */
const RANGE = { '10.20.0.0/20': SUBNET, '10.20.8.10': '10.10.2.170', '10.20.8.250': '10.10.2.179' };

/** From nodes that refuse Multus pods to pods whose addresses are served, by the samples. The wires are plugged in as the VPC would. */
export function nodeEnis(rig: () => RealNodes): void {
  describe('a NodeENI', { concurrent: true }, () => {
    const nameOf = (node: NodeId) => rig().scripts.world.nodes.find(({ id }) => id === node)?.name ?? '';
    const nodes = () => [nameOf('a'), nameOf('b')];
    const enisOf = (object: string) =>
      rig()
        .cloud.cloud.describeNetworkInterfaces()
        .networkInterfaceSet.filter(({ tagSet }) =>
          tagSet.some(({ key, value }) => key === 'eni-agent.io/node-eni' && value === object),
        );
    const attached = (object: string, count: number) =>
      eventually(`EC2 has attached ${count} interfaces of ${object}`, 30, async () => {
        const enis = enisOf(object).filter(({ attachment }) => attachment !== undefined);
        return enis.length === count ? enis : undefined;
      });
    const nodeAt = (instanceId: string | undefined): NodeId =>
      rig().scripts.world.nodes.find((node) => node.instanceId === instanceId)?.id ?? 'a';
    const labelsOf = async (name: string) =>
      (await rig().cluster.get<KubeObject>(`/api/v1/nodes/${name}`)).metadata.labels ?? {};

    it(
      'gives each node an interface, brings its link up under its name, and lets the waiting pods in',
      inOrder,
      async () => {
        const { cluster, scripts } = rig();
        expect(readdirSync(join(REPOSITORY, 'samples/node-enis')).toSorted()).toEqual(
          [EVERYTHING, PLAIN].map((file) => file.replace('node-enis/', '')),
        );
        prepareCloud(rig());
        await cluster.kubectl('taint', 'node', ...nodes(), `${TAINT}=:NoSchedule`, '--overwrite');
        await cluster.kubectl('label', 'node', ...nodes(), 'node-role/multus=true');
        const began = performance.now();
        await cluster.apply(sample(PLAIN, RANGE));
        const enis = await attached('multus', 2);
        const plugged = performance.now();
        for (const { attachment, macAddress } of enis) {
          await scripts.run('attach', [nodeAt(attachment?.instanceId), 'eth3', macAddress, SUBNET]);
        }
        await eventually('the taints are gone and the nodes say that they are ready', 30, async () => {
          const found = await cluster.list<KubeObject>('/api/v1/nodes');
          const ready = found.filter(({ metadata, spec }) => {
            const { taints = [] } = spec as { taints?: { key: string }[] };
            return !taints.some(({ key }) => key === TAINT) && metadata.labels?.['eni-agent.io/node-enis'] === 'ready';
          });
          return ready.length === 2 ? true : undefined;
        });
        const ready = performance.now();
        await rig().ready('plain', 'app=on-multus', 2, 60);
        await eventually('EC2 has both addresses on the new interfaces', 15, async () => {
          const secondaries = enisOf('multus').flatMap(({ privateIpAddressesSet }) => privateIpAddressesSet.slice(1));
          return secondaries.length === 2 ? true : undefined;
        });
        console.log(
          `NodeENI: applied → attached ${(plugged - began).toFixed(0)} ms; links plugged in → nodes ready ${(ready - plugged).toFixed(0)} ms`,
        );
        for (const eni of enis) {
          expect(eni.tagSet).toContainEqual({ key: 'node.k8s.amazonaws.com/no_manage', value: 'true' });
        }
        expect(await scripts.on('a', 'ip', '-br', 'link', 'show', 'multus')).toMatch(/\bUP\b/);
        // The addresses are given back half a minute later: the next test uses that time.
        await cluster.kubectl('delete', 'namespace', 'plain', '--wait=false');
      },
    );

    it(
      'makes two interfaces with all that a spec can say, and leaves them where they are when it goes',
      inOrder,
      async () => {
        const { cluster, scripts, cloud } = rig();
        await cluster.kubectl('label', 'node', nameOf('a'), 'node-role/signalling=true');
        const ids = {
          'subnet-0123456789abcdef0': cloud.eni('a', 'eth2').subnetId,
          'subnet-0123456789abcdef1': cloud.eni('a', 'eth0').subnetId,
          // 1 and 2 are those of eth1 and eth2 here.
          'deviceIndex: 2': 'deviceIndex: 6',
        };
        await cluster.apply(sample(EVERYTHING, ids));
        const enis = await attached('signalling', 2);
        const cidrs = new Map([
          [ids['subnet-0123456789abcdef0'], SUBNET],
          [ids['subnet-0123456789abcdef1'], '10.10.12.0/24'],
        ]);
        for (const [index, { macAddress, subnetId }] of enis.entries()) {
          await scripts.run('attach', ['a', `eth${6 + index}`, macAddress, cidrs.get(subnetId) ?? '']);
        }
        await eventually('the object is ready', 30, async () => {
          const { status } = await cluster.get<KubeObject>('/apis/eni-agent.io/v1alpha1/nodeenis/signalling');
          const [condition] = (status?.['conditions'] ?? []) as { status: string; message?: string }[];
          if (condition?.status !== 'True') throw new Error(JSON.stringify(status));
          return true;
        });

        expect(new Set(enis.map(({ attachment }) => attachment?.deviceIndex))).toEqual(new Set([6, 7]));
        // What no creating call can say is set when the interface is there.
        await eventually('the source/destination check is off', 15, async () =>
          enisOf('signalling').every(({ sourceDestCheck }) => !sourceDestCheck) ? true : undefined,
        );
        for (const eni of enisOf('signalling')) {
          expect(eni.description).toBe('signalling network');
          expect(eni.tagSet).toContainEqual({ key: 'team', value: 'core' });
          expect(eni.groupSet).toHaveLength(3);
        }
        for (const link of ['sig', 'sig1']) {
          expect(await scripts.on('a', 'ip', '-br', 'link', 'show', link)).toMatch(/\bUP\b/);
        }
        await cluster.kubectl('delete', 'nodeenis.eni-agent.io', 'signalling', '--timeout=60s');
        expect(enisOf('signalling').every(({ attachment }) => attachment !== undefined)).toBe(true);
        for (const [index, { networkInterfaceId, attachment }] of enis.entries()) {
          await scripts.run('detach', ['a', `eth${6 + index}`]);
          cloud.cloud.detachNetworkInterface({ attachmentId: attachment?.attachmentId ?? '', force: true });
          cloud.cloud.deleteNetworkInterface({ networkInterfaceId });
        }
      },
    );

    it('takes its interfaces away when the object goes and nothing uses them', inOrder, async () => {
      const { cluster, scripts } = rig();
      await cluster.kubectl('delete', 'namespace', 'plain', '--ignore-not-found', '--timeout=60s');
      await cluster.kubectl('delete', 'nodeenis.eni-agent.io', 'multus', '--timeout=150s');
      for (const node of ['a', 'b']) await scripts.run('detach', [node, 'eth3']);
      expect(enisOf('multus')).toEqual([]);
      await eventually('the label is gone', 20, async () =>
        (await labelsOf(nameOf('b')))['eni-agent.io/node-enis'] === undefined ? true : undefined,
      );
    });
  });
}

/** What the samples look for: subnets with a tag, security groups by id, name and tag. */
function prepareCloud({ cloud }: RealNodes): void {
  const { vpcId } = cloud;
  const { subnetId } = cloud.eni('a', 'eth2');
  cloud.cloud.createTags({ resources: [subnetId], tags: [{ key: 'purpose', value: 'multus' }] });
  cloud.cloud.addSecurityGroup({ vpcId, name: 'multus' });
  cloud.cloud.addSecurityGroup({ vpcId, name: 'by-id', id: 'sg-0123456789abcdef0' });
  cloud.cloud.addSecurityGroup({ vpcId, name: 'signalling' });
  cloud.cloud.addSecurityGroup({ vpcId, name: 'by-tag', tags: { team: 'core' } });
}
