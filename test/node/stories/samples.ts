import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { REPOSITORY, type RealNodes } from '../rig.ts';
import { addressesOf, nodeOf } from '../rig-headroom.ts';
import { conditionOf, eventually, isReady, type KubeObject, type Pod } from '../rig-kube.ts';
import { pod } from '../rig-pods.ts';
import { prepare, sample } from '../rig-samples.ts';
import { VIP } from './floating-addresses.ts';

/** Each file goes in with what its own comments say to replace. The two service addresses must differ, and lie in a subnet of eth1. */
const REPLACED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'floating-ip/floatingip.yaml': { '10.0.0.201': '10.10.1.201' },
  'floating-ip/host-ip.yaml': { '10.0.0.201': '10.10.1.202' },
};

const FILES = readdirSync(join(REPOSITORY, 'samples'), { recursive: true, encoding: 'utf8' })
  // Those of node-enis/ have a story of their own, where the wires are plugged in. across-zones.yaml is in test/scenario/routed-ips.
  .filter((file) => file.endsWith('.yaml') && !file.startsWith('node-enis/') && !file.includes('across-zones'))
  // The README: the namespace and the networks come first.
  .toSorted((a, b) => Number(b.startsWith('nad-')) - Number(a.startsWith('nad-')) || a.localeCompare(b));

/** Held in a pod, and in EC2 only as the destination of routes. */
const ROUTED = '10.99.0.1';

/** Stays in EC2 though its pod is gone. Filled when the samples are removed. */
const kept = new Set<string>();

/** All samples at once, as they stand in the repository. */
export function samples(rig: () => RealNodes): void {
  describe('the samples', () => {
    let began = 0;
    it('all start, and every pod of theirs is ready', async () => {
      began = Date.now();
      await prepare(rig());
      const objects = FILES.flatMap((file) => sample(file, REPLACED[file]));
      expect(objects.length).toBeGreaterThan(FILES.length);
      await rig().cluster.apply(objects);
      await rig().cluster.apply([
        { ...pod('my-pod', {}), metadata: { name: 'my-pod', namespace: 'default', labels: MANAGED } },
      ]);

      const pods = await eventually('every pod of the samples is ready', 120, async () => {
        const all = await samplePods(rig());
        const wanted = objects.reduce((sum, { spec }) => sum + ((spec as { replicas?: number })?.replicas ?? 0), 1);
        const waiting = all.filter((each) => !isReady(each)).map(({ metadata: { name } }) => name);
        if (all.length !== wanted || waiting.length > 0)
          throw new Error(`${all.length} of ${wanted}; waiting: ${waiting.join()}`);
        return all;
      });
      expect(pods.filter((each) => restarts(each) > 0).map(({ metadata: { name } }) => name)).toEqual([]);
    });

    it('have their addresses in EC2, on the ENI under their interface, and say so; nothing is left of the stories before', async () => {
      await rig().agreement(75, { denied: new Set([ROUTED]) });
      const silent = await eventually('every Multus pod says Assigned', 30, async () => {
        const multus = (await samplePods(rig())).filter((each) => addressesOf(each).length > 0);
        const left = multus.filter((each) => conditionOf(each, 'eni-agent.io/AddressesAssigned')?.status !== 'True');
        if (left.length > 0) throw new Error(left.map(({ metadata: { name } }) => name).join());
        return left;
      });

      expect(silent).toEqual([]);
      expect(rig().cloud.secondaries().get(VIP)).toBeUndefined();
      expect(await rig().cluster.warnings(began)).toEqual([]);
    });

    it('lead a routed address to the pod that added it last, in whichever zone it is', async () => {
      const { cluster, cloud, scripts } = rig();
      const change = (verb: 'add' | 'del', name: string) =>
        cluster.exec('multus', name, 'ip', 'addr', verb, `${ROUTED}/32`, 'dev', 'net1');
      const leadsTo = async (name: string) => {
        const node = nodeOf(scripts.world, await cluster.pod('multus', name));
        const { id } = cloud.eni(node, 'eth1');
        await eventually(`the route table leads ${ROUTED} to ${name}`, 20, async () => {
          const [to] = cloud.routesTo(ROUTED);
          if (to !== id) throw new Error(`it leads to ${to}`);
          return to;
        });
        return node;
      };
      const before = await leadsTo('routed-pair-0');
      await change('del', 'routed-pair-0');
      await change('add', 'routed-pair-1');

      expect(await leadsTo('routed-pair-1')).not.toBe(before);
      expect(await cluster.warnings(began)).toEqual([]);
    });

    it('have the Elastic IPs that they ask for: on primary, Multus and floating addresses, for objects and nodes', async () => {
      const bound = await eventually('the Elastic IPs are bound', 30, async () => {
        const addresses = rig()
          .cloud.elasticIps()
          .flatMap(({ privateIpAddress }): string[] => (privateIpAddress === undefined ? [] : [privateIpAddress]));
        const missing = (await wantedWithElasticIp(rig())).filter((address) => !addresses.includes(address));
        if (missing.length > 0) throw new Error(`without one: ${missing.join()}`);
        return addresses;
      });

      expect(new Set(bound).size).toBe(bound.length);
      expect(bound).toContain('10.10.1.102');
      // Everything is bound but the two objects that name nothing: from-pools and chosen.
      expect(
        rig()
          .cloud.elasticIps()
          .filter(({ associationId }) => associationId === undefined),
      ).toHaveLength(2);
    });

    // That what was theirs is given back is seen after the next stories: a release takes half a minute.
    it('are removed, and their pods end', async () => {
      for (const each of (await samplePods(rig())).filter(managesItself).flatMap(addressesOf)) kept.add(each);
      kept.add(HOST_IP);
      const objects = FILES.filter((file) => !file.startsWith('nad-')).flatMap((file) => sample(file, REPLACED[file]));
      await rig().cluster.delete([...objects, pod('my-pod', {})].map(inDefault));
      await eventually('the pods are gone', 60, async () =>
        (await samplePods(rig())).length === 0 ? true : undefined,
      );

      expect(rig().cloud.secondaries().get(HOST_IP)).toBeDefined();
    });
  });
}

