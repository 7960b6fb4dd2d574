import { claimKey } from '../../model/addresses/claim.ts';
import type { ClaimStatus } from '../../model/addresses/plan.ts';
import type { EipMetadata, EipStatus } from '../../model/elastic-ips/claim.ts';
import { compareIp, type IpAddress } from '../../model/ip.ts';
import type { Pod, PodCondition } from '../../model/pod.ts';
import type { Reason, Refusal } from '../../model/refusal.ts';
import type { TableStatus } from '../../model/routed-ips/route-plan.ts';

/** Annotation, out: where each address of the pod stands. */
export const ADDRESSES = 'eni-agent.io/addresses';

/** Condition, out: True while every address of the pod is where it should be. Usable as a readiness gate. */
export const ADDRESSES_ASSIGNED = 'eni-agent.io/AddressesAssigned';

/** Annotation that external-dns publishes instead of the node's address. */
const EXTERNAL_DNS_TARGET = 'external-dns.alpha.kubernetes.io/target';

/** One element of the `eni-agent.io/addresses` annotation. */
export interface ReportedAddress {
  readonly address: IpAddress;
  readonly interface: string;
  readonly eni?: string;
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly reason?: Reason;
  readonly eip?: IpAddress;
  /** Of a routed address: each of its route tables. */
  readonly routes?: readonly ReportedRoute[];
}

export interface ReportedRoute {
  readonly table: string;
  readonly state: 'assigned' | 'pending' | 'refused';
  readonly reason?: Reason;
}

/** What is known about one pod's addresses. */
export interface PodFindings {
  readonly statuses: readonly ClaimStatus[];
  readonly eips: readonly EipStatus[];
  /** What of the pod's annotations could not be understood. */
  readonly faults: readonly Refusal[];
  /** Labels and annotations in the languages of the dialects. */
  readonly metadata: readonly EipMetadata[];
}

/** What a pod should say; null means that a key should be absent. */
export interface PodReport {
  readonly annotations: Readonly<Record<string, string | null>>;
  readonly labels: Readonly<Record<string, string | null>>;
  readonly condition: PodCondition;
}

/**
 * What to write on one pod. The text is stable: the same findings in any order give the same report, so nothing is written when
 * nothing changed.
 */
export function reportPod(pod: Pod, findings: PodFindings): PodReport {
  const addresses = reportAddresses(findings);
  return {
    annotations: {
      ...Object.assign({}, ...findings.metadata.map(({ annotations }) => annotations)),
      ...externalDns(pod, findings.eips),
      [ADDRESSES]: JSON.stringify(addresses),
    },
    labels: Object.assign({}, ...findings.metadata.map(({ labels }) => labels)),
    condition: conditionOf(addresses, findings),
  };
}

/**
 * What to write on a pod that has ended (a completed Job, say): nothing is assigned for it any more, its claims are over. Undefined for
 * one that never said anything of us. `metadata`: that of a pod without Elastic IPs.
 */
export function reportEnded(pod: Pod, metadata: readonly EipMetadata[]): PodReport | undefined {
  const report = {
    annotations: { ...Object.assign({}, ...metadata.map(({ annotations }) => annotations)), ...externalDns(pod, []) },
    labels: Object.assign({}, ...metadata.map(({ labels }) => labels)),
    condition: condition('False', 'Released', 'the pod has ended and needs no address any more'),
  };
  const published = currentCondition(pod) !== undefined || ADDRESSES in pod.annotations;
  if (published) return { ...report, annotations: { ...report.annotations, [ADDRESSES]: '[]' } };
  return differing(report.labels, pod.labels) === undefined ? undefined : report;
}

/** What of a report differs from what the pod already says; undefined when nothing does. */
export function changesTo(pod: Pod, report: Partial<PodReport>): Partial<PodReport> | undefined {
  const annotations = differing(report.annotations ?? {}, pod.annotations);
  const labels = differing(report.labels ?? {}, pod.labels);
  const current = currentCondition(pod);
  const { condition } = report;
  const sameCondition =
    condition === undefined ||
    (current?.status === condition.status &&
      current.reason === condition.reason &&
      current.message === condition.message);
  if (sameCondition && annotations === undefined && labels === undefined) return undefined;
  return { ...(annotations && { annotations }), ...(labels && { labels }), ...(!sameCondition && { condition }) };
}

/**
 * What of a change may be written before the agent has seen everything that it rests on: nothing that takes back what an earlier life
 * wrote, and no promise that all is well. Undefined when nothing is left.
 */
export function withoutWithdrawals(pod: Pod, change: Partial<PodReport>): Partial<PodReport> | undefined {
  const kept = (texts: Readonly<Record<string, string | null>> = {}) =>
    Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== null));
  const annotations = kept(change.annotations);
  delete annotations[ADDRESSES];
  const { condition } = change;
  const isTrue = currentCondition(pod)?.status === 'True' || condition?.status === 'True';
  return changesTo(pod, { annotations, labels: kept(change.labels), ...(condition && !isTrue && { condition }) });
}

