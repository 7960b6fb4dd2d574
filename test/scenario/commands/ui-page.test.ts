import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { serveUi, type Ui } from '../../../agent/ui/serve.ts';
import { SNAPSHOT_SCHEMA } from '../../../lib/model/status/agent-snapshot.ts';
import type { ClusterFacts } from '../../../lib/model/status/cluster-facts.ts';
import { clusterStatus } from '../../../lib/plan/status/cluster-status.ts';
import { CHROMIUM, openPage, type Page } from '../../support/browser.ts';
import { objectOf } from '../../unit/plan/node-enis/builders.ts';
import { agentFact, eniView, factsOf, floatingIp, nodeFact, podOf, snapshotOf } from '../../unit/status/facts.ts';

if (CHROMIUM === undefined) console.warn('the page in a real browser skipped: no chromium on this machine');

const AGENT = 'eni-agent-system/eni-agent-a';
const ENI = eniView('eni-1', {
  ipv4: { used: 3, limit: 5 },
  addresses: [
    { address: '10.0.1.4', primary: true },
    { address: '10.0.1.9', primary: false, publicIp: '198.51.100.7' },
    { address: '10.0.1.10', primary: false },
  ],
});
const OTHER = eniView('eni-2', { deviceIndex: 2, addresses: [{ address: '10.0.2.4', primary: true }] });

const CONTROLLER = {
  schema: SNAPSHOT_SCHEMA,
  kind: 'controller',
  version: '1.0.0',
  at: 0,
  startedAt: 0,
  leader: true,
  notReady: [],
} as const;

const READY = { type: 'Ready', status: 'True', reason: 'Serving', message: '', observedGeneration: 1 };

function event(at: string, reason: string, subject: string, message: string) {
  const type = reason === 'AddressRefused' ? 'Warning' : 'Normal';
  return { at: `2026-01-02T${at}Z`, type, reason, message, count: 1, subject, node: 'a' };
}

/** A node with two ENIs, a pod, a FloatingIP and what happened to them. */
const BUSY: Partial<ClusterFacts> = {
  nodes: [nodeFact('a')],
  agents: [agentFact('a')],
  pods: [podOf('web', { addresses: [{ address: '10.0.1.9', interface: 'net1', eni: 'eni-1', state: 'assigned' }] })],
  floatingIps: [
    floatingIp('vip', { addresses: ['10.0.1.10'] }, { node: 'a', networkInterfaceID: 'eni-1', conditions: [READY] }),
  ],
  snapshots: new Map([[AGENT, { view: snapshotOf('a', { enis: [ENI, OTHER], ec2: { tokens: 64, waiting: 0 } }) }]]),
  events: [
    event('03:00:00', 'AddressMoved', 'FloatingIP vip', '10.0.1.10 moved from eni-9 to eni-1'),
    event('02:50:00', 'AddressRefused', 'Pod default/late', 'AddressLimitExceeded: eni-1 is full'),
    event('01:00:00', 'AddressAssigned', 'Pod default/old', '10.0.1.11 is on eni-1'),
  ],
};

