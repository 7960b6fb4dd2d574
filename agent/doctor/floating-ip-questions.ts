import type { KubeClient } from '../../lib/kube/client.ts';
import { findResource } from '../../lib/kube/custom-resources.ts';
import { FLOATING_IP_API, FLOATING_IP_TYPE } from '../../lib/kube/floating-ips.ts';
import { listAll } from '../../lib/kube/list.ts';
import { getNode } from '../../lib/kube/node.ts';
import { floatingIpOf } from '../../lib/model/floating-ips/floating-ip.ts';
import type { Answer, RoutedFound } from '../../lib/plan/doctor/evidence.ts';
import { selects } from '../../lib/plan/floating-ips/selects.ts';
import { asked } from './kube-questions.ts';

/** The FloatingIPs with `spec.routeTables` that this node may serve; none where the resource is not installed. */
export async function askRoutedFloatingIps(
  client: KubeClient,
  nodeName: string,
  signal: AbortSignal,
): Promise<Answer<readonly RoutedFound[]>> {
  return asked(async () => {
    if ((await findResource(client, FLOATING_IP_TYPE, signal)) === undefined) return [];
    const { labels } = await getNode(client, nodeName, signal);
    const path = `/apis/${FLOATING_IP_API}/floatingips`;
    const { entries } = await listAll(client, { path, query: {}, from: '0', signal, convert: floatingIpOf });
    return entries
      .flatMap((object) => object ?? [])
      .filter(({ routeTables, nodeSelector }) => routeTables.length > 0 && selects(nodeSelector, labels))
      .map(({ name, addresses, routeTables, interface: on }) => ({
        where: `FloatingIP ${name}`,
        addresses: { any: false, addresses: addresses.map(({ address }) => address), networks: [] },
        tables: routeTables,
        ...(on !== undefined && { namesInterface: true as const }),
      }));
  });
}
