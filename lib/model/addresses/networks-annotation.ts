import { objectsOf, parseJson, textOf } from '../json.ts';

/** Annotation, in: the networks that Multus attaches to a pod, written by its owner. */
const NETWORKS_KEY = 'k8s.v1.cni.cncf.io/networks';

/** How many attachments the annotation promises: a JSON list, or names separated by commas. What makes no sense promises none. */
export function promisedAttachments(annotations: Readonly<Record<string, string>>): number {
  const text = annotations[NETWORKS_KEY]?.trim() ?? '';
  if (text === '') return 0;
  if (!text.startsWith('[')) return text.split(',').filter((name) => name.trim() !== '').length;
  const list = parseJson(text);
  return Array.isArray(list) ? list.length : 0;
}

/** The networks that the annotation asks for, as `namespace/name`. What makes no sense is left out. @param namespace the pod's */
export function promisedNetworks(annotations: Readonly<Record<string, string>>, namespace: string): readonly string[] {
  const text = annotations[NETWORKS_KEY]?.trim() ?? '';
  if (text.startsWith('['))
    return objectsOf(parseJson(text)).flatMap((entry) => {
      const name = textOf(entry['name']);
      return name === undefined ? [] : [`${textOf(entry['namespace']) ?? namespace}/${name}`];
    });
  return text.split(',').flatMap((entry) => {
    const [name = ''] = entry.trim().split('@');
    if (name === '') return [];
    return [name.includes('/') ? name : `${namespace}/${name}`];
  });
}
