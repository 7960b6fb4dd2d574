import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseIp } from '../../lib/model/ip.ts';
import type { OwnPod } from '../../lib/plan/addresses/own-claims.ts';

/** The pod that this process runs in: from the downward API where the manifest passes it on; its name is also its host name. */
export function ownPod(environment: NodeJS.ProcessEnv): Omit<OwnPod, 'interfaces'> {
  const name = environment['POD_NAME'] || environment['MY_POD_NAME'] || hostname();
  const namespace = environment['POD_NAMESPACE'] || environment['MY_POD_NAMESPACE'] || mountedNamespace();
  const podIps = (environment['POD_IPS'] || environment['POD_IP'] || '').split(',');
  return {
    ref: { namespace, name, uid: environment['POD_UID'] ?? '' },
    podIps: podIps.flatMap((text) => parseIp(text.trim()) ?? []),
  };
}

/** The namespace that a service account's token comes with, where one is mounted; else it is not known. */
function mountedNamespace(): string {
  try {
    return readFileSync('/var/run/secrets/kubernetes.io/serviceaccount/namespace', 'utf8').trim();
  } catch {
    return '';
  }
}
