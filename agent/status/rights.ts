import type { KubeClient } from '../../lib/kube/client.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import type { AgentPodFact, ForbiddenFact } from '../../lib/model/status/cluster-facts.ts';

/** Without one of these an agent, or the controller, sees nothing or can report nothing (daemonset/base/rbac.yaml). */
const NEEDED = [
  { verb: 'list', resource: 'pods' },
  { verb: 'watch', resource: 'pods' },
  { verb: 'patch', resource: 'pods', subresource: 'status' },
  { verb: 'create', resource: 'events' },
] as const;

/**
 * What the service accounts of our pods may not do. A watch that is open stays open when its right is taken away, so the agents
 * themselves notice only minutes later. Empty where the user may not ask about others.
 */
export async function readForbidden(
  client: KubeClient,
  agents: readonly AgentPodFact[],
  signal: AbortSignal,
): Promise<readonly ForbiddenFact[]> {
  const accounts = new Map(
    agents.flatMap(({ namespace, serviceAccount }) =>
      serviceAccount === undefined ? [] : [[`${namespace}/${serviceAccount}`, { namespace, serviceAccount }] as const],
    ),
  );
  const asked = Array.from(accounts, async ([account, { namespace, serviceAccount }]): Promise<ForbiddenFact> => {
    const user = `system:serviceaccount:${namespace}:${serviceAccount}`;
    const answers = await Promise.all(
      NEEDED.map(async (right) => ((await mayDo(client, user, right, signal)) ? [] : [wordsOf(right)])),
    );
    return { account, rights: answers.flat() };
  });
  try {
    return (await Promise.all(asked)).filter(({ rights }) => rights.length > 0);
  } catch (error) {
    if (!isKubeError(error)) throw error;
    return [];
  }
}

type Right = (typeof NEEDED)[number];

/** @throws {KubeError} when the user may not ask this */
async function mayDo(client: KubeClient, user: string, right: Right, signal: AbortSignal): Promise<boolean> {
  const groups = ['system:serviceaccounts', `system:serviceaccounts:${user.split(':')[2]}`, 'system:authenticated'];
  const answer = await client.request<{ status?: { allowed?: boolean } }>({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, groups, resourceAttributes: right },
    },
    signal,
  });
  // Anything but a plain no is no reason to alarm anybody.
  return answer.status?.allowed !== false;
}

function wordsOf(right: Right): string {
  return `${right.verb} ${right.resource}${'subresource' in right ? `/${right.subresource}` : ''}`;
}
