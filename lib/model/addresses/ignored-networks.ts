/** Annotation, in: networks that are none of the VPC's, and that are left alone. On a NetworkAttachmentDefinition: `true`. */
export const IGNORE = 'eni-agent.io/ignore';

/**
 * Whether the annotation of a pod leaves one of its interfaces out: `true` all of them, else a list of interface names
 * (`net2, net3`) or of NetworkAttachmentDefinitions (`namespace/name`).
 */
export function ignoresInterface(text: string | undefined, ifName: string, networks: readonly string[]): boolean {
  if (text === undefined) return false;
  const names = text.split(/[\s,]+/);
  return names.includes('true') || names.includes(ifName) || networks.some((network) => names.includes(network));
}

/** Whether the annotation of a NetworkAttachmentDefinition leaves the network out. */
export function ignoresNetwork(text: string | undefined): boolean {
  return text?.trim() === 'true';
}
