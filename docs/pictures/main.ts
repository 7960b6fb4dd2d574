import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StandInHost } from '../../sim/host/stand-in.ts';
import { threeNodes } from '../../sim/world/topology.ts';
import { openWorld, type World } from '../../sim/world/world.ts';

/*
 * `npm run pictures`: the pictures of `eni-agent ui` in docs/pictures, taken by a headless Chromium from real agents in the simulated world.
 * CHROMIUM names the browser. @default /usr/bin/chromium
 */

const entry = join(import.meta.dirname, '../../agent/main.ts');
const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const run = promisify(execFile);

/** A cluster with something to see: pods on every node, an address that has moved, a FloatingIP, an Elastic IP, and a pod that is refused. */
async function fill(world: World): Promise<void> {
  for (const [index, node] of world.nodes.entries()) {
    const [eni] = node.enis;
    if (eni === undefined) continue;
    for (let number = 0; number < 3 + index; number += 1) {
      const ips = [world.addresses.take(eni.subnet, 4)];
      const annotations: Record<string, string> = number === 0 ? ELASTIC_IP : {};
      await world.pods.start({
        name: `web-${node.name}-${number}`,
        node,
        networks: [{ ifName: 'net1', eni, ips }],
        annotations,
      });
    }
  }
  await moveVip(world);
  const [node] = world.nodes;
  const [eni] = node?.enis ?? [];
  if (node !== undefined && eni !== undefined)
    await world.pods.start({ name: 'stray', node, networks: [{ ifName: 'net1', eni, ips: ['10.255.0.9'] }] });
}

const ELASTIC_IP = { 'eni-agent.io/eip': 'net1=auto' };
const VIP = '10.10.1.200';

/** Two routers with one virtual address, which the second one takes over and the first one keeps. */
async function moveVip({ nodes, addresses, pods }: World): Promise<void> {
  for (const node of nodes.slice(0, 2)) {
    const [eni] = node.enis;
    if (eni === undefined) continue;
    const ips = [addresses.take(eni.subnet, 4)];
    const annotations = { 'eni-agent.io/floating-ips': VIP };
    const router = await pods.start({
      name: `router-${node.name}`,
      node,
      networks: [{ ifName: 'net1', eni, ips }],
      annotations,
    });
    await pods.addAddress(router, 'net1', VIP);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  }
}

async function shoot(url: string, file: string, dark: boolean): Promise<void> {
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--window-size=1280,1240'];
  const theme = dark ? ['--force-dark-mode', '--blink-settings=preferredColorScheme=0'] : [];
  await run(CHROMIUM, [...flags, ...theme, '--virtual-time-budget=4000', `--screenshot=${file}`, url], {
    timeout: 60_000,
  });
  console.log(file);
}

const ending = new AbortController();
const world = await openWorld({ host: new StandInHost(), topology: threeNodes, entry });
try {
  // Before the agents, which look for new definitions only now and then.
  world.floatingIps.install();
  world.floatingIps.create({ name: 'ingress', addresses: ['10.10.3.200'] });
  await Promise.all(world.nodes.map(({ agent }) => agent.start(ending.signal)));
  await fill(world);
  await new Promise((resolve) => setTimeout(resolve, 8_000));
  const env = { PATH: process.env['PATH'] ?? '', KUBECONFIG: world.kubeconfig };
  const ui = spawn(process.execPath, [entry, 'ui', '--port=0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(ui.stdout, 'data')) as [Buffer];
  const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(String(line))?.[0] ?? '';
  await shoot(url, join(import.meta.dirname, 'ui-light.png'), false);
  await shoot(url, join(import.meta.dirname, 'ui-dark.png'), true);
  ui.kill();
} finally {
  ending.abort();
  await world.close();
}
