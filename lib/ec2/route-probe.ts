import { CreateRouteCommand, DeleteRouteCommand, ReplaceRouteCommand } from '@aws-sdk/client-ec2';
import type { RouteTableId } from '../model/routed-ips/route-table.ts';
import type { Ec2Client } from './client.ts';
import { askPermission, type Permission } from './permission.ts';

const ACTIONS = ['ReplaceRoute', 'CreateRoute', 'DeleteRoute'] as const;

/** Dry runs of the calls for routes, for `doctor`. */
export interface RouteProbe {
  readonly actions: readonly (typeof ACTIONS)[number][];
  /** On a real table, because the role may be confined by its tags. */
  permission(action: (typeof ACTIONS)[number], table: RouteTableId, signal: AbortSignal): Promise<Permission>;
}

/** A destination for documentation (RFC 5737) and an ENI that nobody has: should a stand-in overlook the dry run, nothing changes. */
const NOWHERE = { DestinationCidrBlock: '192.0.2.255/32' } as const;
const NO_ENI = { NetworkInterfaceId: 'eni-00000000000000000' } as const;

export function ec2RouteProbe(client: Ec2Client): RouteProbe {
  return {
    actions: ACTIONS,
    permission: (action, table, abortSignal) =>
      askPermission(action, abortSignal, async () => {
        const route = { DryRun: true, RouteTableId: table, ...NOWHERE } as const;
        const http = { abortSignal };
        if (action === 'DeleteRoute') await client.send(new DeleteRouteCommand(route), http);
        else if (action === 'CreateRoute') await client.send(new CreateRouteCommand({ ...route, ...NO_ENI }), http);
        else await client.send(new ReplaceRouteCommand({ ...route, ...NO_ENI }), http);
      }),
  };
}
