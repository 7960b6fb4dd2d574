import { describe, expect, it } from 'vitest';
import { PodObservation } from '../../../agent/pod/observation.ts';
import { ip } from '../../../lib/model/ip.ts';
import type { TableSelector } from '../../../lib/model/routed-ips/declaration.ts';
import type { SeenInterface } from '../../../lib/net/live-view.ts';
import { claim, eni } from '../plan/addresses/snapshots.ts';

const KNOWN = { enis: [eni('eni-1')], describedAt: 1 };
const UNKNOWN = { enis: [], describedAt: undefined };

function interfaceWith(...addresses: string[]): SeenInterface {
  const seen = addresses.map((address) => ({ ip: ip(address), prefixLength: 24, since: 1 }));
  return { name: 'net1', ifindex: 2, mac: undefined, parentIndex: undefined, addresses: seen };
}

/** A pod whose interface has these addresses; change `pod` to change them. */
function observe({ routeTables = [] }: { readonly routeTables?: readonly TableSelector[] } = {}) {
  const pod = { synced: true, addresses: ['10.0.1.5'] };
  const observation = new PodObservation({
    addresses: {
      get synced() {
        return pod.synced;
      },
      interfaces: () => [interfaceWith(...pod.addresses)],
    },
    pod: { ref: { namespace: 'default', name: 'p', uid: 'uid-p' }, podIps: [] },
    options: { interfaceFilter: /net1/, routeTables, routedIps: [] },
  });
  return { pod, observation };
}

describe('what a pod observes of itself', () => {
  it('reports as from IPAM what was there at the first complete look, and no later address', () => {
    const { pod, observation } = observe();
    pod.synced = false;
    pod.addresses = [];
    observation.observe(KNOWN);
    Object.assign(pod, { synced: true, addresses: ['10.0.1.5'] });
    observation.observe(KNOWN);
    pod.addresses.push('10.0.1.6');
    observation.observe(KNOWN);

    const kinds = ['10.0.1.5', '10.0.1.6'].map((address) => observation.kindOf(claim(address, { kind: 'floating' })));
    expect(kinds).toEqual(['ipam', 'floating']);
  });

  it('takes out what route tables lead here', () => {
    const { pod, observation } = observe({ routeTables: [{ kind: 'all' }] });
    pod.addresses.push('10.99.0.1');

    const { drafts, routed, complete } = observation.observe(KNOWN);

    expect(drafts.map(({ address }) => address)).toEqual(['10.0.1.5']);
    expect(routed?.map(({ address }) => address)).toEqual(['10.99.0.1']);
    expect({ complete, latest: observation.latest?.complete }).toEqual({ complete: true, latest: true });
  });

  it('is not complete for the routes while no ENI is known', () => {
    const { observation } = observe({ routeTables: [{ kind: 'all' }] });

    const { complete } = observation.observe(UNKNOWN);

    expect({ complete, latest: observation.latest?.complete }).toEqual({ complete: true, latest: false });
  });
});
