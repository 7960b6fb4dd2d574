import { parseJson } from '../json.ts';

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
