import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mac } from '../../lib/model/eni.ts';
import type { AnnouncedInterface } from '../../lib/model/node-links/node-links.ts';
import { changeLink, readHostLinks } from '../../lib/net/link-settings.ts';
import { planLinks } from '../../lib/plan/node-links/plan.ts';
import { announcedInterface } from '../support/builders.ts';

const MAC = mac('02:aa:00:00:12:01');
const LINK = 'nlt0';
const signal = new AbortController().signal;
const ip = (...args: string[]) => execFileSync('ip', args);

const announced = announcedInterface({ mac: MAC, address: undefined, name: 'nltmultus', mtu: 1400 });

/** The kernel of this machine (iproute2's `ip link property`, FACTS §11): a veth stands for the ENI's link, down as on Amazon Linux 2023. */
describe('the link of a NodeENI', () => {
  beforeAll(() => {
    ip('link', 'add', LINK, 'type', 'veth', 'peer', 'name', 'nlt1');
    ip('link', 'set', 'dev', LINK, 'address', MAC);
  });
  afterAll(() => ip('link', 'del', LINK));

  async function converge(state: AnnouncedInterface['state']) {
    const node = {
      announcement: { wanted: state === 'attached' ? 1 : 0, interfaces: [{ ...announced, state }] },
      tainted: false,
      labelled: false,
      reported: undefined,
    };
    const own = (await readHostLinks(signal)).map((link) => (link.name === LINK ? { ...link, child: false } : link));
    for (const step of planLinks(node, own).steps) await changeLink(step, signal);
    const after = (await readHostLinks(signal)).map((link) => (link.name === LINK ? { ...link, child: false } : link));
    return planLinks(node, after);
  }

  it('is brought up with its MTU and name, and loses the name when it leaves', async () => {
    expect(await converge('attached')).toMatchObject({ steps: [], report: { ready: true } });
    expect(execFileSync('ip', ['-j', 'link', 'show', 'nltmultus'], { encoding: 'utf8' })).toContain('"mtu":1400');

    expect((await converge('leaving')).steps).toEqual([]);
    expect(() => execFileSync('ip', ['link', 'show', 'nltmultus'], { stdio: 'ignore' })).toThrow('Command failed');
  });

  it('may be changed twice without harm', async () => {
    const step = { kind: 'add-name', link: LINK, name: 'nlttwice' } as const;
    await changeLink(step, signal);
    await expect(changeLink(step, signal)).resolves.toBeUndefined();
    const back = { kind: 'remove-name', link: LINK, name: 'nlttwice' } as const;
    await changeLink(back, signal);
    await expect(changeLink(back, signal)).resolves.toBeUndefined();
  });
});
