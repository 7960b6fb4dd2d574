import { builtIn } from '../../kube/kubelet.ts';
import { isRecord, type KubeObject, type Manifest } from '../../kube/object.ts';
import type { Served } from '../../kube/routes.ts';

const KINDS = ['deployments', 'statefulsets'] as const;

/** The controllers of Deployments and StatefulSets, as far as play needs them: as many pods as replicas, and what is ready of them. */
export function reconcileWorkloads({ api, store }: Pick<Served, 'api' | 'store'>): void {
  for (const plural of KINDS) {
    for (const workload of store.list(`${plural}.apps`)) {
      const own = store.list('pods', workload.metadata.namespace).filter((pod) => isOwned(pod, workload));
      const living = own.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
      const wanted = Number(workload.spec?.['replicas'] ?? 1);
      for (const manifest of missingPods(workload, own, wanted - living.length))
        api.create(builtIn('pods'), workload.metadata.namespace, manifest);
      for (const pod of living.slice(wanted)) api.delete(builtIn('pods'), pod.metadata.namespace, pod.metadata.name);
      const readyReplicas = living.filter(({ status }) => status?.['phase'] === 'Running').length;
      const status = { replicas: living.length, readyReplicas, updatedReplicas: living.length };
      api.patch(builtIn(plural), 'status', workload.metadata.namespace, workload.metadata.name, {
        format: 'merge',
        patch: { status },
      });
    }
  }
}

function isOwned({ metadata }: KubeObject, workload: KubeObject): boolean {
  return metadata.ownerReferences?.some(({ uid }) => uid === workload.metadata.uid) === true;
}

/** Pods of a StatefulSet have numbers; a number is free again when its pod is gone altogether. */
function missingPods(workload: KubeObject, own: readonly KubeObject[], count: number): readonly Manifest[] {
  const { kind, metadata, spec } = workload;
  const template = isRecord(spec?.['template']) ? (spec['template'] as Manifest) : {};
  const taken = new Set(own.map((pod) => pod.metadata.name));
  const numbered = Array.from({ length: own.length + Math.max(0, count) }, (_, index) => `${metadata.name}-${index}`);
  const free = numbered.filter((name) => !taken.has(name));
  return Array.from({ length: Math.max(0, count) }, (_, index) => ({
    ...template,
    metadata: {
      ...template.metadata,
      ...(kind === 'StatefulSet' ? { name: free[index] ?? '' } : { generateName: `${metadata.name}-` }),
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind,
          name: metadata.name,
          uid: metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
  }));
}
