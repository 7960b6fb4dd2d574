import type { DialectContext, EipStatus, ElasticIpClaim } from '../../../lib/model/elastic-ips/claim.ts';
import { ip } from '../../../lib/model/ip.ts';
import type { Pod } from '../../../lib/model/pod.ts';

export const CONTEXT: DialectContext = { clusterName: 'blue', nodeName: 'node-a' };

/** A running pod `apps/web-0` on the primary address 10.0.0.5. */
export function podWith(annotations: Readonly<Record<string, string>>, overrides: Partial<Pod> = {}): Pod {
  return {
    namespace: 'apps',
    name: 'web-0',
    uid: 'uid-1',
    nodeName: 'node-a',
    phase: 'Running',
    terminating: false,
    hostNetwork: false,
    podIps: [ip('10.0.0.5')],
    labels: {},
    annotations,
    conditions: [],
    finalizers: [],
    ...overrides,
  };
}

export function boundTo(claim: ElasticIpClaim, publicIp = '203.0.113.7'): EipStatus {
  return {
    state: 'bound',
    claim,
    publicIp: ip(publicIp),
    allocationId: 'eipalloc-00000000000000001',
    eni: 'eni-1',
    privateIp: ip('10.0.0.5'),
  };
}
