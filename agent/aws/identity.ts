import { identityFromProviderId } from '../../lib/ec2/identity.ts';
import { type ImdsInterface, imdsIdentity, imdsInterfaces } from '../../lib/ec2/imds.ts';
import type { ImdsReader } from '../../lib/ec2/imds-http.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { getNode } from '../../lib/kube/node.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import { backoffMs } from '../../lib/runtime/backoff.ts';
import type { ProcessParts } from '../process.ts';

export interface IdentityOptions {
  readonly imds: ImdsReader | undefined;
  readonly kube: KubeClient | undefined;
  readonly nodeName: string;
  /** `AWS_REGION`, when set. */
  readonly region: string | undefined;
  readonly process: Pick<ProcessParts, 'clock' | 'random' | 'log'>;
  /** Called after each vain try with what is waited for, and why. */
  readonly onWaiting?: (reason: string) => void;
}

/**
 * Which EC2 instance this is: from IMDS, else from the Node's providerID. Asks again until one of them answers, because a node that
 * boots has neither at first; the log says what is awaited.
 * @throws the signal's reason when it aborts first.
 */
export async function resolveIdentity(options: IdentityOptions, signal: AbortSignal): Promise<InstanceIdentity> {
  const { clock, random, log } = options.process;
  const inPod = options.kube === undefined;
  const sources = [['imds', askImds] as const, ...(inPod ? [] : [['node', askNode] as const])];
  for (let failures = 1; ; failures += 1) {
    signal.throwIfAborted();
    const faults: Record<string, string> = {};
    for (const [source, ask] of sources) {
      try {
        return await ask(options, signal);
      } catch (error) {
        faults[source] = String(error);
      }
    }
    const causes = Object.entries(faults).map(([source, fault]) => `${source}: ${fault}`);
    options.onWaiting?.(`cannot find out which EC2 instance this is (${causes.join('; ')})`);
    const retryInMs = Math.round(backoffMs(failures, { baseMs: 500, maxMs: 15_000, random }));
    log.warn(
      inPod
        ? 'cannot find out which EC2 instance this is; raise the metadata hop limit to 2, or allow version 1 by --allow-imds-v1'
        : 'cannot find out which EC2 instance this is; set the metadata hop limit or give the agent hostNetwork',
      { ...faults, retryInMs },
    );
    await clock.sleep(retryInMs, signal);
  }
}

/** What IMDS says of the ENIs, to save a round trip at the start; nothing when it does not answer. */
export async function hintsFrom(imds: ImdsReader | undefined, signal: AbortSignal): Promise<readonly ImdsInterface[]> {
  if (imds === undefined) return [];
  return imdsInterfaces(imds, signal).catch(() => []);
}

async function askImds({ imds }: IdentityOptions, signal: AbortSignal): Promise<InstanceIdentity> {
  if (imds === undefined) throw new Error('instance metadata is switched off by AWS_EC2_METADATA_DISABLED');
  return imdsIdentity(imds, signal);
}

async function askNode({ kube, nodeName, region }: IdentityOptions, signal: AbortSignal): Promise<InstanceIdentity> {
  if (kube === undefined) throw new Error('no Kubernetes API here');
  const { providerId } = await getNode(kube, nodeName, signal);
  const identity = identityFromProviderId(providerId ?? '', region);
  if (identity === undefined)
    throw new Error(`node ${nodeName} has providerID ${providerId ?? '(none)'}, which names no EC2 instance`);
  return identity;
}
