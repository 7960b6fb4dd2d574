import { afterEach, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { StandInHost } from '../../sim/host/stand-in.ts';
import { builtIn } from '../../sim/kube/kubelet.ts';
import type { Manifest } from '../../sim/kube/object.ts';
import { disagreements, secondaries } from '../../sim/world/agreement.ts';
import { ClusterLife } from '../../sim/world/life/cluster-life.ts';
import { threeNodes } from '../../sim/world/topology.ts';
import { until } from '../../sim/world/until.ts';
import { openWorld, type World } from '../../sim/world/world.ts';
import { PROGRAM } from '../support/program.ts';
import { contentOf } from '../unit/architecture/source-tree.ts';

const { signal } = new AbortController();
const closing: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** node-a alone has an agent, so that everything is scheduled there. */
async function livingWorld(): Promise<World> {
  const world = await openWorld({
    host: new StandInHost(),
    topology: threeNodes,
    entry: PROGRAM,
    agentFlags: ['--release-delay=0'],
  });
  closing.push(() => world.close());
  await world.nodes[0]?.agent.start(signal);
  const faults: unknown[] = [];
  const life = new ClusterLife(world, (error) => faults.push(error));
  life.start();
  closing.push(async () => {
    await life.stop();
    expect(faults).toEqual([]);
  });
  return world;
}

/** As `kubectl apply -f` of a sample. */
function apply({ kube }: World, file: string): void {
  for (const document of parseAllDocuments(contentOf(file))) {
    const manifest = document.toJS() as Manifest & { readonly kind: string };
    const plurals: Record<string, string> = {
      Namespace: 'namespaces',
      NetworkAttachmentDefinition: 'network-attachment-definitions',
      Deployment: 'deployments',
      StatefulSet: 'statefulsets',
    };
    kube.api.create(builtIn(plurals[manifest.kind] ?? ''), manifest.metadata?.namespace, manifest);
  }
}

const running = ({ pods }: World) => pods.running().map(({ name }) => name.replace(/^(busybox)-.*/, '$1'));

describe('what people make with kubectl in the demo', () => {
  it('runs: a sample Deployment gets its pods, they their addresses, and everything goes with it', {
    timeout: 90_000,
  }, async () => {
    const world = await livingWorld();
    apply(world, 'samples/nad-ipvlan-whereabouts.yaml');
    apply(world, 'samples/deployment.yaml');
    await until('three pods', () => running(world).length === 3, { signal, timeoutMs: 20_000 });
    await until('agreement', () => disagreements(world).length === 0, { signal, timeoutMs: 20_000 });

    expect(running(world)).toEqual(['busybox', 'busybox', 'busybox']);
    // Two networks, the second with both families.
    expect(secondaries(world).size).toBe(9);
    const status = () => world.kube.store.get('deployments.apps', 'multus', 'busybox')?.status;
    // A kubelet says that a pod is ready a moment after it runs.
    await until('ready replicas', () => status()?.['readyReplicas'] === 3, { signal, timeoutMs: 20_000 });
    expect(status()).toMatchObject({ replicas: 3 });

    const [pod] = world.pods.running();
    world.kubelet.delete(pod?.name ?? '', 'multus');
    await until('another one in its place', () => running(world).length === 3 && !world.pods.running().includes(pod!), {
      signal,
      timeoutMs: 20_000,
    });

    world.kube.api.delete(builtIn('deployments'), 'multus', 'busybox');
    await until('no pods', () => running(world).length === 0, { signal, timeoutMs: 20_000 });
    await until('no addresses', () => secondaries(world).size === 0, { signal, timeoutMs: 20_000 });
  });

  it('moves a floating address by an annotation, and says why a pod cannot be scheduled', {
    timeout: 90_000,
  }, async () => {
    const world = await livingWorld();
    apply(world, 'samples/nad-ipvlan-whereabouts.yaml');
    apply(world, 'samples/floating-ip-pair.yaml');
    await until('two pods', () => running(world).length === 2, { signal, timeoutMs: 20_000 });
    expect(running(world).toSorted()).toEqual(['floating-pair-0', 'floating-pair-1']);

    const annotations = { 'demo.eni-agent.io/ip-addr-add': 'net1=10.10.1.100' };
    world.kube.api.patch(builtIn('pods'), 'main', 'multus', 'floating-pair-1', {
      format: 'merge',
      patch: { metadata: { annotations } },
    });
    await until('the address in EC2', () => secondaries(world).has('10.10.1.100'), { signal, timeoutMs: 20_000 });

    world.kubelet.createPod({ name: 'nowhere', annotations: { 'k8s.v1.cni.cncf.io/networks': 'there-is-none' } });
    await until('an Event', () => reasons(world).includes('FailedScheduling'), { signal, timeoutMs: 20_000 });
  });
});

function reasons({ kube }: World): readonly unknown[] {
  return kube.store.list('events').map((event) => event['reason']);
}
