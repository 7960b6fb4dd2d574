import type { DoctorOptions } from '../../lib/config/options.ts';
import { chooseRegion, identityFromProviderId } from '../../lib/ec2/identity.ts';
import { imdsIdentity } from '../../lib/ec2/imds.ts';
import { imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import { ec2Probe } from '../../lib/ec2/probe.ts';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { getNode } from '../../lib/kube/node.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import { parseTenantPolicy } from '../../lib/model/tenant-policy.ts';
import { readEntries } from '../../lib/net/entry-folder.ts';
import { diagnose, renderChecks } from '../../lib/plan/doctor/diagnose.ts';
import type { Answer, Evidence } from '../../lib/plan/doctor/evidence.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import { askAws, UNASKED } from '../doctor/aws-questions.ts';
import { askCapabilities, askFolders, askNamespaces } from '../doctor/host-questions.ts';
import { askAccess, askOwnNodeOnly, askRivals, askVersion, askVpcCni } from '../doctor/kube-questions.ts';
import { openProcess, type ProcessParts } from '../process.ts';

/** How long all questions together may take, ms. */
const PATIENCE_MS = 60_000;

type Cluster = Pick<Evidence, 'apiServer' | 'access' | 'ownNodeOnly' | 'vpcCni' | 'rivals'>;
type Found = Extract<Evidence['identity'], { kind: 'known' }>['value'] & InstanceIdentity;

/** `eni-agent doctor`: checks what the node agent needs, says how to fix what is missing, changes nothing. 1 when a check failed. */
export async function runDoctor(options: DoctorOptions, stop: AbortSignal): Promise<number> {
  const parts = openProcess('doctor', { ...options, logLevel: 'error', logFormat: 'pretty' }, {});
  const signal = AbortSignal.any([stop, AbortSignal.timeout(PATIENCE_MS)]);
  const evidence = await gather(options, parts, signal);
  const checks = diagnose(evidence);
  process.stdout.write(renderChecks(checks));
  return checks.some(({ verdict }) => verdict === 'fail') ? 1 : 0;
}

async function gather(options: DoctorOptions, parts: ProcessParts, signal: AbortSignal): Promise<Evidence> {
  const environment = options.region ? { ...parts.environment, AWS_REGION: options.region } : parts.environment;
  const kube = await openKube(options, parts);
  const cluster = kube.kind === 'known' ? await askCluster(kube.value, options.nodeName, signal) : unreachable(kube);
  const identity = await askIdentity(options.nodeName, environment, kube, signal);
  const found = identity.kind === 'known' ? identity.value : undefined;
  const aws = found ? await askEc2(found, { ...parts, environment }, signal) : UNASKED;
  const folders = [
    { path: options.netnsDir, option: 'netns-dir' },
    ...options.cniCacheDirs.map((path) => ({ path, option: 'cni-cache-dir' })),
  ];
  if (kube.kind === 'known') await kube.value.close();
  return {
    clusterName: options.clusterName,
    identity,
    region: chooseRegion({ environment, identity: found }),
    folders: await askFolders(folders),
    namespaces: await askNamespaces(options.netnsDir),
    capabilities: await askCapabilities(),
    tenants: await askTenants(options.tenantPolicyDir, options.tenantPolicy === 'required'),
    ...aws,
    ...cluster,
  };
}

/** As the agent reads it. */
async function askTenants(folder: string, required: boolean): Promise<Evidence['tenants']> {
  try {
    const { policy, faults } = parseTenantPolicy(await readEntries(folder));
    const { floatingIps, elasticIps } = policy.others;
    const others =
      floatingIps.any || floatingIps.addresses.length + floatingIps.networks.length + elasticIps.length > 0;
    return {
      kind: 'known',
      value: { closed: policy.closed || required, faults, namespaces: [...policy.namespaces.keys()], others },
    };
  } catch (error) {
    return { kind: 'failed', message: textOf(error) };
  }
}

async function askEc2(identity: Found, parts: ProcessParts, signal: AbortSignal) {
  const { connection, addresses } = openEc2(identity, () => [], parts);
  try {
    return await askAws({ addresses, probe: ec2Probe(connection.client), instanceId: identity.instanceId }, signal);
  } finally {
    connection.client.destroy();
  }
}

async function openKube(options: DoctorOptions, { clock, environment }: ProcessParts): Promise<Answer<KubeClient>> {
  try {
    const connection = await loadConnection({ kubeconfig: options.kubeconfig, env: environment });
    return { kind: 'known', value: createKubeClient({ connection, clock }) };
  } catch (error) {
    return { kind: 'failed', message: textOf(error) };
  }
}

async function askCluster(client: KubeClient, nodeName: string, signal: AbortSignal): Promise<Cluster> {
  const apiServer = await askVersion(client, signal);
  if (apiServer.kind === 'failed') return unreachable(apiServer);
  const [access, ownNodeOnly, vpcCni, rivals] = await Promise.all([
    askAccess(client, signal),
    askOwnNodeOnly(client, nodeName, signal),
    askVpcCni(client, signal),
    askRivals(client, signal),
  ]);
  return { apiServer, access, ownNodeOnly, vpcCni, rivals };
}

function unreachable(apiServer: Exclude<Answer<unknown>, { kind: 'known' }>): Cluster {
  const skipped = { kind: 'skipped', message: 'the API server does not answer' } as const;
  return { apiServer, access: skipped, ownNodeOnly: skipped, vpcCni: skipped, rivals: skipped };
}

/** From IMDS, else from the Node; unlike the agent, `doctor` does not wait until one of them answers. */
async function askIdentity(
  nodeName: string,
  environment: NodeJS.ProcessEnv,
  kube: Answer<KubeClient>,
  signal: AbortSignal,
): Promise<Answer<Found>> {
  const faults: string[] = [];
  const endpoint = imdsEndpoint(environment);
  if (endpoint === undefined) faults.push('instance metadata is switched off by AWS_EC2_METADATA_DISABLED');
  else {
    try {
      const read = imdsReader({ endpoint, allowV1: false, now: () => performance.now() });
      return { kind: 'known', value: { ...(await imdsIdentity(read, signal)), source: 'imds' } };
    } catch (error) {
      faults.push(textOf(error));
    }
  }
  if (kube.kind !== 'known') return { kind: 'failed', message: faults.join('; ') };
  try {
    const { providerId } = await getNode(kube.value, nodeName, signal);
    const identity = identityFromProviderId(providerId ?? '', environment['AWS_REGION']);
    if (identity) return { kind: 'known', value: { ...identity, source: 'node' } };
    faults.push(`node ${nodeName} has providerID ${providerId ?? '(none)'}, which names no EC2 instance`);
  } catch (error) {
    faults.push(textOf(error));
  }
  return { kind: 'failed', message: faults.join('; ') };
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