/** The pod as it will be when the change has arrived. */
export function withChange(pod: Pod, { annotations = {}, labels = {}, condition }: Partial<PodReport>): Pod {
  const others = pod.conditions.filter(({ type }) => type !== condition?.type);
  return {
    ...pod,
    annotations: merged(pod.annotations, annotations),
    labels: merged(pod.labels, labels),
    ...(condition && { conditions: [...others, condition] }),
  };
}

function merged(present: Readonly<Record<string, string>>, change: Readonly<Record<string, string | null>>) {
  const all = Object.entries<string | null>({ ...present, ...change });
  return Object.fromEntries(all.filter((entry): entry is [string, string] => entry[1] !== null));
}

function currentCondition({ conditions }: Pod): PodCondition | undefined {
  return conditions.find(({ type }) => type === ADDRESSES_ASSIGNED);
}

function differing(wanted: Readonly<Record<string, string | null>>, present: Readonly<Record<string, string>>) {
  const changed = Object.entries(wanted).filter(([key, value]) => (present[key] ?? null) !== value);
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

function reportAddresses({ statuses, eips }: PodFindings): ReportedAddress[] {
  const bound = new Map(eips.flatMap((eip) => (eip.state === 'bound' ? [[eip.privateIp, eip] as const] : [])));
  const secondary = statuses
    .toSorted((a, b) => compareIp(a.claim.address, b.claim.address) || (claimKey(a.claim) < claimKey(b.claim) ? -1 : 1))
    .map(({ claim, state, eni, refusal, tables }) => {
      const eip = bound.get(claim.address)?.publicIp;
      const why = refusal === undefined ? {} : { reason: refusal.reason };
      return {
        address: claim.address,
        interface: claim.interface,
        ...(eni !== undefined && { eni }),
        state,
        ...why,
        ...(eip && { eip }),
        ...(tables && { routes: tables.map(reportRoute) }),
      };
    });
  const listed = new Set(secondary.map(({ address }) => address));
  const primary = Array.from(bound.values())
    .filter(({ privateIp }) => !listed.has(privateIp))
    .map(({ privateIp, eni, publicIp }) => ({
      address: privateIp,
      interface: 'eth0',
      eni,
      state: 'assigned' as const,
      eip: publicIp,
    }));
  return [...primary.toSorted((a, b) => compareIp(a.address, b.address)), ...secondary];
}

function reportRoute({ table, state, refusal }: TableStatus): ReportedRoute {
  return { table, state, ...(refusal && { reason: refusal.reason }) };
}

/** Set while the pod has an EIP; afterwards taken back only if the value is ours. */
function externalDns(pod: Pod, eips: readonly EipStatus[]): Record<string, string | null> {
  const publicIps = eips.flatMap((eip) => (eip.state === 'bound' ? [eip.publicIp] : [])).toSorted(compareIp);
  if (publicIps.length > 0) return { [EXTERNAL_DNS_TARGET]: publicIps.join(',') };
  const current = pod.annotations[EXTERNAL_DNS_TARGET];
  const wasOurs =
    current !== undefined &&
    current.split(',').every((text) => pod.annotations[ADDRESSES]?.includes(`"eip":"${text}"`));
  return wasOurs ? { [EXTERNAL_DNS_TARGET]: null } : {};
}

function conditionOf(addresses: readonly ReportedAddress[], { statuses, eips, faults }: PodFindings): PodCondition {
  const refusals = [...statuses, ...eips].flatMap((status) =>
    status.state === 'refused' && status.refusal ? [status.refusal] : [],
  );
  const [refused] = [...refusals, ...faults];
  if (refused) return condition('False', refused.reason, refused.message);
  const pending = [
    ...statuses
      .filter(({ state }) => state === 'pending')
      .map(({ claim, refusal }) => ({
        what: claim.routed === undefined ? `${claim.address} not yet on its ENI` : `${claim.address} not yet routed`,
        refusal,
      })),
    ...eips.flatMap((eip) =>
      eip.state === 'pending'
        ? [{ what: `Elastic IP for ${targetText(eip)} not yet bound`, refusal: eip.refusal }]
        : [],
    ),
  ];
  const why = pending.find(({ refusal }) => refusal !== undefined)?.refusal;
  if (why) return condition('False', why.reason, why.message);
  if (pending.length > 0) return condition('False', 'Pending', pending.map(({ what }) => what).join('; '));
  const list = addresses.map(({ address, eni, eip }) => `${address}${eip ? ` (${eip})` : ''} on ${eni}`).join(', ');
  return condition('True', 'Assigned', list || 'no address needs an ENI');
}

function targetText({ claim: { target } }: EipStatus): string {
  return target.kind === 'primary' ? 'the pod address' : target.kind === 'interface' ? target.name : target.address;
}

function condition(status: 'True' | 'False', reason: string, message: string): PodCondition {
  return { type: ADDRESSES_ASSIGNED, status, reason, message };
}
