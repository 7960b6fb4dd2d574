import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StandInHost } from '../../../sim/host/stand-in.ts';
import { threeNodes } from '../../../sim/world/topology.ts';
import { openWorld, type World } from '../../../sim/world/world.ts';
import { PROGRAM } from '../../support/program.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(isExecutable);
if (CHROMIUM === undefined) console.warn('the page in a real browser skipped: no chromium on this machine');

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const sorted = (names: readonly string[]) => names.toSorted((a, b) => a.localeCompare(b));

/** The document as a headless Chromium has it after the page's script has run. */
function documentOf(url: string): Promise<string> {
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--virtual-time-budget=4000', '--dump-dom', url];
  return new Promise((resolve, reject) => {
    execFile(CHROMIUM ?? '', flags, { maxBuffer: 16e6, timeout: 50_000 }, (error, out) =>
      error === null ? resolve(out) : reject(error),
    );
  });
}

describe.skipIf(CHROMIUM === undefined)('eni-agent ui, in a real browser against real agents', () => {
  let world: World;
  const ending = new AbortController();

  beforeAll(async () => {
    world = await openWorld({ host: new StandInHost(), topology: threeNodes, entry: PROGRAM });
    await Promise.all(world.nodes.map(({ agent }) => agent.start(ending.signal)));
  }, 60_000);
  afterAll(async () => {
    ending.abort();
    await world?.close();
  });

  it('shows what the cluster has: every node, ENI and address', { timeout: 90_000 }, async () => {
    const env = { PATH: process.env['PATH'] ?? '', KUBECONFIG: world.kubeconfig };
    const ui = spawn(process.execPath, [PROGRAM, 'ui', '--port=0'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      const [line] = (await once(ui.stdout, 'data')) as [Buffer];
      const url = /http:\/\/127\.0\.0\.1:\d+\//.exec(String(line))?.[0] ?? '';
      const status = (await (await fetch(`${url}api/status`)).json()) as {
        nodes: { name: string; enis: { id: string }[] }[];
      };
      const page = await documentOf(url);

      expect(status.nodes).toHaveLength(3);
      const shown = (attribute: string) =>
        Array.from(page.matchAll(new RegExp(`data-${attribute}="([^"]+)"`, 'g')), ([, value = '']) => value).toSorted(
          (a, b) => a.localeCompare(b),
        );
      expect(shown('node')).toEqual(sorted(status.nodes.map(({ name }) => name)));
      expect(shown('eni')).toEqual(sorted(status.nodes.flatMap(({ enis }) => enis.map(({ id }) => id))));
      expect(page).not.toContain('Cannot read the cluster');
    } finally {
      ui.kill();
    }
  });
});
