import type { EipSource, EipStatus, ElasticIpClaim, PodDialect } from '../model/elastic-ips/claim.ts';
import { AMAZON_POOL } from '../model/elastic-ips/elastic-ip.ts';
import type { Parsed, Pod } from '../model/pod.ts';
import { podKey } from '../model/pod.ts';
import { eipEvent } from './eip-events.ts';
import { claimAll, type Owner, podOfCluster } from './owner.ts';
import { invalidAnnotation, shown } from './refuse.ts';
import { faultOfTagKey } from './tag-limits.ts';
import { claimId } from './target.ts';

const PREFIX = 'aws-samples.github.com/aws-pod-eip-controller';

const ANNOTATION = {
  type: `${PREFIX}-type`,
  pool: `${PREFIX}-public-ipv4-pool`,
  fixedTag: `${PREFIX}-fixed-tag`,
  fixedTagValue: `${PREFIX}-fixed-tag-value`,
} as const;

export const TAG = { type: `${PREFIX}-type`, cluster: `${PREFIX}-cluster-name`, pod: `${PREFIX}-pod` } as const;

const LABEL = {
  publicIp: 'aws-pod-eip-controller-public-ip',
  type: 'aws-pod-eip-controller-type',
  pool: 'aws-pod-eip-controller-public-ipv4-pool',
  fixedTag: 'aws-pod-eip-controller-fixed-tag',
  fixedTagValue: 'aws-pod-eip-controller-fixed-tag-value',
} as const;

const TYPES = ['auto', 'fixed-tag', 'fixed-tag-value'] as const;
type Type = (typeof TYPES)[number];

interface TypedSource {
  readonly type: Type;
  readonly source: EipSource;
}

/** The annotations, labels and tags of aws-pod-eip-controller: one EIP per pod, on its primary address. */
export const podEipController: PodDialect = {
  name: 'pod-eip-controller',
  annotation: ANNOTATION.type,
  clusterTag: TAG.cluster,
  ownTags: [TAG.type, TAG.cluster, TAG.pod],
  requests: (pod, context) => claimAll(pod, context, requestOf(pod), (request, owner) => claimOf(pod, request, owner)),
  metadata: (pod, statuses) => ({ labels: labelsOf(pod, statuses), annotations: {} }),
  event: eipEvent,
  ownerOf: (tags, context) => podOfCluster(tags[TAG.cluster], tags[TAG.pod], context),
  allocatedByUs: (tags) => tags[TAG.type] === ('auto' satisfies Type),
};

/** An empty annotation, as templates write it for a value that is not set, asks for nothing. */
function requestOf(pod: Pod): Parsed<readonly TypedSource[]> {
  const written = text(pod, ANNOTATION.type);
  if (written === undefined) return { value: [], refusals: [] };
  const type = TYPES.find((known) => known === written);
  if (type === undefined) {
    return refused(
      ANNOTATION.type,
      `${shown(written)} is not a type; use ${TYPES.slice(0, -1).join(', ')} or ${TYPES.at(-1)}`,
    );
  }
  switch (type) {
    case 'auto':
      return one(type, { kind: 'allocate', pool: text(pod, ANNOTATION.pool) ?? AMAZON_POOL });
    case 'fixed-tag':
      return tagged(pod, type, ANNOTATION.fixedTag, undefined);
    case 'fixed-tag-value':
      return tagged(pod, type, ANNOTATION.fixedTagValue, podKey(pod));
  }
}

function tagged(pod: Pod, type: Type, annotation: string, value: string | undefined): Parsed<readonly TypedSource[]> {
  const key = text(pod, annotation);
  if (key === undefined) {
    return refused(
      ANNOTATION.type,
      `type ${type} needs the key of a tag, and ${annotation} is not set; set it or use auto`,
    );
  }
  const fault = faultOfTagKey(key);
  return fault === undefined ? one(type, { kind: 'tagged', key, value }) : refused(annotation, fault);
}

/** The type is part of the identity: who changes it asks for another EIP. The tags are the tool's, so its EIPs are continued. */
function claimOf(pod: Pod, { type, source }: TypedSource, owner: Owner): ElasticIpClaim {
  const target = { kind: 'primary' } as const;
  return {
    id: claimId('pod-eip-controller', pod, target),
    dialect: 'pod-eip-controller',
    owner: { namespace: pod.namespace, name: pod.name, uid: pod.uid },
    source,
    target,
    tags: { [TAG.type]: type, [TAG.cluster]: owner.cluster, [TAG.pod]: owner.pod },
    identity: [TAG.type, TAG.cluster, TAG.pod],
  };
}

/**
 * The labels name an EIP that answers; without one all five go. As in the tool itself, the pool's label is there only when
 * the pod names a pool.
 */
function labelsOf(pod: Pod, statuses: readonly EipStatus[]): Record<string, string | null> {
  const bound = statuses.find((status) => status.state === 'bound');
  const type = bound?.claim.tags[TAG.type];
  const source = bound?.claim.source;
  const pool = source?.kind === 'allocate' && source.pool === text(pod, ANNOTATION.pool) ? source.pool : undefined;
  const key = source?.kind === 'tagged' ? source.key : undefined;
  return {
    [LABEL.publicIp]: labelValue(bound?.publicIp),
    [LABEL.type]: labelValue(type),
    [LABEL.pool]: labelValue(pool),
    [LABEL.fixedTag]: labelValue(type === 'fixed-tag' ? key : undefined),
    [LABEL.fixedTagValue]: labelValue(type === 'fixed-tag-value' ? key : undefined),
  };
}

/**
 * Null for what the API server would not accept as a label's value (`pool/a`, say): it would reject the other labels of the same
 * patch too, and nobody may go without the public IP because of it. An altered value would be a lie.
 */
function labelValue(value: string | undefined): string | null {
  return value !== undefined && /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/.test(value) ? value : null;
}

function text(pod: Pod, annotation: string): string | undefined {
  return pod.annotations[annotation]?.trim() || undefined;
}

function one(type: Type, source: EipSource): Parsed<readonly TypedSource[]> {
  return { value: [{ type, source }], refusals: [] };
}

function refused(annotation: string, fault: string): Parsed<readonly TypedSource[]> {
  return { value: [], refusals: [invalidAnnotation(annotation, fault)] };
}
