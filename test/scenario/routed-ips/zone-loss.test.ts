import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { World } from '../../support/world/world.ts';
import { applyDefinitions } from '../../support/world/world-controller.ts';
import type { WorldNode } from '../../support/world/world-node.ts';
import { MINUTE, open, routeCalls, runPod, SECOND, target, told, VIP } from './rig.ts';

const API_VERSION = 'eni-agent.io/v1alpha1';

let world: World | undefined;
afterEach(() => world?.close());

/** Two nodes in each of two zones: `a` and `a2`, `b` and `b2`. */
async function twoZones() {
  const opened = await open({ start: false });
  world = opened.world;
  applyDefinitions(opened.world);
  const nodes = { ...opened, a2: opened.world.addNode('a2'), b2: opened.world.addNode('b2', { zone: 'b' }) };
  for (const node of opened.world.nodes) node.start();
  await opened.clock.advance(10 * SECOND);
  opened.world.calls.length = 0;
  return nodes;
}

/** All machines of a zone are gone at once: nobody renews a Lease there any more, and routes to their ENIs lead nowhere. */
function lose(opened: Awaited<ReturnType<typeof twoZones>>, zone: readonly WorldNode[]): void {
  for (const node of zone) {
    node.powerOff();
    opened.cloud.setInstanceState(node.instanceId, 'stopped');
  }
}

/** As users have it. */
function sample() {
  const file = join(import.meta.dirname, '../../../samples/floating-ip/across-zones.yaml');
  return parse(readFileSync(file, 'utf8')) as {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly nodeSelector: Readonly<Record<string, string>> };
  };
}

function label(given: World, node: string, labels: Readonly<Record<string, string>>): void {
  const patch = { metadata: { labels } };
  given.kubeState.api.patch(given.resource('nodes'), 'main', undefined, node, { format: 'merge', patch });
}

const leadTo = (given: World, node: WorldNode) =>
  ['rtb-1', 'rtb-2'].every((table) => target(given, table) === node.eni());

describe('a zone is lost', () => {
  it('and a FloatingIP with route tables is served in the other zone within five seconds, by one call for each table', async () => {
    const opened = await twoZones();
    const { world, clock, a, a2, b, b2 } = opened;
    const { spec, ...object } = sample();
    // Which zone is lost must be known; the address is that of this file.
    const here = { ...spec, addresses: [VIP], preferredNodes: ['a', 'a2'] };
    for (const { name } of world.nodes) label(world, name, spec.nodeSelector);
    world.kubeState.api.create(world.resource('floatingips', API_VERSION), undefined, { ...object, spec: here });
    await clock.until(() => leadTo(world, a), 10 * SECOND);
    await clock.advance(20 * SECOND);
    world.calls.length = 0;

    lose(opened, [a, a2]);
    const took = await clock.until(() => leadTo(world, b) || leadTo(world, b2), 10 * SECOND);
    await clock.advance(2 * SECOND);
    const holder = leadTo(world, b) ? b : b2;
    const onInterface = [b, b2].filter((node) => node.addresses.configured.some(({ address }) => address === VIP));

    expect(took).toBeLessThanOrEqual(5 * SECOND);
    expect(onInterface).toEqual([holder]);
    // The zone comes back: nothing moves, and nobody there has the address on an interface.
    for (const node of [a, a2]) {
      opened.cloud.setInstanceState(node.instanceId, 'running');
      node.powerOn();
    }
    await clock.advance(5 * MINUTE);
    expect(leadTo(world, holder)).toBe(true);
    expect([a, a2].flatMap(({ addresses }) => addresses.configured)).toEqual([]);
    expect(routeCalls(world).map((call) => call.split(' ')[1])).toEqual(['ReplaceRoute', 'ReplaceRoute']);
  });

  it('and the pod in the other zone that adds the address has every table within a second, the one that waited within a minute', async () => {
    const opened = await twoZones();
    const { world, clock, a, a2, b, pods } = opened;
    const waiting = runPod(world, 'b', { 'eni-agent.io/routed-ips': '10.99.0.2' }, 'waiting');
    a.addAddress(pods.a, VIP);
    b.addAddress(waiting, '10.99.0.2');
    await clock.advance(5 * SECOND);
    const other = runPod(world, 'a', { 'eni-agent.io/routed-ips': '10.99.0.2' }, 'other');
    await clock.advance(SECOND);
    a.addAddress(other, '10.99.0.2');
    await clock.advance(20 * SECOND);
    expect(told(world, 'waiting', '10.99.0.2')).toMatchObject({ state: 'refused', reason: 'HeldElsewhere' });
    world.calls.length = 0;

    lose(opened, [a, a2]);
    b.addAddress(pods.b, VIP);
    const took = await clock.until(() => leadTo(world, b), 10 * SECOND);
    await clock.advance(MINUTE);

    expect(took).toBeLessThanOrEqual(SECOND);
    expect(target(world, 'rtb-1', '10.99.0.2/32')).toBe(b.eni());
    expect(routeCalls(world)).toHaveLength(4);
  });
});
