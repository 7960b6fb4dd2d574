import { protectionOf } from '../../model/eni-protection.ts';
import { planLinks } from '../node-links/plan.ts';
import type { Check, Evidence } from './evidence.ts';
import { unanswered } from './unanswered.ts';

/** Free addresses of a subnet from which on people should know. */
const FEW = 16;
/** Strict reverse path filtering (the kernel's ip-sysctl). */
const STRICT = 1;

/** The chain from a NodeENI to a pod's address, as far as this node shows it. */
export function diagnoseNodeEnis(evidence: Evidence): Check[] {
  return [nodeEnis(evidence), subnetAddresses(evidence), rpFilter(evidence)];
}

/** What the controller announced, against EC2 and the links of this host. */
function nodeEnis(evidence: Evidence): Check {
  const name = 'NodeENI';
  const { nodeEnis: answer, enis, links } = evidence;
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const { announcement, tainted } = answer.value;
  if (announcement === undefined) {
    const finding = 'no NodeENI selects this node';
    if (!tainted) return { name, verdict: 'skipped', finding };
    return {
      name,
      verdict: 'fail',
      finding: 'the node has the taint eni-agent.io/not-ready, and no controller has said which interfaces it gets',
      fix: 'run eni-agent controller and apply a NodeENI, or take the taint off the node group',
    };
  }
  const faults = announcement.interfaces.flatMap(({ id, nodeEni }) => {
    if (enis.kind !== 'known') return [];
    const eni = enis.value.find((one) => one.id === id);
    if (eni === undefined) return [`${id} (${nodeEni}) is announced, but EC2 does not have it on this instance`];
    const protection = protectionOf(eni);
    return protection === undefined ? [] : [`${id} (${nodeEni}) is protected: ${protection}`];
  });
  const { report } = links.kind === 'known' ? planLinks(answer.value, links.value) : { report: undefined };
  if (report?.ready === false) faults.push(`${report.reason}: ${report.message}`);
  if (faults.length === 0) {
    const left = tainted ? '; the startup taint is about to be taken off' : '';
    return {
      name,
      verdict: 'pass',
      finding: `${report?.message ?? `${announcement.wanted} interfaces wanted`}${left}`,
    };
  }
  return {
    name,
    verdict: 'fail',
    finding: faults.join('; '),
    fix: 'see the reason in kubectl eni-agent status nodeenis -o wide, and this agent’s log; docs/node-enis.md has a line for each reason',
  };
}

function subnetAddresses({ subnets: answer }: Evidence): Check {
  const name = 'subnet addresses';
  if (answer.kind === 'denied')
    return unanswered(name, answer, "allow ec2:DescribeSubnets in the agent's IAM role for this check");
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  if (answer.value.length === 0) return { name, verdict: 'skipped', finding: 'no ENI for pods' };
  const text = answer.value.map(({ id, free }) => `${id} ${free} free`).join(', ');
  if (answer.value.every(({ free }) => free > FEW)) return { name, verdict: 'pass', finding: text };
  return {
    name,
    verdict: 'warn',
    finding: `nearly used up: ${text}`,
    fix: 'free addresses, or add a larger subnet to the NodeENI and to the ranges of the networks',
  };
}

/** Pods have namespaces, and filters, of their own: only addresses that the host itself has on such a link are concerned. */
function rpFilter({ rpFilters: answer, links, enis }: Evidence): Check {
  const name = 'rp_filter';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  if (links.kind !== 'known' || enis.kind !== 'known')
    return { name, verdict: 'skipped', finding: 'the links or the ENIs of this node are unknown' };
  const macs = new Set(enis.value.filter((eni) => protectionOf(eni) === undefined).map(({ mac }) => mac));
  const ours = links.value.filter(({ mac, child }) => mac !== undefined && macs.has(mac) && !child);
  const { all, byLink } = answer.value;
  const strict = ours.filter((link) => Math.max(all, byLink.get(link.name) ?? 0) === STRICT);
  if (strict.length === 0) return { name, verdict: 'pass', finding: 'not strict on the links of ENIs for pods' };
  const names = strict.map((link) => link.name).join(', ');
  const used = strict.filter(({ addresses }) => addresses.length > 0);
  if (used.length === 0)
    return {
      name,
      verdict: 'pass',
      finding: `strict on ${names}: harmless for pods, but a FloatingIP there would lose packets`,
    };
  return {
    name,
    verdict: 'warn',
    finding: `strict on ${used.map((link) => link.name).join(', ')}, where the host has addresses: it drops packets that it would answer by another link`,
    fix: `set net.ipv4.conf.${used[0]?.name ?? 'LINK'}.rp_filter=2 by a sysctl of the AMI: a container cannot write it`,
  };
}
