import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LinkPort } from '../../../agent/node-links/node-links.ts';
import { mac } from '../../../lib/model/eni.ts';
import type { HostLink } from '../../../lib/model/node-links/node-links.ts';
import { warmUp } from '../../support/world/warm-up.ts';
import type { WorldNode } from '../../support/world/world-node.ts';
import { NodeEniRig } from './rig.ts';

const SECOND = 1_000;
const LATENCY_MS = 50;
/** What may come on top of EC2's own time, ms: the issue's figure. */
const OVERHEAD_MS = 200;
let rig: NodeEniRig;

beforeAll(warmUp);
afterEach(() => {
  for (const node of rig.world.nodes) node.abandon();
  rig.controller.kill();
  rig.world.close();
});

/** The links of a machine: EC2's interfaces appear when they are attached, down and without a name, as on Amazon Linux 2023. */
class Machine implements LinkPort {
  readonly #node: WorldNode;
  readonly #set = new Map<string, Partial<HostLink>>();
  readyAt: number | undefined;

  constructor(node: WorldNode) {
    this.#node = node;
  }

  read: LinkPort['read'] = () => Promise.resolve(this.#links());

  change: LinkPort['change'] = (step) => {
    const before = this.#set.get(step.link) ?? {};
    if (step.kind === 'set-up') this.#set.set(step.link, { ...before, up: true });
    if (step.kind === 'set-mtu') this.#set.set(step.link, { ...before, mtu: step.mtu });
    if (step.kind === 'add-name') this.#set.set(step.link, { ...before, altNames: [step.name] });
    if (this.#links().some(({ up, altNames }) => up && altNames.includes('multus'))) this.readyAt ??= rig.clock.now();
    return Promise.resolve();
  };

  #links(): HostLink[] {
    const found = rig.world.cloud.state.interfacesOf(this.#node.instanceId, rig.clock.now());
    return found
      .filter(({ attachment }) => attachment !== undefined && attachment.deviceIndex > 0)
      .map((facts) => {
        const name = `ens${5 + (facts.attachment?.deviceIndex ?? 0)}`;
        const link = { name, altNames: [], mac: mac(facts.mac), up: false, mtu: 9001, child: false, addresses: [] };
        return { ...link, ...this.#set.get(name) };
      });
  }
}

describe('a plain node that joins', () => {
  it('has its interface up and its first Multus address served in the time of the calls and a little, without a describe in between', async () => {
    rig = new NodeEniRig();
    const { world, clock } = rig;
    world.latencyMs = LATENCY_MS;
    rig.create('multus', { subnets: [{ id: 'subnet-1' }] });
    rig.controller.start();
    await clock.advance(15 * SECOND);
    const node = world.addNode('d', { multus: 0 });
    const machine = new Machine(node);
    node.links = machine;
    node.start();
    await clock.advance(5 * SECOND);
    const before = world.calls.length;

    const readyAt = clock.now();
    rig.patchNode('d', { metadata: { labels: { role: 'edge' } } });
    await clock.until(() => machine.readyAt !== undefined, 30 * SECOND);
    const upMs = (machine.readyAt ?? 0) - readyAt;
    const [own] = world.cloud.state
      .interfacesOf(node.instanceId, clock.now())
      .filter(({ attachment }) => attachment?.deviceIndex === 2);
    const onTheWay = world.calls
      .slice(before)
      .filter(({ process }) => process === 'controller')
      .map(({ action }) => action);
    const path = ['DescribeInstances', 'DescribeInstanceTypes', 'CreateNetworkInterface', 'AttachNetworkInterface'];
    // In this order, and each once.
    expect(onTheWay.filter((action) => path.includes(action))).toEqual(path);
    expect(upMs).toBeLessThanOrEqual(path.length * LATENCY_MS + OVERHEAD_MS);

    // From here on the agent's describes are lost: what it needs, the announcement and the link have to say.
    world.faults = ({ process, action }) =>
      process === 'agent-d' && action.startsWith('Describe') ? 'lost-request' : undefined;
    node.host.devices.push({ name: 'eth2', mac: mac(own?.mac ?? '') });
    const podAt = clock.now();
    node.runPod({
      name: 'first',
      podIp: '10.0.1.9',
      attachments: [{ interface: 'net1', ips: ['10.0.2.20'], device: 'eth2' }],
    });
    await clock.until(() => world.holderOf('10.0.2.20') === own?.id, 10 * SECOND);

    expect(clock.now() - podAt).toBeLessThanOrEqual(LATENCY_MS + OVERHEAD_MS);
  });
});
