import type { ImdsReader } from '../../lib/ec2/imds-http.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import type { ProcessParts } from '../process.ts';
import { type Ec2Access, openEc2 } from './ec2-access.ts';
import { hintsFrom, resolveIdentity } from './identity.ts';

export interface OwnInstanceParts {
  readonly process: Pick<ProcessParts, 'clock' | 'random' | 'log' | 'metrics' | 'environment'>;
  /** Also version 1 of the metadata service. @default false */
  readonly allowImdsV1?: boolean;
  /** Where the Node's providerID may be asked, too. */
  readonly node?: { readonly kube: KubeClient; readonly nodeName: string };
  /** Called after each vain try with what is waited for, and why. */
  readonly onWaiting?: (reason: string) => void;
}

/** The instance that this process runs on, and the way to EC2 from there. */
export interface OwnInstance {
  readonly identity: InstanceIdentity;
  readonly imds: ImdsReader | undefined;
  readonly ec2: Ec2Access;
}

/** Finds out which instance this is, however long that takes, and opens EC2 for it. @throws the signal's reason when it aborts first. */
export async function openOwnInstance(parts: OwnInstanceParts, signal: AbortSignal): Promise<OwnInstance> {
  const { process, allowImdsV1: allowV1 = false, node, onWaiting } = parts;
  const { environment } = process;
  const endpoint = imdsEndpoint(environment);
  const imds = endpoint === undefined ? undefined : imdsReader({ endpoint, allowV1, now: () => performance.now() });
  const who = { process, imds, kube: node?.kube, nodeName: node?.nodeName ?? '', region: environment['AWS_REGION'] };
  const [identity, interfaces] = await Promise.all([
    resolveIdentity({ ...who, ...(onWaiting && { onWaiting }) }, signal),
    hintsFrom(imds, signal),
  ]);
  return { identity, imds, ec2: openEc2(identity, () => interfaces, process) };
}
