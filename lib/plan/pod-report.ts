import { claimKey } from '../model/claim.ts';
import type { EipMarks, EipStatus } from '../model/eip-claim.ts';
import { compareIp, type IpAddress } from '../model/ip.ts';
import type { ClaimStatus } from '../model/plan.ts';
import type { Pod, PodCondition } from '../model/pod.ts';
import type { Reason, Refusal } from '../model/refusal.ts';

/** Annotation, out: where each address of the pod stands. */
export const ADDRESSES = 'eni-agent.io/addresses';

/** Condition, out: True while every address of the pod is where it should be. Usable as a readiness gate. */
const ADDRESSES_ASSIGNED = 'eni-agent.io/AddressesAssigned';

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
}

/** What is known about one pod's addresses. */
export interface PodFindings {
  readonly statuses: readonly ClaimStatus[];
  readonly eips: readonly EipStatus[];
  /** What of the pod's annotations could not be understood. */
  readonly faults: readonly Refusal[];
  /** Labels and annotations in the languages of the dialects. */
  readonly marks: readonly EipMarks[];
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
      ...Object.assign({}, ...findings.marks.map(({ annotations }) => annotations)),
      ...externalDns(pod, findings.eips),
      [ADDRESSES]: JSON.stringify(addresses),
    },
    labels: Object.assign({}, ...findings.marks.map(({ labels }) => labels)),
    condition: conditionOf(addresses, findings),
  };
}

/** What of a report differs from what the pod already says; undefined when nothing does. */
export function changesTo(pod: Pod, report: PodReport): Partial<PodReport> | undefined {
  const annotations = differing(report.annotations, pod.annotations);
  const labels = differing(report.labels, pod.labels);
  const current = pod.conditions.find(({ type }) => type === ADDRESSES_ASSIGNED);
  const { condition } = report;
  const sameCondition =
    current?.status === condition.status &&
    current.reason === condition.reason &&
    current.message === condition.message;
  if (sameCondition && annotations === undefined && labels === undefined) return undefined;
  return { ...(annotations && { annotations }), ...(labels && { labels }), ...(!sameCondition && { condition }) };
}

function differing(wanted: Readonly<Record<string, string | null>>, present: Readonly<Record<string, string>>) {
  const changed = Object.entries(wanted).filter(([key, value]) => (present[key] ?? null) !== value);
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
}

function reportAddresses({ statuses, eips }: PodFindings): ReportedAddress[] {
  const bound = new Map(eips.flatMap((eip) => (eip.state === 'bound' ? [[eip.privateIp, eip] as const] : [])));
  const secondary = statuses
    .toSorted((a, b) => compareIp(a.claim.address, b.claim.address) || (claimKey(a.claim) < claimKey(b.claim) ? -1 : 1))
    .map(({ claim, state, eni, refusal }) => {
      const eip = bound.get(claim.address)?.publicIp;
      const why = refusal === undefined ? {} : { reason: refusal.reason };
      return {
        address: claim.address,
        interface: claim.interface,
        ...(eni !== undefined && { eni }),
        state,
        ...why,
        ...(eip && { eip }),
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
      .map(({ claim, refusal }) => ({ what: `${claim.address} not yet on its ENI`, refusal })),
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
