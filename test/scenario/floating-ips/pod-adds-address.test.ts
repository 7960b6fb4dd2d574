import { expect, it, onTestFinished } from 'vitest';
import { World } from '../../support/world/world.ts';
import { applyDefinitions } from '../../support/world/world-controller.ts';

const VIP = '10.0.9.80';
const SECOND = 1_000;
const API_VERSION = 'eni-agent.io/v1alpha1';

function served(world: World): boolean {
  const [host] = world.nodes.filter(({ addresses }) => addresses.configured.some(({ address }) => address === VIP));
  return host !== undefined && world.holderOf(VIP) === host.eni();
}

function elasticIpsOn(world: World, address: string) {
  return world.elasticIps().filter(({ privateIpAddress }) => privateIpAddress === address);
}

it.each([
  ['nothing', {}],
  ['*', { 'eni-agent.io/floating-ips': '*' }],
])(
  'a pod that adds the address of a FloatingIP to itself, declaring %s, gets nothing and disturbs nothing',
  async (_name, declared) => {
    const world = new World();
    onTestFinished(() => world.close());
    const a = world.addNode('a');
    applyDefinitions(world);
    const { clock, kubeState } = world;
    await clock.advance(60 * SECOND);
    a.start();
    const annotations = { ...declared, 'eni-agent.io/eip': `${VIP}=auto` };
    const pod = a.runPod({
      name: 'p',
      podIp: '10.0.1.1',
      annotations,
      attachments: [{ interface: 'net1', ips: ['10.0.9.1'] }],
    });
    await clock.advance(5 * SECOND);
    kubeState.api.create(world.resource('floatingips', API_VERSION), undefined, {
      apiVersion: API_VERSION,
      kind: 'FloatingIP',
      metadata: { name: 'web' },
      spec: { addresses: [VIP] },
    });
    await clock.advance(20 * SECOND);
    expect(served(world)).toBe(true);

    a.addAddress(pod, VIP);
    await clock.advance(60 * SECOND);

    expect(served(world)).toBe(true);
    expect(elasticIpsOn(world, VIP)).toEqual([]);
    expect(JSON.stringify(world.events('AddressRefused'))).toContain('belongs to a FloatingIP object');

    // Nor is anything given back under the object when the pod ends.
    a.deletePod('p');
    await clock.advance(5 * 60 * SECOND);
    expect(served(world)).toBe(true);
  },
);
