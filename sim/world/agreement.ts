import type { World } from './world.ts';
import type { WorldPod } from './world-pod.ts';
import { eniUnder } from './world-pod.ts';

export interface AgreementOptions {
  /** Addresses that pods have and must not get. */
  readonly denied?: ReadonlySet<string>;
  /** Secondary addresses that were never ours and must stay. */
  readonly foreign?: ReadonlyMap<string, string>;
}

/**
 * Compares EC2 with the pods, knowing nothing of how the agent decides: every address of a running pod is on the ENI under its
 * interface (one of them, when several pods hold it), every address of a FloatingIP is on the ENI that the object names, and every
 * secondary address belongs to one of these or to somebody else. Addresses that route tables lead to an ENI are not on it.
 * Returns what differs, in words.
 */
export function disagreements(
  world: World,
  { denied = new Set(), foreign = new Map() }: AgreementOptions = {},
): string[] {
  const wanted = wantedPlaces(world.pods.running(), denied);
  for (const { addresses, networkInterfaceId, routed } of world.floatingIps.list()) {
    if (routed) continue;
    for (const address of addresses)
      wanted.set(address, new Set(networkInterfaceId === '' ? [] : [networkInterfaceId]));
  }
  for (const [address, eni] of foreign) wanted.set(address, new Set([eni]));
  const held = secondaries(world);
  const missing = [...wanted].filter(([address, enis]) => !enis.has(held.get(address) ?? ''));
  const surplus = [...held].filter(([address]) => !wanted.has(address));
  return [
    ...missing.map(
      ([address, enis]) =>
        `${address} should be on ${[...enis].join(' or ') || 'nobody’s ENI yet'}, EC2 has it ${place(held, address)}`,
    ),
    ...surplus.map(([address, eni]) => `${address} is on ${eni} and nobody uses it`),
  ];
}

/** Where each secondary address is, by address: the state machine's own word, not a describe. */
export function secondaries({ cloud, nodes }: World): Map<string, string> {
  const multus = new Set(nodes.flatMap(({ enis }) => enis.map(({ id }) => id)));
  const { state } = cloud;
  return new Map(
    state
      .allInterfaces(state.now())
      .filter(({ id }) => multus.has(id))
      .flatMap(({ id, addresses, ipv6Addresses }) =>
        [...addresses, ...ipv6Addresses].flatMap(({ ip, primary }) => (primary ? [] : [[ip, id] as const])),
      ),
  );
}

function wantedPlaces(pods: readonly WorldPod[], denied: ReadonlySet<string>): Map<string, Set<string>> {
  const wanted = new Map<string, Set<string>>();
  for (const pod of pods) {
    for (const [ifName, addresses] of pod.addresses) {
      for (const address of addresses) {
        if (denied.has(`${pod.name} ${address}`)) continue;
        wanted.set(address, (wanted.get(address) ?? new Set()).add(eniUnder(pod, ifName).id));
      }
    }
  }
  return wanted;
}

function place(held: ReadonlyMap<string, string>, address: string): string {
  const eni = held.get(address);
  return eni === undefined ? 'nowhere' : `on ${eni}`;
}
