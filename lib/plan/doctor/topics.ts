/** Which paragraph of docs/doctor.md explains a check; those whose name varies are recognized by their first word. */
const TOPICS: readonly (readonly [name: RegExp, anchor: string])[] = [
  [/^(?:instance|region)$/, 'instance-and-region'],
  [/^cluster name$/, 'cluster-name'],
  [/^credentials$/, 'credentials'],
  [/^IAM/, 'iam'],
  [/^internet gateway$/, 'internet-gateway'],
  [/^Elastic IP quota$/, 'elastic-ip-quota'],
  [/^(?:folder |network namespaces|capabilities)/, 'folders-network-namespaces-and-capabilities'],
  [/^VPC CNI$/, 'vpc-cni'],
  [/^address limits$/, 'address-limits'],
  [/^source\/destination check$/, 'source-and-destination-check'],
  [/^routed IPs/, 'routed-ips'],
  [/^links$/, 'links'],
  [/^NodeENI$/, 'nodeeni'],
  [/^subnet addresses$/, 'subnet-addresses'],
  [/^rp_filter$/, 'reverse-path-filter'],
  [/^network/, 'networks'],
  [/^(?:API server|RBAC)$/, 'api-server-and-rbac'],
  [/^own node only$/, 'own-node-only'],
  [/^tenant policy$/, 'tenant-policy'],
  [/^external SNAT$/, 'external-snat'],
  [/^other tools$/, 'other-tools'],
  [/^versions$/, 'versions'],
  [/^agent$/, 'agent'],
];

/** Where to read about a check, relative to the repository. */
export function paragraphOf(name: string): string {
  const anchor = TOPICS.find(([pattern]) => pattern.test(name))?.[1];
  return anchor === undefined ? 'docs/doctor.md' : `docs/doctor.md#${anchor}`;
}

export const ANCHORS: readonly string[] = TOPICS.map(([, anchor]) => anchor);
