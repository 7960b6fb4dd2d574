import type { KubeApi } from '../sim/kube/server.ts';

/** The condition that the agent writes. */
const ADDRESSES_ASSIGNED = 'eni-agent.io/AddressesAssigned';

interface Condition {
  readonly type: string;
  readonly reason?: string;
  readonly message?: string;
}

/** What the API server says of a pod's addresses: the condition's reason and message; undefined before there is one. */
export function conditionOf({ store }: KubeApi, pod: string): Condition | undefined {
  const conditions = store.get('pods', 'default', pod)?.status?.['conditions'];
  return (Array.isArray(conditions) ? (conditions as Condition[]) : []).find(({ type }) => type === ADDRESSES_ASSIGNED);
}

/** Messages of the Events with this reason about a pod. */
export function eventsAbout({ store }: KubeApi, pod: string, reason: string): string[] {
  return store.list('events').flatMap((event) => {
    const about = (event['involvedObject'] ?? event['regarding']) as { name?: string } | undefined;
    return about?.name === pod && event['reason'] === reason ? [String(event['message'] ?? event['note'])] : [];
  });
}
