import type { V1Pod, V1PodCondition } from '@kubernetes/client-node';
import { parseIp } from '../model/ip.ts';
import type { Pod, PodCondition, PodPhase } from '../model/pod.ts';
import type { RawObject } from './object-store.ts';
import type { Part, Wire } from './wire.ts';

/** Which keys of a pod's metadata mean something to the program. A name ending in `*` stands for a prefix. */
export interface MetadataFilter {
  readonly annotations: readonly string[];
  readonly labels: readonly string[];
}

/** All that any part of the program or any dialect reads. Everything else would only take memory, 110 times over. */
const POD_METADATA = {
  annotations: [
    'k8s.v1.cni.cncf.io/network-status',
    'k8s.v1.cni.cncf.io/networks-status',
    'k8s.v1.cni.cncf.io/networks',
    'eni-agent.io/*',
    'aws-samples.github.com/*',
    'eip.materialize.cloud/*',
    'eip.aws.materialize.com/*',
    'vpc.amazonaws.com/pod-eni',
    'external-dns.alpha.kubernetes.io/target',
  ],
  labels: ['aws-pod-eip-controller*', 'eip.materialize.cloud/*', 'eip.aws.materialize.com/*'],
} as const satisfies MetadataFilter;

const OUR_CONDITIONS = /^(Ready$|eni-agent\.io\/)/;
const PHASES: readonly string[] = ['Pending', 'Running', 'Succeeded', 'Failed'] satisfies PodPhase[];

/** A function from the API's pod to the model's, for a reflector. Addresses that cannot be parsed are left out. */
export function podConverter(filter: MetadataFilter = POD_METADATA): (raw: RawObject) => Pod {
  const isAnnotation = keyMatcher(filter.annotations);
  const isLabel = keyMatcher(filter.labels);
  return (raw) => {
    const { metadata, spec, status }: Wire<V1Pod> = raw;
    return {
      namespace: metadata.namespace ?? '',
      name: metadata.name,
      uid: metadata.uid ?? '',
      nodeName: spec?.nodeName ?? '',
      phase: phaseOf(status?.phase),
      terminating: metadata.deletionTimestamp !== undefined,
      hostNetwork: spec?.hostNetwork === true,
      podIps: podIps(status),
      labels: keep(metadata.labels, isLabel),
      annotations: keep(metadata.annotations, isAnnotation),
      conditions: (status?.conditions ?? []).filter(({ type }) => OUR_CONDITIONS.test(type ?? '')).map(condition),
      finalizers: metadata.finalizers ?? NONE,
    };
  };
}

const NONE: readonly never[] = Object.freeze([]);
const EMPTY: Readonly<Record<string, string>> = Object.freeze({});

function phaseOf(phase: string | undefined): PodPhase {
  return phase !== undefined && PHASES.includes(phase) ? (phase as PodPhase) : 'Unknown';
}

/** `podIP` alone is what servers and fakes older than dual-stack write. */
function podIps(status: Wire<V1Pod>['status']): Pod['podIps'] {
  const texts = status?.podIPs?.length ? status.podIPs.map((entry) => entry.ip) : [status?.podIP];
  return texts.flatMap((text) => parseIp(text ?? '') ?? []);
}

function condition({ type = '', status = 'Unknown', reason = '', message = '' }: Part<V1PodCondition>): PodCondition {
  return { type, status: status as PodCondition['status'], reason, message };
}

function keep(source: Readonly<Record<string, string>> | undefined, wanted: (key: string) => boolean) {
  const kept = Object.entries(source ?? EMPTY).filter(([key]) => wanted(key));
  return kept.length === 0 ? EMPTY : Object.fromEntries(kept);
}

function keyMatcher(names: readonly string[]): (key: string) => boolean {
  const exact = new Set(names.filter((name) => !name.endsWith('*')));
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
  return (key) => exact.has(key) || prefixes.some((prefix) => key.startsWith(prefix));
}