describe.skipIf(CHROMIUM === undefined)('the page of eni-agent ui, in a real browser', { timeout: 60_000 }, () => {
  let ui: Ui;
  let page: Page;
  let facts: Partial<ClusterFacts>;
  let fault: Error | undefined;

  beforeAll(async () => {
    facts = BUSY;
    const look = () => (fault === undefined ? Promise.resolve(clusterStatus(factsOf(facts))) : Promise.reject(fault));
    let looks = 0;
    ui = await serveUi({ port: 0, maxAgeMs: 0, now: () => (looks += 1), look });
    page = await openPage(ui.url);
  });
  beforeEach(async () => {
    facts = BUSY;
    fault = undefined;
    await page.until(`document.querySelectorAll('[data-eni]').length === 2 && !document.querySelector('.stale')`);
    await page.evaluate('document.activeElement.blur()');
  });
  afterAll(async () => {
    await page?.close();
    await ui?.close();
  });

  const textOf = (selector: string) => page.evaluate<string>(`document.querySelector('${selector}').innerText`);
  const detail = () => textOf('#detail');

  it('draws an ENI as a row of slots: who holds each, what is free, what has an Elastic IP', async () => {
    const slots = await page.evaluate<string[]>(
      `[...document.querySelectorAll('[data-eni="eni-1"] .slot')].map((one) => one.className + ' ' + (one.dataset.address ?? 'free'))`,
    );

    expect(slots).toEqual([
      'slot primary 10.0.1.4',
      'slot pod public 10.0.1.9',
      'slot vip 10.0.1.10',
      'slot free',
      'slot free',
    ]);
  });

  it('keeps names and times in one piece, which browsers would break at their hyphens', async () => {
    const broken = await page.evaluate<string[]>(
      `[...document.querySelectorAll('td.word')]
        .filter((one) => {
          const range = document.createRange();
          range.selectNodeContents(one);
          return range.getClientRects().length > 1;
        })
        .map((one) => one.innerText)`,
    );

    expect(await page.evaluate(`document.querySelectorAll('#floating td.word').length`)).toBeGreaterThan(4);
    expect(broken).toEqual([]);
  });

  it('is used with the keyboard alone', async () => {
    await page.press('ArrowRight');
    await page.press('ArrowRight');
    expect(await detail()).toBe('10.0.1.9 · Pod default/web · Elastic IP 198.51.100.7');
    await page.press('ArrowDown');
    expect(await detail()).toBe('10.0.2.4 · primary address');
    await page.press('ArrowUp');
    expect(await detail()).toBe('10.0.1.4 · primary address');
    await page.press('End');
    expect(await detail()).toContain('FloatingIP vip · AddressMoved: 10.0.1.10 moved from eni-9 to eni-1');
    await page.press('?');
    expect(await page.evaluate(`document.querySelector('#keys').open`)).toBe(true);
    await page.press('?');
    expect(await page.evaluate(`document.querySelector('#keys').open`)).toBe(false);
  });

  it('keeps the focus while the page is drawn again, and pauses', async () => {
    await page.press('Home');
    await page.press('p');
    await page.until(`document.querySelector('#server').innerText.includes('paused')`);
    expect(await page.evaluate(`document.activeElement.dataset.address`)).toBe('10.0.1.4');
    await page.press('p');
    await page.until(`!document.querySelector('#server').innerText.includes('paused')`);
  });

  it('shows the last moves of a FloatingIP, and a timeline of the last hour', async () => {
    expect(await textOf('#floating')).toContain('10.0.1.10 moved from eni-9 to eni-1');
    const dots = await page.evaluate<string[]>(
      `[...document.querySelectorAll('#strip button')].map((one) => one.className + ' ' + one.dataset.event)`,
    );
    expect(dots).toEqual(['bad AddressRefused', 'vip AddressMoved']);
    expect(await textOf('#events')).toContain('default/old');
  });

  it('says where EC2 throttles, and how many calls wait', async () => {
    expect(await textOf('[data-tile="EC2 calls"]')).toContain('not throttled');
    const view = snapshotOf('a', { enis: [ENI, OTHER], ec2: { tokens: 0, waiting: 7 } });
    facts = { ...BUSY, snapshots: new Map([[AGENT, { view }]]) };
    await page.until(`document.querySelector('[data-tile="EC2 calls"]').innerText.includes('7 wait')`);
    expect(await textOf('#problems')).toContain('Throttled');
  });

  it('shows how much of the Elastic IP quota is used, once a controller knows it', async () => {
    expect(await textOf('[data-tile="Elastic IPs"]')).toMatch(/0\s+bound/);
    const elasticIpQuota = { used: 5, allowed: 5, at: 0 };
    const controller = { ...CONTROLLER, elasticIpQuota };
    facts = { ...BUSY, snapshots: new Map([...(BUSY.snapshots ?? []), ['eni-agent-system/c', { view: controller }]]) };
    await page.until(`document.querySelector('[data-tile="Elastic IPs"]').innerText.includes('5/5')`);
    expect(await textOf('[data-tile="Elastic IPs"]')).toContain('of the quota');
    expect(await textOf('#problems')).toContain('EipQuotaReached');
  });

  it('shows NodeENIs where there are any, and why one fails', async () => {
    expect(await page.evaluate(`document.querySelector('[data-tile="NodeENIs"]') === null`)).toBe(true);
    const condition = { status: 'False', reason: 'SubnetFull', message: 'subnet-1 has no free address' } as const;
    const status = { observedGeneration: 1, desired: 2, attached: 1, ready: 1, failed: 1, nodes: [], condition };
    facts = { ...BUSY, nodeEnis: [objectOf({}, { status })] };
    await page.until(`document.querySelector('[data-tile="NodeENIs"]')?.innerText.includes('1/2')`);
    expect(await page.evaluate(`document.querySelector('[data-tile="NodeENIs"] b').className`)).toBe('bad');
    expect(await textOf('#problems')).toContain('subnet-1 has no free address');
  });

  it('says which agent does not answer, instead of showing nothing', async () => {
    facts = {
      ...BUSY,
      pods: [],
      floatingIps: [],
      snapshots: new Map([[AGENT, { fault: 'dial tcp: timeout' }]]),
      gaps: ['Events could not be read: forbidden'],
    };
    await page.until(`document.querySelector('[data-node="a"]').innerText.includes('has not answered')`);
    expect(await textOf('#gaps')).toContain('Not shown: Events could not be read: forbidden');
  });

  it('has words for a cluster with nothing in it', async () => {
    facts = {};
    await page.until(`document.querySelector('#nodes').innerText.includes('has no nodes')`);
    expect(await textOf('#floating')).toBe('No FloatingIPs.');
    expect(await textOf('#eips')).toBe('No Elastic IPs.');
    expect(await textOf('#problems')).toBe('None.');
  });

  it('keeps what it knows, greyed, while the cluster cannot be read', async () => {
    fault = new Error('connection refused');
    await page.until(`document.querySelector('main').classList.contains('stale')`);
    expect(await textOf('#state')).toBe('Cannot read the cluster: connection refused');
    expect(await page.evaluate(`document.querySelectorAll('[data-eni]').length`)).toBe(2);
  });

  it.each([false, true])('is legible: text on its background has contrast enough (dark: %s)', async (dark) => {
    await page.dark(dark);
    const contrast = await page.evaluate<number>(`(() => {
      const light = (colour) => colour.match(/\\d+/g).slice(0, 3).map(Number).map((c) => (c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
      const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      const card = getComputedStyle(document.querySelector('.tile')).backgroundColor;
      return Math.min(...[...document.querySelectorAll('.tile, .tile .dim, .tile b, td, th')].map((one) => ratio(getComputedStyle(one).color, card)));
    })()`);

    expect(contrast).toBeGreaterThan(4.5);
  });
});
