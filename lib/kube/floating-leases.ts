import { createHash } from 'node:crypto';
import type { KubeClient } from './client.ts';
import { isKubeError } from './kube-error.ts';
import type { Lease, LeaseSpec } from './lease-record.ts';
import type { RawObject } from './object-store.ts';
import { createReflector, type Reflector, type ReflectorOf } from './reflector.ts';

/** Marks the Leases of floating IPs, with the object's name in an annotation: a label's value could be too short for it. */
const LABEL = 'eni-agent.io/floating-ip';
const ANNOTATION = 'eni-agent.io/floating-ip';

export interface LeaseOwner {
  readonly name: string;
  readonly uid: string;
}

/**
 * The Leases of floating IPs in one namespace, one for each object. Single attempts, no decision: who may take which is planned.
 * Every write is a compare-and-set by resource version: of two candidates one gets a conflict (`KubeError` 409).
 */
export interface FloatingLeases {
  /** Undefined when there is none yet. */
  read(name: string, signal: AbortSignal): Promise<Lease | undefined>;
  /** Replaces `known`, or creates the Lease when it is undefined; the object owns it, so that they go together. */
  write(owner: LeaseOwner, known: Lease | undefined, spec: LeaseSpec, signal: AbortSignal): Promise<Lease>;
}

export interface FloatingLeasesOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly ownerApiVersion: string;
  /** Longest wait for an answer, ms. */
  readonly timeoutMs: number;
}

export function createFloatingLeases({
  client,
  namespace,
  ownerApiVersion,
  timeoutMs,
}: FloatingLeasesOptions): FloatingLeases {
  const collection = collectionOf(namespace);
  return {
    async read(name, signal) {
      try {
        return await client.request<Lease>({
          method: 'GET',
          path: `${collection}/${leaseNameOf(name)}`,
          signal,
          timeoutMs,
        });
      } catch (error) {
        if (isKubeError(error) && error.status === 404) return undefined;
        throw error;
      }
    },
    write(owner, known, spec, signal) {
      const leaseName = leaseNameOf(owner.name);
      const created = {
        namespace,
        name: leaseName,
        labels: { [LABEL]: '' },
        annotations: { [ANNOTATION]: owner.name },
        ownerReferences: [{ apiVersion: ownerApiVersion, kind: 'FloatingIP', name: owner.name, uid: owner.uid }],
      };
      const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: known?.metadata ?? created, spec };
      const target = known
        ? ({ method: 'PUT', path: `${collection}/${leaseName}` } as const)
        : ({ method: 'POST', path: collection } as const);
      return client.request<Lease>({ ...target, body, signal, timeoutMs });
    },
  };
}

export interface SeenLease {
  /** Of the floating IP. */
  readonly name: string;
  readonly lease: Lease;
}

type LeaseReflectorOptions = ReflectorOf<SeenLease> & { readonly namespace: string };

/** Watches all of them: a renewal is a push and a hand-over is seen at once, where polling would read etcd each second per candidate. */
export function createFloatingLeaseReflector({
  client,
  namespace,
  ...rest
}: LeaseReflectorOptions): Reflector<SeenLease> {
  const source = { client, path: collectionOf(namespace), query: { labelSelector: LABEL }, convert: seenLeaseOf };
  return createReflector({ ...rest, source });
}

function seenLeaseOf(raw: RawObject & { metadata: { annotations?: Readonly<Record<string, string>> } }) {
  const name = raw.metadata.annotations?.[ANNOTATION];
  return name === undefined ? undefined : { name, lease: raw as unknown as Lease };
}

/** An object's name can be longer than a Lease's with a prefix; a long one is cut and told apart by a hash. */
function leaseNameOf(floatingIp: string): string {
  const name = `floating-ip-${floatingIp}`;
  if (name.length <= 253) return name;
  return `${name.slice(0, 240)}-${createHash('sha256').update(floatingIp).digest('hex').slice(0, 12)}`;
}

function collectionOf(namespace: string): string {
  return `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
}
