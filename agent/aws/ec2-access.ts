import { ec2Addresses } from '../../lib/ec2/addresses.ts';
import type { Ec2Connection } from '../../lib/ec2/calls.ts';
import { openEc2Client } from '../../lib/ec2/client.ts';
import { type CredentialChain, openCredentialChain } from '../../lib/ec2/credentials.ts';
import type { ElasticIpApi } from '../../lib/ec2/elastic-ip-api.ts';
import { ec2ElasticIps } from '../../lib/ec2/elastic-ips.ts';
import { chooseRegion } from '../../lib/ec2/identity.ts';
import { type ImdsInterface, subnetHints } from '../../lib/ec2/imds.ts';
import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import { ec2Interfaces } from '../../lib/ec2/interfaces.ts';
import type { NetworkApi } from '../../lib/ec2/network-api.ts';
import { ec2Networks } from '../../lib/ec2/networks.ts';
import type { RouteApi } from '../../lib/ec2/route-api.ts';
import { ec2RouteTables } from '../../lib/ec2/route-tables.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { Ec2Metrics } from '../../lib/runtime/metrics.ts';
import { EC2_CALL, noTracer, type Tracer } from '../../lib/runtime/tracing.ts';
import { VERSION } from '../version.ts';
import { type EniWriter, oneCallPerEni } from './eni-writer.ts';

export interface Ec2Access {
  readonly connection: Ec2Connection;
  /** For the clients of other services. */
  readonly credentials: CredentialChain;
  readonly addresses: EniWriter;
  readonly elasticIps: ElasticIpApi;
  readonly interfaces: InterfaceApi;
  readonly networks: NetworkApi;
  readonly routes: RouteApi;
}

/** Opens EC2 for this instance; every call is counted and, at debug level, logged with its request id. */
export function openEc2(
  identity: InstanceIdentity,
  interfaces: () => readonly ImdsInterface[],
  {
    log,
    metrics,
    environment,
    tracer = noTracer,
  }: { log: Logger; metrics: Ec2Metrics; environment: NodeJS.ProcessEnv; tracer?: Tracer },
): Ec2Access {
  const credentials = openCredentialChain();
  const client = openEc2Client({ region: chooseRegion({ environment, identity }), version: VERSION, credentials });
  const connection: Ec2Connection = {
    client,
    now: () => performance.now(),
    onCall: ({ action, durationMs, requestId, addresses, error }) => {
      metrics.ec2Call(action, durationMs / 1000, error?.code);
      // Only the cache of all Elastic IPs asks this way; the ENIs of the node are told apart from looks at holders where they are read.
      if (action === 'DescribeAddresses' && error === undefined) metrics.ec2Facts('elastic-ips');
      const endedAt = Date.now();
      tracer.record({
        name: action,
        kind: EC2_CALL,
        startedAt: endedAt - durationMs,
        endedAt,
        attributes: { requestId, addresses },
        fault: error?.code,
      });
      log.debug('EC2 call', { action, durationMs: Math.round(durationMs), requestId, addresses, code: error?.code });
    },
  };
  const addresses = ec2Addresses({
    connection,
    instanceType: identity.instanceType,
    subnetHints: () => subnetHints(interfaces()),
    onWarning: (message, detail) => log.warn(message, detail),
  });
  return {
    connection,
    credentials,
    addresses: oneCallPerEni(addresses),
    elasticIps: ec2ElasticIps(connection),
    interfaces: ec2Interfaces(connection),
    networks: ec2Networks(connection),
    routes: ec2RouteTables(connection),
  };
}
