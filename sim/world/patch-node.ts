import { builtIn } from '../kube/kubelet.ts';
import type { KubeObject, Manifest } from '../kube/object.ts';
import type { KubeApi } from '../kube/server.ts';

/** Changes a Node as kubectl does for `label`, `cordon` and `uncordon`: by a merge patch. @throws when there is no such Node */
export function patchNode({ api }: KubeApi, name: string, patch: Manifest): KubeObject {
  return api.patch(builtIn('nodes'), 'main', undefined, name, { format: 'merge', patch });
}
