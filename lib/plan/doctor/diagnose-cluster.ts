import type { Check, Evidence } from './evidence.ts';
import { unanswered } from './unanswered.ts';

export function diagnoseCluster(evidence: Evidence): Check[] {
  return [
    apiServer(evidence),
    ...access(evidence),
    ownNodeOnly(evidence),
    tenants(evidence),
    snat(evidence),
    rivals(evidence),
    versions(evidence),
  ];
}

function apiServer({ apiServer: answer }: Evidence): Check {
  const name = 'API server';
  if (answer.kind === 'known') return { name, verdict: 'pass', finding: `answers, version ${answer.value}` };
  return unanswered(name, answer, 'check --kubeconfig or the service account, and network policies');
}

function access({ access: answer }: Evidence): Check[] {
  if (answer.kind !== 'known') return [unanswered('RBAC', answer)];
  const missing = answer.value.filter(({ allowed }) => !allowed).map(({ verb, resource }) => `${verb} ${resource}`);
  if (missing.length === 0)
    return [{ name: 'RBAC', verdict: 'pass', finding: `${answer.value.length} permissions, all granted` }];
  return [
    {
      name: 'RBAC',
      verdict: 'fail',
      finding: `not allowed: ${missing.join(', ')}`,
      fix: 'apply the ClusterRole and its binding of daemonset/base/rbac.yaml',
    },
  ];
}

function ownNodeOnly({ ownNodeOnly: answer }: Evidence): Check {
  const name = 'own node only';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  if (answer.value) return { name, verdict: 'pass', finding: 'the API server refuses writes to pods of other nodes' };
  return {
    name,
    verdict: 'warn',
    finding: 'the API server lets this agent write to pods of other nodes',
    fix: 'on Kubernetes 1.30 or newer apply daemonset/components/own-node-only, with the name of your service account in it (docs/security.md)',
  };
}

function tenants({ tenants: answer }: Evidence): Check {
  const name = 'tenant policy';
  if (answer.kind !== 'known') return unanswered(name, answer, 'make the folder of --tenant-policy-dir readable');
  const { closed, faults, namespaces, others } = answer.value;
  if (faults.length > 0)
    return {
      name,
      verdict: 'fail',
      finding: faults.join('; '),
      fix: 'correct these entries of ConfigMap eni-agent-tenants',
    };
  if (!closed) return { name, verdict: 'pass', finding: 'none: every namespace may ask for everything' };
  const rest = others ? 'others get what _others lists' : 'all others get nothing beyond the addresses of IPAM';
  return { name, verdict: 'pass', finding: `in force for ${namespaces.join(', ') || 'no namespace by name'}; ${rest}` };
}

/** With source NAT on the node a pod's own traffic leaves with the node's address, and its EIP is only half of what its users expect. */
function snat({ vpcCni: answer, clusterName }: Evidence): Check {
  const name = 'external SNAT';
  if (answer.kind === 'denied') {
    return unanswered(
      name,
      answer,
      'allow get on daemonsets in kube-system, or look yourself: kubectl -n kube-system get ds aws-node -o yaml | grep SNAT',
    );
  }
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  if (answer.value === undefined)
    return { name, verdict: 'skipped', finding: 'no DaemonSet kube-system/aws-node: another network plugin is in use' };
  const { externalSnat, excludedCidrs } = answer.value;
  if (externalSnat) return { name, verdict: 'pass', finding: 'AWS_VPC_K8S_CNI_EXTERNALSNAT=true' };
  const excluded =
    excludedCidrs === '' ? '' : `; AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS=${excludedCidrs} covers those networks only`;
  return {
    name,
    verdict: clusterName === undefined ? 'warn' : 'fail',
    finding: `off: pods reach the internet with the node's address, not with their Elastic IP${excluded}`,
    fix: 'kubectl -n kube-system set env daemonset aws-node AWS_VPC_K8S_CNI_EXTERNALSNAT=true',
  };
}

/** Older ones have no ValidatingAdmissionPolicy, which confines an agent to its own node. */
const OLDEST_FULL = 30;

function versions({ versions: found, apiServer: server }: Evidence): Check {
  const name = 'versions';
  const { agent, node, kernel, images = [] } = found;
  const finding = `eni-agent ${agent}, Node ${node}, kernel ${kernel}`;
  if (images.length > 1)
    return {
      name,
      verdict: 'warn',
      finding: `${finding}; the cluster's agents run ${images.join(' and ')}`,
      fix: 'wait for the rollout to end, or find out why it is stuck: kubectl rollout status, kubectl eni-agent status agents',
    };
  const minor = server.kind === 'known' ? Number(/^v?1\.(\d+)/.exec(server.value)?.[1]) : Number.NaN;
  if (minor < OLDEST_FULL)
    return {
      name,
      verdict: 'warn',
      finding: `${finding}; Kubernetes 1.${minor} has no admission policies, so an agent is not confined to its own node`,
      fix: 'upgrade to Kubernetes 1.30 or newer, or apply daemonset/base and accept the risk (docs/security.md)',
    };
  return { name, verdict: 'pass', finding };
}

function rivals({ rivals: answer }: Evidence): Check {
  const name = 'other tools';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  if (answer.value.length === 0) return { name, verdict: 'pass', finding: 'none found that does the same job' };
  return {
    name,
    verdict: 'warn',
    finding: `still running: ${answer.value.join(', ')}`,
    fix: 'scale them to zero: two tools that bind the same addresses undo each other',
  };
}
