import { type Eni, slotLimit, usedSlots } from '../../model/eni.ts';
import { explainProtection, protectionOf } from '../../model/eni-protection.ts';
import { diagnoseNetworks } from './diagnose-networks.ts';
import type { Check, Evidence } from './evidence.ts';
import { unanswered } from './unanswered.ts';

/** Share of a limit from which on people should know. */
const NEAR = 0.9;
const NO_MANAGE = 'node.k8s.amazonaws.com/no_manage';

/** What of the ENIs, links and networks of this node keeps addresses from working. */
export function diagnoseEnis(evidence: Evidence): Check[] {
  return [
    vpcCniEnis(evidence),
    limits(evidence),
    sourceCheck(evidence),
    links(evidence),
    ...diagnoseNetworks(evidence),
  ];
}

/** An ENI without the tag is the VPC CNI's, whatever it was attached for: it gives the addresses that it finds there to ordinary pods. */
function vpcCniEnis({ enis: answer, allowPrimary }: Evidence): Check {
  const name = 'VPC CNI';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const usable = answer.value.filter((eni) => protectionOf(eni) === undefined);
  const taken = answer.value.flatMap((eni) => {
    const protection = protectionOf(eni);
    return protection === 'vpc-cni' ? [explainProtection(eni.id, protection)] : [];
  });
  const untagged = usable.filter(({ tags, interfaceType }) => tags[NO_MANAGE] !== 'true' && interfaceType !== 'efa');
  const fix = `tag ENIs for Multus with ${NO_MANAGE}=true before they are attached; then restart aws-node on this node`;
  if (usable.length === 0 && !allowPrimary) {
    const whose = taken.length === 0 ? 'only the primary ENI' : taken.join('; ');
    return {
      name,
      verdict: 'warn',
      finding: `no ENI for pods: ${whose}`,
      fix: `attach an ENI in the subnet of the networks; ${fix}`,
    };
  }
  if (untagged.length > 0)
    return {
      name,
      verdict: 'warn',
      finding: `${untagged.map(({ id }) => id).join(', ')} without the tag ${NO_MANAGE}: the VPC CNI may take it over`,
      fix,
    };
  const others = taken.length === 0 ? '' : `; ${taken.join('; ')}`;
  return { name, verdict: 'pass', finding: `${usable.length} ENIs for pods, tagged ${NO_MANAGE}${others}` };
}

function limits({ enis: answer }: Evidence): Check {
  const name = 'address limits';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const usable = answer.value.filter((eni) => protectionOf(eni) === undefined);
  const uses = usable.flatMap((eni) => ([4, 6] as const).map((family) => use(eni, family)));
  const known = uses.filter(({ limit }) => limit > 0);
  const near = known.filter(({ used, limit }) => used >= limit * NEAR);
  if (known.length === 0)
    return { name, verdict: 'skipped', finding: 'the limits of this instance type are not known' };
  const text = ({ id, used, limit, family }: (typeof uses)[number]) => `${id} ${used} of ${limit} IPv${family}`;
  if (near.length === 0) return { name, verdict: 'pass', finding: known.map(text).join(', ') };
  return {
    name,
    verdict: 'warn',
    finding: `nearly full: ${near.map(text).join(', ')}`,
    fix: 'spread the pods over more ENIs or nodes, or take a larger instance type',
  };
}

function use(eni: Eni, family: 4 | 6) {
  return { id: eni.id, family, used: usedSlots(eni, family), limit: slotLimit(eni, family) ?? 0 };
}

/** Information only: on, EC2 lets through what is assigned; off, it lets through everything, and what is not assigned goes unnoticed. */
function sourceCheck({ sourceChecks: answer }: Evidence): Check {
  const name = 'source/destination check';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const off = answer.value.filter(({ enabled }) => !enabled).map(({ eni }) => eni);
  if (off.length === 0)
    return { name, verdict: 'pass', finding: 'on: a pod that routes for others (NAT, VPN) needs it off on its ENI' };
  return { name, verdict: 'pass', finding: `off on ${off.join(', ')}: packets leave there with any source address` };
}

function links({ enis, links: answer }: Evidence): Check {
  const name = 'links';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  if (enis.kind !== 'known') return { ...unanswered(name, enis), verdict: 'skipped' };
  const usable = enis.value.filter((eni) => protectionOf(eni) === undefined);
  const faults = usable.flatMap((eni) => {
    const link = answer.value.find((one) => one.mac === eni.mac);
    // An ENI that was moved into a pod (host-device) has no link here, and that is as it should be.
    return link !== undefined && !link.up ? [`${link.name} (${eni.id}) is down`] : [];
  });
  if (faults.length === 0)
    return { name, verdict: 'pass', finding: `${usable.length} ENIs for pods, none of their links is down` };
  return {
    name,
    verdict: 'fail',
    finding: faults.join(', '),
    fix: 'set them up at boot (ip link set DEVICE up), for example in the user data of the node: the VPC CNI leaves ENIs tagged no_manage alone',
  };
}
