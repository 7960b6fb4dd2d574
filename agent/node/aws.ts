import { imdsAddresses } from '../../lib/ec2/imds.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import { hintsFrom, resolveIdentity } from '../aws/identity.ts';
import type { NodeFrame } from './frame.ts';
import { watchImds } from './imds-watch.ts';
import type { NodeAws } from './surroundings.ts';

/** Finds out which instance this is, however long that takes, and opens EC2 for it. @throws the signal's reason when it aborts first. */
export async function openNodeAws(
  { process, ages, readiness, stop }: NodeFrame,
  kube: KubeClient,
  nodeName: string,
): Promise<NodeAws & { readonly identity: InstanceIdentity }> {
  const { log, metrics, random, environment } = process;
  const endpoint = imdsEndpoint(environment);
  const imds =
    endpoint === undefined ? undefined : imdsReader({ endpoint, allowV1: false, now: () => performance.now() });
  const onWaiting = (reason: string) => readiness.faultsOf('EC2', () => [reason]);
  const [identity, interfaces] = await Promise.all([
    resolveIdentity({ ...process, imds, kube, nodeName, region: environment['AWS_REGION'], onWaiting }, stop),
    hintsFrom(imds, stop),
  ]);
  const rateLimit = new RateLimit({ clock: ages, random });
  metrics.ec2Limit(() => rateLimit.levels);
  const ec2 = openEc2(identity, () => interfaces, { log, metrics, environment });
  return { identity, instanceId: identity.instanceId, imds, ec2, rateLimit };
}

/** Asks instance metadata now and then whether it contradicts what is known of our ENIs. */
export function followHints(
  { process: { log }, ages: clock, supervisor }: NodeFrame,
  { imds }: Pick<NodeAws, 'imds'>,
  { addresses, intervalMs }: { readonly addresses: AddressReconciler; readonly intervalMs: number },
): void {
  if (imds === undefined) return;
  const watch = {
    clock,
    intervalMs,
    read: (signal: AbortSignal) => imdsAddresses(imds, signal),
    enis: () => addresses.enis,
    doubt: (cause: string) => addresses.doubt(cause),
    onProblem: (error: unknown) => log.debug('instance metadata does not answer', { error }),
  };
  supervisor.keep('metadata watch', (signal) => watchImds(watch, signal));
}
