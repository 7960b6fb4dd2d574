import { SUBNET } from '../support/world/surroundings.ts';
import type { World } from '../support/world/world.ts';

/** Addresses of {@link bystanders}: a story must not use them. */
export const FOREIGN_ADDRESS = '10.0.7.7';

/**
 * Others in the same subnet and account: an instance of another cluster with a secondary address and an Elastic IP on it, and an
 * Elastic IP that nobody uses. Returns the check that nothing of theirs has changed.
 */
export function bystanders(world: World): () => string[] {
  const { cloud } = world;
  cloud.addInstance({
    id: 'i-foreign',
    type: 'm5.large',
    subnetId: SUBNET.id,
    tags: { 'kubernetes.io/cluster/other': 'owned' },
  });
  cloud.addInterface({ id: 'eni-foreign', subnetId: SUBNET.id, instanceId: 'i-foreign', deviceIndex: 1 });
  cloud.assignPrivateIpAddresses({ networkInterfaceId: 'eni-foreign', privateIpAddresses: [FOREIGN_ADDRESS] });
  const [used, free] = ['stranger', 'stranger 2'].map((name) =>
    cloud.allocateAddress({
      tagSpecifications: [{ resourceType: 'elastic-ip', tags: [{ key: 'Name', value: name }] }],
    }),
  );
  cloud.associateAddress({
    allocationId: used?.allocationId ?? '',
    networkInterfaceId: 'eni-foreign',
    privateIpAddress: FOREIGN_ADDRESS,
  });
  const allocations = [used?.allocationId, free?.allocationId].filter((id) => id !== undefined);
  const state = () =>
    JSON.stringify([
      cloud.describeAddresses().addressesSet.filter(({ allocationId }) => allocations.includes(allocationId)),
      cloud.describeNetworkInterfaces({ networkInterfaceIds: ['eni-foreign'] }).networkInterfaceSet,
    ]);
  const before = state();
  return () =>
    state() === before ? [] : [`somebody else's interface or Elastic IP changed: ${state()} instead of ${before}`];
}

/** Elastic IPs that are not the bystanders'. */
export function clusterEips(world: World) {
  return world
    .elasticIps()
    .filter((eip) => !(eip.tagSet ?? []).some(({ key, value }) => key === 'Name' && value.startsWith('stranger')));
}
