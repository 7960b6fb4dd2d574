import type { InstanceIdentity } from '../model/eni.ts';

/**
 * The region of an availability zone, local zone or wavelength zone: `us-west-2a` and `us-west-2-lax-1a` are in `us-west-2`.
 * Undefined when the text has no such form.
 */
export function regionOfZone(zone: string): string | undefined {
  return /^[a-z]{2}(?:-[a-z]+)+-\d+/.exec(zone)?.[0];
}

/**
 * Reads a Kubernetes node's `spec.providerID` of the AWS cloud provider, `aws:///<zone>/<instance id>`. For nodes without IMDS.
 * Undefined for other providers and for nodes that are not EC2 instances (Fargate, hybrid nodes).
 */
export function identityFromProviderId(providerId: string, region?: string): InstanceIdentity | undefined {
  const [, zone, instanceId] = /^aws:\/\/\/([^/]*)\/(i-[\w-]+)$/.exec(providerId) ?? [];
  const known = region ?? regionOfZone(zone ?? '');
  if (instanceId === undefined || known === undefined) return undefined;
  return { instanceId, region: known, instanceType: undefined };
}

/** An option beats the environment, and both beat what the instance says of itself. Empty values count as unset. */
export function chooseRegion(sources: {
  readonly option?: string | undefined;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly identity?: InstanceIdentity | undefined;
}): string | undefined {
  const { option, environment, identity } = sources;
  return option || environment['AWS_REGION'] || environment['AWS_DEFAULT_REGION'] || identity?.region || undefined;
}
