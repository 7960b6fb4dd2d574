import { imdsAddresses } from '../../lib/ec2/imds.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import { openOwnInstance } from '../aws/own-instance.ts';
import type { NodeFrame } from './frame.ts';
import { watchImds } from './imds-watch.ts';
import type { NodeAws } from './surroundings.ts';

/** Finds out which instance this is, however long that takes, and opens EC2 for it. @throws the signal's reason when it aborts first. */
export async function openNodeAws(
  { process, ages, readiness, stop }: NodeFrame,
  kube: KubeClient,
  nodeName: string,
): Promise<NodeAws & { readonly identity: InstanceIdentity }> {
  const { metrics, random } = process;
  const onWaiting = (reason: string) => readiness.faultsOf('EC2', () => [reason]);
  const { identity, imds, ec2 } = await openOwnInstance({ process, node: { kube, nodeName }, onWaiting }, stop);
  const rateLimit = new RateLimit({ clock: ages, random });
  metrics.ec2Limit(() => rateLimit.levels);
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
    invalidate: (cause: string) => addresses.invalidate(cause),
    onProblem: (error: unknown) => log.debug('instance metadata does not answer', { error }),
  };
  supervisor.keep('metadata watch', (signal) => watchImds(watch, signal));
}
