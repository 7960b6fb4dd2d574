/**
 * How the built-in types declare their lists (patchStrategy and patchMergeKey in the Kubernetes API types): lists of
 * maps merge by a key, sets of scalars by value, all others are atomic (tolerations, taints, args, …).
 */
const mergeKeys: Readonly<Record<string, string>> = {
  addresses: 'type',
  conditions: 'type',
  containers: 'name',
  env: 'name',
  ephemeralContainers: 'name',
  hostAliases: 'ip',
  imagePullSecrets: 'name',
  initContainers: 'name',
  ownerReferences: 'uid',
  podIPs: 'ip',
  secrets: 'name',
  volumeDevices: 'devicePath',
  volumeMounts: 'mountPath',
  volumes: 'name',
};

/** The field by which items of this list are told apart, or undefined for a list that is replaced as a whole. */
export function mergeKeyOf(field: string, items: readonly unknown[]): string | undefined {
  if (field !== 'ports') return mergeKeys[field];
  return items.some((item) => typeof item === 'object' && item !== null && 'containerPort' in item)
    ? 'containerPort'
    : 'port';
}

/** Lists of scalars that merge as sets. */
export function isSet(field: string): boolean {
  return field === 'finalizers';
}
