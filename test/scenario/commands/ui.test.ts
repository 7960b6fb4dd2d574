import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StandInHost } from '../../../sim/host/stand-in.ts';
import { threeNodes } from '../../../sim/world/topology.ts';
import { openWorld, type World } from '../../../sim/world/world.ts';
import { CHROMIUM, openPage, type Page } from '../../support/browser.ts';
import { PROGRAM } from '../../support/program.ts';

if (CHROMIUM === undefined) console.warn('the page in a real browser skipped: no chromium on this machine');

/** Node, ENI and address of each slot that is taken, as the page shows them. */
const SLOTS = `[...document.querySelectorAll('[data-node]')].flatMap((node) => [...node.querySelectorAll('[data-eni]')].flatMap((eni) =>
  [...eni.querySelectorAll('[data-address]')].map((slot) => [node.dataset.node, eni.dataset.eni, slot.dataset.address].join(' ')))).sort()`;

describe.skipIf(CHROMIUM === undefined)('eni-agent ui, in a real browser against real agents', () => {
  let world: World;
  let page: Page;
  let ui: ReturnType<typeof spawn>;
  const ending = new AbortController();

  beforeAll(async () => {
    world = await openWorld({ host: new StandInHost(), topology: threeNodes, entry: PROGRAM });
    await Promise.all(world.nodes.map(({ agent }) => agent.start(ending.signal)));
    const env = { PATH: process.env['PATH'] ?? '', KUBECONFIG: world.kubeconfig };
    ui = spawn(process.execPath, [PROGRAM, 'ui', '--port=0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = (await once(ui.stdout ?? ui, 'data')) as [Buffer];
    page = await openPage(/http:\/\/127\.0\.0\.1:\d+\//.exec(String(line))?.[0] ?? '');
  });
  afterAll(async () => {
    await page?.close();
    ui?.kill();
    ending.abort();
    await world?.close();
  });

  /** Waits until the page shows just what EC2 has on the ENIs of the nodes, IPv4 and IPv6. */
  async function untilItAgreesWithEc2(): Promise<void> {
    const look = async () => ({ page: await page.evaluate<string[]>(SLOTS), ec2: slotsInEc2(world) });
    await expect.poll(async () => difference(await look()), { timeout: 40_000, interval: 250 }).toEqual([]);
  }

  it('shows what EC2 has, address by address, also after a floating IP has moved to another node', {
    timeout: 120_000,
  }, async () => {
    const [from, to] = await Promise.all(
      world.nodes.slice(0, 2).map((node) => {
        const [eni] = node.enis;
        if (eni === undefined) throw new Error('no ENI');
        const ips = [world.addresses.take(eni.subnet, 4)];
        const annotations = { 'eni-agent.io/floating-ips': VIP };
        return world.pods.start({
          name: `router-${node.name}`,
          node,
          networks: [{ ifName: 'net1', eni, ips }],
          annotations,
        });
      }),
    );
    if (from === undefined || to === undefined) throw new Error('no pods');
    await world.pods.addAddress(from, 'net1', VIP);
    await page.until(`document.querySelector('[data-node="${from.node.name}"] [data-address="${VIP}"]')`);
    await untilItAgreesWithEc2();

    await world.pods.addAddress(to, 'net1', VIP);
    await page.until(`document.querySelector('[data-node="${to.node.name}"] [data-address="${VIP}"]')`);
    await untilItAgreesWithEc2();

    await page.until(`document.querySelector('#strip [data-event="AddressMoved"]')`);
    await page.until(`document.querySelector('#problems').innerText.includes('HeldElsewhere')`);
    expect(difference({ page: await page.evaluate<string[]>(SLOTS), ec2: slotsInEc2(world) })).toEqual([]);
  });
});

const VIP = '10.10.1.200';

/** As the page's {@link SLOTS}, from the simulated EC2. */
function slotsInEc2({ nodes, cloud }: World): string[] {
  const { networkInterfaceSet } = cloud.describeNetworkInterfaces();
  return nodes.flatMap(({ name, instanceId }) =>
    networkInterfaceSet
      .filter(({ attachment }) => attachment?.instanceId === instanceId)
      .flatMap(({ networkInterfaceId, privateIpAddressesSet, ipv6AddressesSet }) =>
        [
          ...privateIpAddressesSet.map(({ privateIpAddress }) => privateIpAddress),
          ...ipv6AddressesSet.map(({ ipv6Address }) => ipv6Address),
        ].map((address) => `${name} ${networkInterfaceId} ${address}`),
      ),
  );
}

function difference({ page, ec2 }: { readonly page: readonly string[]; readonly ec2: readonly string[] }): string[] {
  return [
    ...ec2.filter((slot) => !page.includes(slot)).map((slot) => `not on the page: ${slot}`),
    ...page.filter((slot) => !ec2.includes(slot)).map((slot) => `not in EC2: ${slot}`),
  ];
}
