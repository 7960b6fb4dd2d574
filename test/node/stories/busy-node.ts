import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import type { RealNodes } from '../rig.ts';
import { addressesOf } from '../rig-headroom.ts';
import { eventually } from '../rig-kube.ts';
import { deployment, NAMESPACE, networks, pod } from '../rig-pods.ts';
import { heldAddresses } from '../rig-truth.ts';

/** Two blocks of the range that no other story uses, one for each round: what is given back takes half a minute. The ENI has room for 50. */
const SAMPLES = 16;
const IDLE_FROM = 168;
const BUSY_FROM = 216;

/** The bar for a node whose pods use all its CPU: printed beside the figure, because this machine runs the control plane and EC2, too. */
const BAR = { p50: 60, p99: 400 };

/** What the pods that burn CPU ask for: together with everything else that runs, about all of a node with two processors. */
const BURNERS = { replicas: 4, cpu: '350m' };

/** `ip addr add` in a pod until EC2 has the call: on an idle node, and on one whose pods use all CPU. */
export function busyNode(rig: () => RealNodes): void {
  describe('a floating address that a running pod adds', () => {
    const nodeName = () => rig().scripts.world.nodes.find(({ id }) => id === 'a')?.name ?? '';

    it('is with EC2 soon on an idle node', async () => {
      await rig().cluster.apply(networks());
      const declared = {
        'eni-agent.io/floating-ips': '10.10.1.168/29, 10.10.1.176/28, 10.10.1.216/29, 10.10.1.224/28',
      };
      await rig().cluster.apply([
        pod('adder', { networks: 'red', annotations: declared, nodeName: nodeName(), gated: true }),
      ]);
      await rig().ready(NAMESPACE, 'app=adder', 1);
      const took = await additions(rig(), IDLE_FROM);
      rig().report.add('`ip addr add` in a pod → AssignPrivateIpAddresses', took);

      expect(took).toHaveLength(SAMPLES);
    });

    it('and hardly later on a node whose pods use all CPU', async () => {
      await rig().cluster.apply([burning(nodeName())]);
      await rig().ready(NAMESPACE, 'app=burn', BURNERS.replicas);
      const took = await additions(rig(), BUSY_FROM);
      rig().report.add('the same on a node whose pods use all CPU', took, BAR);

      expect(took).toHaveLength(SAMPLES);
    });

    afterAll(async () => {
      await rig().cluster.kubectl(
        '-n',
        NAMESPACE,
        'delete',
        '--wait',
        '--ignore-not-found',
        'deployment/burn',
        'pod/adder',
      );
      await eventually('their namespaces are gone from the node', 60, async () => {
        const held = await heldAddresses(rig().scripts, ['a']);
        return held.some(({ address }) => address === `10.10.1.${IDLE_FROM}`) ? undefined : true;
      });
    });
  });
}

function burning(nodeName: string): object {
  const burn = deployment('burn', BURNERS.replicas, {}) as { spec: { template: { spec: { containers: object[] } } } };
  const { template } = burn.spec;
  const containers = template.spec.containers.map((container) => ({
    ...container,
    resources: { requests: { cpu: BURNERS.cpu } },
    command: ['sh', '-c', 'while :; do :; done'],
  }));
  const nodeSelector = { 'kubernetes.io/hostname': nodeName };
  return {
    ...burn,
    spec: { ...burn.spec, template: { ...template, spec: { ...template.spec, nodeSelector, containers } } },
  };
}

/**
 * Adds addresses in the pod's namespace, one after the other. The commands run outside the pods' share of
 * the CPU, so that only the agent's own way is measured.
 */
async function additions(rig: RealNodes, from: number): Promise<number[]> {
  const [address = ''] = addressesOf(await rig.cluster.pod(NAMESPACE, 'adder'));
  const took: number[] = [];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const added = `10.10.1.${from + sample}`;
    const began = Number(await rig.scripts.on('a', 'bash', '-c', ADD, 'add', address, added));
    const call = await eventually(`EC2 is asked for ${added}`, 15, async () => {
      const calls = rig.cloud.mutations(began - 1).filter(({ params }) => Object.values(params).includes(added));
      return calls.find(({ action }) => action === 'AssignPrivateIpAddresses');
    });
    took.push(call.at - began);
    await sleep(100);
  }
  return took;
}

/** $1: an address of the pod; $2: the one to add. Prints when, epoch ms. */
const ADD = `for n in /run/netns/*; do if nsenter --net="$n" ip -o addr show dev net1 2>/dev/null | grep -q " $1/"; then
  date +%s%3N; exec nsenter --net="$n" ip addr add "$2/32" dev net1; fi; done; exit 1`;
