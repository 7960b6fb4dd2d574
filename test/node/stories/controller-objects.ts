import { describe, expect, it } from 'vitest';
import { inOrder, type RealNodes } from '../rig.ts';
import { eventually, type KubeObject } from '../rig-kube.ts';

const TENANT = 'tenant';
const API = `/apis/aws.k8s.logmein.com/v1alpha1/namespaces/${TENANT}`;

/** An interface of its own, and an Elastic IP on an address of it: objects whose namespace goes while a controller runs. */
export function controllerObjects(rig: () => RealNodes): void {
  describe('an EIP object on an address of an ENI object', { concurrent: true }, () => {
    const statusOf = async (path: string) => (await rig().cluster.get<KubeObject>(`${API}/${path}`)).status ?? {};
    const elasticIp = (id: unknown) =>
      rig()
        .cloud.elasticIps()
        .find(({ allocationId }) => allocationId === id);
    const interfaces = (id: unknown) =>
      rig()
        .cloud.cloud.describeNetworkInterfaces()
        .networkInterfaceSet.filter(({ networkInterfaceId }) => networkInterfaceId === id);
    const apply = () => rig().cluster.apply(objects(rig().cloud.eni('a', 'eth1').subnetId));
    const bound = () =>
      eventually('the Elastic IP is on the second address of the interface', 45, async () => {
        const { networkInterfaceID, privateIPAddresses } = await statusOf('enis/front');
        const { allocationId } = await statusOf('eips/front');
        const { networkInterfaceId, privateIpAddress } = elasticIp(allocationId) ?? {};
        const isThere = networkInterfaceId === networkInterfaceID && privateIpAddress === secondOf(privateIPAddresses);
        return privateIpAddress !== undefined && isThere ? { eni: networkInterfaceID, eip: allocationId } : undefined;
      });
    let first: { readonly eni: unknown; readonly eip: unknown } | undefined;

    it('has its Elastic IP there', inOrder, async () => {
      await apply();
      first = await bound();

      expect(interfaces(first.eni)).toHaveLength(1);
    });

    it('keeps the Elastic IP allocated when the namespace is deleted', inOrder, async () => {
      const began = Date.now();
      await rig().cluster.kubectl('delete', 'namespace', TENANT, '--timeout=60s');

      expect(elasticIp(first?.eip)?.tagSet).toContainEqual({
        key: 'eni-agent.io/retained-for',
        value: `EIP/${TENANT}/front`,
      });
      const released = rig()
        .cloud.mutations(began)
        .filter(({ action, params }) => action === 'ReleaseAddress' && params['AllocationId'] === first?.eip);
      expect(released).toEqual([]);
    });

    it(
      'gets the same Elastic IP when it is made again, and releases it when it is deleted by itself',
      inOrder,
      async () => {
        await apply();
        const again = await bound();
        expect(again.eip).toBe(first?.eip);

        await rig().cluster.kubectl(
          '-n',
          TENANT,
          'delete',
          'eips.aws.k8s.logmein.com,enis.aws.k8s.logmein.com',
          '--all',
        );
        expect(elasticIp(again.eip)).toBeUndefined();
        await eventually('the interface is gone', 30, async () =>
          interfaces(again.eni).length === 0 ? true : undefined,
        );
      },
    );
  });
}

function secondOf(addresses: unknown): unknown {
  return Array.isArray(addresses) ? addresses[1] : undefined;
}

function objects(subnetID: string): object[] {
  const apiVersion = 'aws.k8s.logmein.com/v1alpha1';
  const metadata = { name: 'front', namespace: TENANT };
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: TENANT } },
    { apiVersion, kind: 'ENI', metadata, spec: { subnetID, secondaryPrivateIPAddressCount: 1 } },
    { apiVersion, kind: 'EIP', metadata, spec: { assignment: { eni: 'front', eniPrivateIPAddressIndex: 1 } } },
  ];
}
