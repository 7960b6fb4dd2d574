import type { Check, Evidence, PermissionFound } from './evidence.ts';
import { unanswered } from './unanswered.ts';

/** What AWS gives an account that has asked for nothing (quota L-0263D0A3). */
const DEFAULT_QUOTA = 5;

export function diagnoseAws(evidence: Evidence): Check[] {
  return [
    identity(evidence),
    region(evidence),
    clusterName(evidence),
    credentials(evidence),
    ...permissions(evidence),
    gateway(evidence),
    quota(evidence),
  ];
}

/** 403 is metadata's own word for being switched off; silence is what a hop limit of 1 makes of every answer. */
function metadataFix(status: number | undefined): string {
  if (status === 403)
    return 'turn the metadata service of the instance on (aws ec2 modify-instance-metadata-options --http-endpoint enabled)';
  if (status !== undefined)
    return `find out what answers in place of the metadata service with HTTP ${status}: a proxy, or a network policy`;
  return 'give the pod hostNetwork, or set the metadata hop limit of the instance to 2 and require tokens (IMDSv2)';
}

function identity({ identity: answer, imdsStatus }: Evidence): Check {
  const name = 'instance';
  if (answer.kind !== 'known') return unanswered(name, answer, metadataFix(imdsStatus));
  const { instanceId, source } = answer.value;
  if (source === 'imds') return { name, verdict: 'pass', finding: `${instanceId}, from instance metadata` };
  return {
    name,
    verdict: 'warn',
    finding: `${instanceId}, from the Node's providerID: instance metadata ${imdsStatus === undefined ? 'does not answer' : `refuses (HTTP ${imdsStatus})`}`,
    fix: `${metadataFix(imdsStatus)}; without metadata, changes of the ENIs are noticed later`,
  };
}

function region({ region: found }: Evidence): Check {
  if (found !== undefined) return { name: 'region', verdict: 'pass', finding: found };
  return { name: 'region', verdict: 'fail', finding: 'unknown', fix: 'set --region or AWS_REGION' };
}

function clusterName({ clusterName: found }: Evidence): Check {
  const name = 'cluster name';
  if (found !== undefined) return { name, verdict: 'pass', finding: found };
  return {
    name,
    verdict: 'warn',
    finding: 'not set: pods get no Elastic IPs',
    fix: 'set --cluster-name, the same for every agent of the cluster',
  };
}

function credentials({ enis }: Evidence): Check {
  const name = 'credentials';
  if (enis.kind === 'known')
    return { name, verdict: 'pass', finding: `EC2 answers; ${enis.value.length} ENIs of this instance` };
  if (enis.kind === 'denied') {
    return {
      name,
      verdict: 'fail',
      finding: enis.message,
      fix: 'allow ec2:DescribeNetworkInterfaces in the IAM role; see docs/iam.md',
    };
  }
  return unanswered(
    name,
    enis,
    'check the IAM role (IRSA, Pod Identity or instance profile), AWS_ENDPOINT_URL_EC2 and the way to the EC2 endpoint',
  );
}

/** Without a cluster name nobody can have an EIP, so that a missing permission is not a fault. */
function permissions({ permissions: answer, clusterName: cluster }: Evidence): Check[] {
  if (answer.kind !== 'known') return [unanswered('IAM', answer)];
  const checks = Array.from(answer.value, ([action, found]): Check => permission(action, found, cluster !== undefined));
  const finding = 'EC2 has no dry run for assigning and unassigning private addresses: the first call will show it';
  return [...checks, { name: 'IAM assign, unassign', verdict: 'skipped', finding }];
}

function permission(action: string, found: PermissionFound, needed: boolean): Check {
  const name = `IAM ${action}`;
  if (found === 'allowed') return { name, verdict: 'pass', finding: 'allowed' };
  if (found === 'denied') {
    return {
      name,
      verdict: needed ? 'fail' : 'warn',
      finding: 'denied',
      fix: `allow ec2:${action} in the agent's IAM role; see docs/iam.md`,
    };
  }
  return { name, verdict: 'skipped', finding: `EC2 gave no answer to this (${found.unknown})` };
}

function gateway({ gateway: answer }: Evidence): Check {
  const name = 'internet gateway';
  if (answer.kind !== 'known') {
    const finding = `unknown: ${answer.message}`;
    return {
      name,
      verdict: 'skipped',
      finding,
      fix: 'allow ec2:DescribeInternetGateways for this check; the agent itself does not need it',
    };
  }
  if (answer.value) return { name, verdict: 'pass', finding: 'the VPC has one' };
  return {
    name,
    verdict: 'warn',
    finding: 'the VPC has none, so no Elastic IP can work',
    fix: 'attach an internet gateway and route the subnet to it',
  };
}

function quota({ elasticIps: answer }: Evidence): Check {
  const name = 'Elastic IP quota';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const { used, limit = DEFAULT_QUOTA } = answer.value;
  const assumed =
    answer.value.limit === undefined
      ? ' (the default; the account’s own is not known: allow servicequotas:GetServiceQuota)'
      : '';
  const finding = `${used} of ${limit} used${assumed}`;
  if (used < limit) return { name, verdict: 'pass', finding };
  return {
    name,
    verdict: 'warn',
    finding,
    fix: 'release unused Elastic IPs, or ask for a higher quota L-0263D0A3 in Service Quotas',
  };
}
