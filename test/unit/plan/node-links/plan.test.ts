import { describe, expect, it } from 'vitest';
import { mac } from '../../../../lib/model/eni.ts';
import { ip } from '../../../../lib/model/ip.ts';
import type {
  AnnouncedInterface,
  HostLink,
  LinkStep,
  NodeLinksState,
} from '../../../../lib/model/node-links/node-links.ts';
import { planLinks } from '../../../../lib/plan/node-links/plan.ts';
import { announcedInterface } from '../../../support/builders.ts';

const MAC = mac('02:00:00:00:00:01');

function link(over: Partial<HostLink> = {}): HostLink {
  return { name: 'ens6', altNames: ['multus'], mac: MAC, up: true, mtu: 9001, child: false, addresses: [], ...over };
}

function nodeState(
  interfaces: readonly AnnouncedInterface[],
  over: Partial<NodeLinksState> = {},
  wanted = 1,
): NodeLinksState {
  return { announcement: { wanted, interfaces }, tainted: false, labelled: false, reported: undefined, ...over };
}

/** Carries the steps out on a model of the kernel. */
function apply(links: readonly HostLink[], steps: readonly LinkStep[]): readonly HostLink[] {
  return links.map((one) =>
    steps
      .filter((step) => step.link === one.name)
      .reduce<HostLink>((now, step) => {
        if (step.kind === 'set-mtu') return { ...now, mtu: step.mtu };
        if (step.kind === 'set-up') return { ...now, up: true };
        if (step.kind === 'add-name') return { ...now, altNames: [...now.altNames, step.name] };
        if (step.kind === 'remove-name') return { ...now, altNames: now.altNames.filter((name) => name !== step.name) };
        return { ...now, addresses: now.addresses.filter((address) => address.ip !== step.ip) };
      }, one),
  );
}

describe('the links of NodeENIs', () => {
  it('are set up in an order that lets no packet leave with a wrong MTU and no pod come early, and are ready then', () => {
    const raw = link({ altNames: [], up: false, mtu: 1500, addresses: [{ ip: ip('10.0.64.9'), prefixLength: 20 }] });
    const { steps, report } = planLinks(nodeState([announcedInterface()]), [raw]);

    expect(steps.map(({ kind }) => kind)).toEqual(['set-mtu', 'remove-address', 'set-up', 'add-name']);
    expect(report).toMatchObject({ ready: false, reason: 'LinkNotConfigured' });
    expect(planLinks(nodeState([announcedInterface()]), apply([raw], steps))).toMatchObject({
      steps: [],
      report: { ready: true, reason: 'Ready' },
    });
  });

  it('keep an address that is not the primary one: a FloatingIP may have put it there', () => {
    const served = link({ addresses: [{ ip: ip('10.0.64.50'), prefixLength: 32 }] });
    expect(planLinks(nodeState([announcedInterface()]), [served]).steps).toEqual([]);
  });

  it('are not found in a child that shares the MAC address', () => {
    const child = link({ name: 'macvlan0', child: true, up: false });
    expect(planLinks(nodeState([announcedInterface()]), [child])).toMatchObject({
      steps: [],
      report: { reason: 'LinkMissing' },
    });
  });

  it('lose their name while they leave, and the rest stays as it is', () => {
    const { steps } = planLinks(nodeState([announcedInterface({ state: 'leaving' })], {}, 0), [link({ mtu: 1500 })]);
    expect(steps).toEqual([{ kind: 'remove-name', link: 'ens6', name: 'multus' }]);
  });

  it('do not take a name that another link has', () => {
    const { steps, report } = planLinks(nodeState([announcedInterface()]), [
      link({ altNames: [] }),
      link({ name: 'multus', mac: mac('02:00:00:00:00:99') }),
    ]);
    expect(steps).toEqual([]);
    expect(report).toMatchObject({
      ready: false,
      reason: 'NameTaken',
      message: expect.stringContaining('interfaceName') as string,
    });
  });

  it.each([
    [
      'nothing is announced and the startup taint is on the node',
      { announcement: undefined, tainted: true, labelled: false, reported: undefined },
      false,
    ],
    ['fewer interfaces are attached than are wanted', nodeState([announcedInterface()], {}, 2), false],
    ['no object selects the node', nodeState([], {}, 0), true],
  ] as const)('%s: ready is as expected', (_, own, ready) => {
    expect(planLinks(own, [link()]).report?.ready).toBe(ready);
  });

  it('are no longer reported as ready when the last object has gone', () => {
    const own = { announcement: undefined, tainted: false, labelled: true, reported: undefined };
    expect(planLinks(own, [link()]).report).toMatchObject({ ready: true, reason: 'NoneWanted' });
  });

  it('say nothing on a node that no NodeENI concerns', () => {
    const own = { announcement: undefined, tainted: false, labelled: false, reported: undefined };
    expect(planLinks(own, [link()])).toEqual({ steps: [], report: undefined });
  });
});
