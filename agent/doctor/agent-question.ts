import { isIPv6 } from 'node:net';
import type { HostPort } from '../../lib/config/value-type.ts';
import type { AgentFound, Answer } from '../../lib/plan/doctor/evidence.ts';

/** What the agent beside this process answers to the kubelet's readiness probe; skipped where none answers. */
export async function askAgent(
  listens: readonly (HostPort | 'off')[],
  nodeName: string,
  signal: AbortSignal,
): Promise<Answer<AgentFound>> {
  const where = listens.find((each) => each !== 'off');
  if (where === undefined || listens.includes('off')) {
    return { kind: 'skipped', message: 'not asked: --http-address=off' };
  }
  const url = `http://${hostOf(where)}:${where.port}/readyz`;
  try {
    const reply = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(5_000)]) });
    const said: unknown = await reply.json();
    if (typeof said !== 'object' || said === null || !('ok' in said)) {
      return { kind: 'skipped', message: `what answers at ${url} is not an agent` };
    }
    return { kind: 'known', value: { reasons: texts(said, 'reasons'), notes: texts(said, 'notes') } };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const message = cause instanceof Error ? cause.message : String(cause);
    return { kind: 'skipped', message: `no agent of node ${nodeName} answers at ${url}: ${message}` };
  }
}

function hostOf({ host = '127.0.0.1' }: HostPort): string {
  return isIPv6(host) ? `[${host}]` : host;
}

function texts(said: object, key: 'reasons' | 'notes'): string[] {
  const value: unknown = Reflect.get(said, key);
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : [];
}