/** What EC2 has of the samples when they have been gone for a while. */
export function samplesGone(rig: () => RealNodes): void {
  describe('the samples, when they are gone', () => {
    it('have given everything back: addresses, the route and Elastic IPs', async () => {
      await rig().agreement(75, { kept });
      rig().cloud.unassign(kept);
      await eventually('the route is gone', 30, async () => rig().cloud.routesTo(ROUTED).length === 0 || undefined);
      // Those that were prepared, by their tags, are never released; the others go after their own delay and a fresh look.
      const left = await eventually('the other Elastic IPs are released', 90, async () => {
        const eips = rig().cloud.elasticIps();
        return eips.length <= 4 ? eips : undefined;
      });
      expect(left).toHaveLength(4);
      expect(left.map(({ associationId }) => associationId).filter((id) => id !== undefined)).toEqual([]);
    });
  });
}

/** Stays in EC2 when host-ip ends, as with the NodePort helper before it. */
const HOST_IP = '10.10.1.202';

/** Init containers and sidecars of ours: what only they assigned stays when the pod goes, because nobody is left who would know. */
function managesItself({ spec: { containers, initContainers = [] } }: Pod): boolean {
  return [...containers, ...initContainers].some(({ image }) => image.includes('eni-agent'));
}

const MANAGED = { 'eip.materialize.cloud/manage': 'true' };

function inDefault(object: object): object {
  const { metadata } = object as KubeObject;
  return metadata.name === 'my-pod' ? { ...object, metadata: { ...metadata, namespace: 'default' } } : object;
}

async function samplePods({ cluster }: RealNodes): Promise<Pod[]> {
  const found = await Promise.all(['multus', 'nginx-demo-ns', 'default'].map((namespace) => cluster.pods(namespace)));
  return found.flat();
}

/** The primary addresses, and the Multus ones where the sample says so, that must have an Elastic IP. */
async function wantedWithElasticIp(rig: RealNodes): Promise<string[]> {
  const pods = await samplePods(rig);
  const named = (pattern: RegExp) => pods.filter(({ metadata: { name } }) => pattern.test(name));
  const primary = named(/^(?:app-nginx|media-gateway|web-0|materialized|my-pod)/).flatMap(
    ({ status }) => status.podIP ?? [],
  );
  const egress = rig.scripts.world.nodes[0]?.interfaces[0]?.ip ?? '';
  return [...primary, ...named(/^media-gateway/).flatMap(addressesOf), '10.10.1.102', egress];
}

function restarts({ status: { containerStatuses = [] } }: Pod): number {
  return containerStatuses.reduce((sum, { restartCount }) => sum + restartCount, 0);
}
