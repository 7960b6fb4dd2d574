import { release } from 'node:os';
import type { DoctorOptions } from '../../lib/config/options.ts';
import { chooseRegion, identityFromProviderId } from '../../lib/ec2/identity.ts';
import { imdsIdentity } from '../../lib/ec2/imds.ts';
import { ImdsError, imdsEndpoint, imdsReader } from '../../lib/ec2/imds-http.ts';
import { ec2Probe } from '../../lib/ec2/probe.ts';
import { ec2RouteProbe } from '../../lib/ec2/route-probe.ts';
import { createKubeClient, type KubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { getNode } from '../../lib/kube/node.ts';
import type { InstanceIdentity } from '../../lib/model/eni.ts';
import { parseTenantPolicy } from '../../lib/model/tenant-policy.ts';
import { readEntries } from '../../lib/net/entry-folder.ts';
import type { Answer, Evidence, RoutedFound } from '../../lib/plan/doctor/evidence.ts';
import { openEc2 } from '../aws/ec2-access.ts';
import type { ProcessParts } from '../process.ts';
import { VERSION } from '../version.ts';
import { askAgent } from './agent-question.ts';
import { askAws, UNASKED } from './aws-questions.ts';
import { askRoutedFloatingIps } from './floating-ip-questions.ts';
import { askCapabilities, askFolders, askLinks, askNamespaces, askRpFilters } from './host-questions.ts';
import {
  askAccess,
  askImages,
  askNodeEnis,
  askOwnNodeOnly,
  askRivals,
  askVersion,
  askVpcCni,
} from './kube-questions.ts';
import { askPods } from './pod-questions.ts';
import { askRoutes } from './route-questions.ts';

type Cluster = Pick<
  Evidence,
  'apiServer' | 'access' | 'ownNodeOnly' | 'vpcCni' | 'rivals' | 'networks' | 'nodeEnis'
> & {
  readonly images: readonly string[] | undefined;
  readonly declared: Answer<readonly RoutedFound[]>;
};
type Found = Extract<Evidence['identity'], { kind: 'known' }>['value'] & InstanceIdentity;

/** Asks everything that the checks rest on: AWS, the API server, and this host. Changes nothing. */
export async function gather(options: DoctorOptions, parts: ProcessParts, signal: AbortSignal): Promise<Evidence> {
  const environment = options.region ? { ...parts.environment, AWS_REGION: options.region } : parts.environment;
  const kube = await openKube(options, parts);
  const cluster = kube.kind === 'known' ? await askCluster(kube.value, options.nodeName, signal) : unreachable(kube);
  const { images, declared, ...ofCluster } = cluster;
  const { identity, imdsStatus } = await askIdentity(options.nodeName, environment, kube, signal);
  const found = identity.kind === 'known' ? identity.value : undefined;
  const aws = found ? await askEc2(found, { ...parts, environment }, { ...options, declared }, signal) : UNASKED;
  const folders = [
    { path: options.netnsDir, option: 'netns-dir' },
    ...options.cniCacheDirs.map((path) => ({ path, option: 'cni-cache-dir' })),
  ];
  if (kube.kind === 'known') await kube.value.client.close();
  return {
    clusterName: options.clusterName,
    observe: options.observe,
    allowPrimary: options.allowPrimary,
    imdsStatus,
    identity,
    links: await askLinks(signal),
    rpFilters: await askRpFilters(),
    versions: { agent: VERSION, node: process.version, kernel: release(), images },
    region: chooseRegion({ environment, identity: found }),
    folders: await askFolders(folders),
    namespaces: await askNamespaces(options.netnsDir),
    capabilities: await askCapabilities(),
    agent: await askAgent(options.httpAddress, options.nodeName, signal),
    tenants: await askTenants(options.tenantPolicyDir, options.tenantPolicy === 'required'),
    ...aws,
    ...ofCluster,
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

/** The API server, and the namespace of the agent's Leases. */
interface Reached {
  readonly client: KubeClient;
  readonly namespace: string;
}

async function askEc2(
  identity: Found,
  parts: ProcessParts,
  { routeTableTag: defaultTag, declared }: Pick<DoctorOptions, 'routeTableTag'> & Pick<Cluster, 'declared'>,
  signal: AbortSignal,
) {
  const { connection, addresses, routes } = openEc2(identity, () => [], parts);
  const { openServiceQuotas } = await import('../../lib/ec2/service-quotas.ts');
  const quota = openServiceQuotas({ region: identity.region, version: VERSION });
  try {
    const { instanceId } = identity;
    const aws = await askAws({ addresses, probe: ec2Probe(connection.client), instanceId, quota }, signal);
    const questions = { routes, probe: ec2RouteProbe(connection.client), declared, defaultTag, enis: aws.enis };
    return { ...aws, routes: await askRoutes(questions, signal) };
  } finally {
    connection.client.destroy();
  }
}

async function openKube(options: DoctorOptions, { clock, environment }: ProcessParts): Promise<Answer<Reached>> {
  try {
    const connection = await loadConnection({ kubeconfig: options.kubeconfig, env: environment });
    const namespace = options.leaseNamespace ?? connection.namespace ?? 'default';
    return { kind: 'known', value: { client: createKubeClient({ connection, clock }), namespace } };
  } catch (error) {
    return { kind: 'failed', message: textOf(error) };
  }
}

async function askCluster({ client, namespace }: Reached, nodeName: string, signal: AbortSignal): Promise<Cluster> {
  const apiServer = await askVersion(client, signal);
  if (apiServer.kind === 'failed') return unreachable(apiServer);
  const [access, ownNodeOnly, vpcCni, rivals, ofPods, routed, nodeEnis, images] = await Promise.all([
    askAccess(client, namespace, signal),
    askOwnNodeOnly(client, nodeName, signal),
    askVpcCni(client, signal),
    askRivals(client, signal),
    askPods(client, nodeName, signal),
    askRoutedFloatingIps(client, nodeName, signal),
    askNodeEnis(client, nodeName, signal),
    askImages(client, signal),
  ]);
  const { networks, declared } = ofPods;
  return {
    apiServer,
    access,
    ownNodeOnly,
    vpcCni,
    rivals,
    networks,
    nodeEnis,
    images,
    declared: both(declared, routed),
  };
}

function both<T>(one: Answer<readonly T[]>, other: Answer<readonly T[]>): Answer<readonly T[]> {
  if (one.kind !== 'known' || other.kind !== 'known') return one.kind === 'known' ? other : one;
  return { kind: 'known', value: [...one.value, ...other.value] };
}

function unreachable(apiServer: Exclude<Answer<unknown>, { kind: 'known' }>): Cluster {
  const skipped = { kind: 'skipped', message: 'the API server does not answer' } as const;
  return {
    apiServer,
    access: skipped,
    ownNodeOnly: skipped,
    vpcCni: skipped,
    rivals: skipped,
    networks: skipped,
    nodeEnis: skipped,
    images: undefined,
    declared: skipped,
  };
}

/** From IMDS, else from the Node; unlike the agent, `doctor` does not wait until one of them answers. */
async function askIdentity(
  nodeName: string,
  environment: NodeJS.ProcessEnv,
  kube: Answer<Reached>,
  signal: AbortSignal,
): Promise<{ readonly identity: Answer<Found>; readonly imdsStatus: number | undefined }> {
  const faults: string[] = [];
  let imdsStatus: number | undefined;
  const failed = () => ({ identity: { kind: 'failed' as const, message: faults.join('; ') }, imdsStatus });
  const endpoint = imdsEndpoint(environment);
  if (endpoint === undefined) faults.push('instance metadata is switched off by AWS_EC2_METADATA_DISABLED');
  else {
    try {
      const read = imdsReader({ endpoint, allowV1: false, now: () => performance.now() });
      const value = { ...(await imdsIdentity(read, signal)), source: 'imds' as const };
      return { identity: { kind: 'known', value }, imdsStatus };
    } catch (error) {
      if (error instanceof ImdsError) imdsStatus = error.status;
      faults.push(textOf(error));
    }
  }
  if (kube.kind !== 'known') return failed();
  try {
    const { providerId } = await getNode(kube.value.client, nodeName, signal);
    const identity = identityFromProviderId(providerId ?? '', environment['AWS_REGION']);
    if (identity) return { identity: { kind: 'known', value: { ...identity, source: 'node' } }, imdsStatus };
    faults.push(`node ${nodeName} has providerID ${providerId ?? '(none)'}, which names no EC2 instance`);
  } catch (error) {
    faults.push(textOf(error));
  }
  return failed();
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
