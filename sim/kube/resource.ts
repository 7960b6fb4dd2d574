/** One served resource: a row of the table below, or made from a CustomResourceDefinition. */
export interface Resource {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly shortNames?: readonly string[];
  /**
   * Whether there is a `/status` sub-resource, and what a write to it may also change. Pods and nodes keep a
   * change of labels and annotations made there (Multus relies on it); custom resources keep the status alone.
   */
  readonly status?: 'with-metadata' | 'alone';
  /** Resources under one storage name are the same objects in different clothes (versions, or both event APIs). */
  readonly storage: string;
  readonly custom: boolean;
  /** `metadata.generation` counts changes of anything but metadata and status. */
  readonly generation?: boolean;
  /** PUT to a name that does not exist creates it. */
  readonly createOnUpdate?: boolean;
  /** PUT without resourceVersion is refused. */
  readonly versionRequired?: boolean;
  /** DELETE answers with the object instead of a Status. */
  readonly returnsDeleted?: boolean;
  /** Field selectors beside `metadata.name` and `metadata.namespace`; facts §7.2. */
  readonly selectableFields?: readonly string[];
  /** Stored field name → served field name. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** What `kubectl get` shows of a custom resource beside its name. */
  readonly printerColumns?: readonly PrinterColumn[];
}

/** A row of `additionalPrinterColumns`. */
export interface PrinterColumn {
  readonly name: string;
  readonly jsonPath: string;
  readonly type?: string;
  readonly priority?: number;
}

type Row = Pick<Resource, 'plural' | 'kind'> & Partial<Resource>;

const podFields = ['spec.nodeName', 'spec.hostNetwork', 'spec.restartPolicy', 'spec.schedulerName'].concat(
  'spec.serviceAccountName',
  'status.phase',
  'status.podIP',
  'status.nominatedNodeName',
);

const eventFields = ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'];

const eventRenames = {
  involvedObject: 'regarding',
  message: 'note',
  reportingComponent: 'reportingController',
  source: 'deprecatedSource',
  firstTimestamp: 'deprecatedFirstTimestamp',
  lastTimestamp: 'deprecatedLastTimestamp',
  count: 'deprecatedCount',
};

const eventSelectors = eventFields
  .map((field) => `involvedObject.${field}`)
  .concat('reason', 'source', 'type', 'reportingComponent');

const core: Row[] = [
  { plural: 'namespaces', kind: 'Namespace', namespaced: false, shortNames: ['ns'], status: 'with-metadata' },
  {
    plural: 'nodes',
    kind: 'Node',
    namespaced: false,
    shortNames: ['no'],
    status: 'with-metadata',
    selectableFields: ['spec.unschedulable'],
  },
  {
    plural: 'pods',
    kind: 'Pod',
    shortNames: ['po'],
    status: 'with-metadata',
    returnsDeleted: true,
    selectableFields: podFields,
  },
  { plural: 'configmaps', kind: 'ConfigMap', shortNames: ['cm'] },
  { plural: 'services', kind: 'Service', shortNames: ['svc'], status: 'with-metadata' },
  { plural: 'serviceaccounts', kind: 'ServiceAccount', shortNames: ['sa'], returnsDeleted: true },
  { plural: 'events', kind: 'Event', shortNames: ['ev'], createOnUpdate: true, selectableFields: eventSelectors },
];

const workloads: Row[] = [
  { plural: 'deployments', kind: 'Deployment', shortNames: ['deploy'] },
  { plural: 'daemonsets', kind: 'DaemonSet', shortNames: ['ds'] },
  { plural: 'statefulsets', kind: 'StatefulSet', shortNames: ['sts'] },
  { plural: 'replicasets', kind: 'ReplicaSet', shortNames: ['rs'] },
];

const rbac: Row[] = [
  { plural: 'roles', kind: 'Role' },
  { plural: 'rolebindings', kind: 'RoleBinding' },
  { plural: 'clusterroles', kind: 'ClusterRole', namespaced: false },
  { plural: 'clusterrolebindings', kind: 'ClusterRoleBinding', namespaced: false },
];

/** Network attachments are a custom resource on a real cluster; the simulator serves them from the start. */
const networkAttachmentDefinitions = resourceOf({
  group: 'k8s.cni.cncf.io',
  version: 'v1',
  plural: 'network-attachment-definitions',
  kind: 'NetworkAttachmentDefinition',
  shortNames: ['net-attach-def'],
  custom: true,
  generation: true,
  versionRequired: true,
});

export const customResourceDefinitions = resourceOf({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
  shortNames: ['crd'],
  status: 'alone',
  generation: true,
});

/** What the simulated server offers before any CustomResourceDefinition is created. */
export const builtInResources: readonly Resource[] = [
  ...core.map((row) => resourceOf({ group: '', version: 'v1', ...row })),
  ...workloads.map((row) =>
    resourceOf({ group: 'apps', version: 'v1', status: 'with-metadata', generation: true, ...row }),
  ),
  ...rbac.map((row) => resourceOf({ group: 'rbac.authorization.k8s.io', version: 'v1', ...row })),
  resourceOf({
    group: 'coordination.k8s.io',
    version: 'v1',
    plural: 'leases',
    kind: 'Lease',
    createOnUpdate: true,
    versionRequired: true,
  }),
  resourceOf({
    group: 'events.k8s.io',
    version: 'v1',
    plural: 'events',
    kind: 'Event',
    storage: 'events',
    createOnUpdate: true,
    selectableFields: eventSelectors.map((field) => field.replace('involvedObject', 'regarding')),
    renamed: eventRenames,
  }),
  customResourceDefinitions,
  networkAttachmentDefinitions,
];

/** Completes a table row: namespaced and built in unless said otherwise. */
export function resourceOf(row: Row & Pick<Resource, 'group' | 'version'>): Resource {
  const storage = row.group === '' ? row.plural : `${row.plural}.${row.group}`;
  return { namespaced: true, custom: false, storage, ...row };
}

/** `v1` or `group/v1`. */
export function apiVersionOf(resource: Pick<Resource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}
