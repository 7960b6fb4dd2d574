/** Bodies that both servers accept as they are. */
export function pod(name: string, extra: { metadata?: object; spec?: object } = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, ...extra.metadata },
    spec: { containers: [{ name: 'main', image: 'pause' }], ...extra.spec },
  };
}

export function configMap(name: string, data: Record<string, string> = {}, metadata: object = {}) {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

export function lease(name: string, spec: object) {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
}

export interface CustomResource {
  group: string;
  plural: string;
  kind: string;
  /** Name → has a status sub-resource. */
  versions: Record<string, boolean>;
}

/** A namespaced CustomResourceDefinition without a schema. */
export function customResourceDefinition({ group, plural, kind, versions }: CustomResource) {
  const schema = { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, kind, singular: kind.toLowerCase(), listKind: `${kind}List` },
      versions: Object.entries(versions).map(([name, status], index) => ({
        name,
        served: true,
        storage: index === 0,
        schema,
        ...(status && { subresources: { status: {} } }),
      })),
    },
  };
}
