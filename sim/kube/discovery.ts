import { apiVersionOf, type Resource } from './resource.ts';
import type { ResourceRegistry } from './resource-registry.ts';
import { isScalable } from './scale.ts';

const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

/** The version the simulator says it is: what client libraries of today expect, not what it can do. */
const serverVersion = {
  major: '1',
  minor: '31',
  gitVersion: 'v1.31.0-simulated',
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: 'none',
  compiler: 'none',
  platform: 'linux/amd64',
};

/** What kubectl reads before it does anything: the answer to a discovery path, or undefined for any other path. */
export function discoveryAnswer(path: string, registry: ResourceRegistry): unknown {
  if (path === '/version') return serverVersion;
  if (path === '/api') return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
  if (path === '/apis') return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(registry) };
  if (path === '/api/v1') return resourceList('v1', registry);
  const [, group, version] = /^\/apis\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (group === undefined) return undefined;
  if (version !== undefined) return resourceList(`${group}/${version}`, registry);
  return groups(registry).find(({ name }) => name === group);
}

function groups(registry: ResourceRegistry) {
  const names = [...new Set(registry.all().map((resource) => resource.group))].filter((name) => name !== '');
  return names.map((name) => {
    const own = registry.all().filter((resource) => resource.group === name);
    const versions = [...new Set(own.map((resource) => resource.version))].sort(byPriority).map((version) => ({
      groupVersion: `${name}/${version}`,
      version,
    }));
    return { kind: 'APIGroup', apiVersion: 'v1', name, versions, preferredVersion: versions[0] };
  });
}

function stability(version: string): number {
  return version.includes('alpha') ? 2 : version.includes('beta') ? 1 : 0;
}

/** Stable before beta before alpha, then the higher number first. */
function byPriority(a: string, b: string): number {
  return stability(a) - stability(b) || b.localeCompare(a, 'en', { numeric: true });
}

function resourceList(groupVersion: string, registry: ResourceRegistry) {
  const own = registry.all().filter((resource) => apiVersionOf(resource) === groupVersion);
  if (own.length === 0) return undefined;
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion, resources: own.flatMap(described) };
}

function described(resource: Resource) {
  const { plural, kind, namespaced, shortNames } = resource;
  const common = { namespaced, kind };
  const sub = (name: string, subKind: string, subVerbs: string[]) => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    kind: subKind,
    verbs: subVerbs,
  });
  return [
    { name: plural, singularName: kind.toLowerCase(), ...common, verbs, ...(shortNames && { shortNames }) },
    ...(resource.status ? [sub('status', kind, ['get', 'patch', 'update'])] : []),
    ...(isScalable(resource)
      ? [{ ...sub('scale', 'Scale', ['get', 'patch', 'update']), group: 'autoscaling', version: 'v1' }]
      : []),
    ...(resource.storage === 'pods' ? [sub('binding', 'Binding', ['create'])] : []),
  ];
}
