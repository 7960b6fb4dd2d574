import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { REPOSITORY, type RealNodes } from './rig.ts';

/** Where EC2 is, for programs of ours that run inside pods. */
const EC2_ENDPOINT = { name: 'AWS_ENDPOINT_URL_EC2', value: 'http://10.10.12.1:4566' };

interface Container {
  readonly image: string;
  readonly command?: readonly string[];
  readonly env?: readonly object[];
}

interface Sample {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: { readonly template?: { readonly spec: PodSpec } };
}

interface PodSpec {
  readonly containers: readonly Container[];
  readonly initContainers?: readonly Container[];
}

/**
 * The objects of a file in samples/, as its README says to change them: the image, the subnet of the service address. Web servers are
 * busybox here, and pods that only wait are the nodes' own pause image, because the nodes have no registry.
 */
export function sample(file: string, replace: Readonly<Record<string, string>> = {}): Sample[] {
  const text = Object.entries(replace).reduce(
    (changed, [from, to]) => changed.replaceAll(from, to),
    readFileSync(join(REPOSITORY, 'samples', file), 'utf8'),
  );
  return parseAllDocuments(text).map((document) => adapted(document.toJS() as Sample));
}

function adapted(object: Sample): Sample {
  const template = object.spec?.template;
  if (template === undefined) return object;
  const { containers, initContainers = [] } = template.spec;
  const spec = {
    ...template.spec,
    // sleep does not end at SIGTERM, and no client is waited for; programs of ours have something to do, for about a second.
    terminationGracePeriodSeconds: isOurs([...containers, ...initContainers]) ? 10 : 1,
    containers: containers.map(ours),
    initContainers: initContainers.map(ours),
  };
  return { ...object, spec: { ...object.spec, template: { ...template, spec } } };
}

function isOurs(containers: readonly Container[]): boolean {
  return containers.some(({ image }) => image.startsWith('eni-agent'));
}

function ours(container: Container): Container {
  const [name] = container.image.split(':');
  if (name === 'registry.k8s.io/pause') return { ...container, image: 'localhost/pause:1' };
  if (name === 'nginx') return { ...container, image: 'busybox:1.36', command: ['httpd', '-f', '-p', '80'] };
  if (name !== 'eni-agent') return container;
  return { ...container, image: 'eni-agent:0.1.0', env: [...(container.env ?? []), EC2_ENDPOINT] };
}

/** What the comments in the samples say to prepare: Elastic IPs and route tables with their tags, own pools, labels of nodes. */
export async function prepare({ cloud: { cloud, vpcId }, cluster, scripts }: RealNodes): Promise<void> {
  cloud.addRouteTable({ vpcId, main: true, tags: { 'eni-agent.io/routed-ips': '' } });
  cloud.addPool({ id: 'ipv4pool-ec2-0123456789abcdef0', cidr: '203.0.113.0/28' });
  cloud.addPool({ id: 'ipv4pool-ec2-0fedcba9876543210', cidr: '198.51.100.0/29' });
  prepared(cloud, 'media-pool', '');
  prepared(cloud, 'media-pool', '');
  prepared(cloud, 'pec-ip-pool', 'nginx-demo-ns/app-nginx-fixed-0');
  prepared(cloud, 'pec-ip-pool', 'nginx-demo-ns/app-nginx-fixed-1');
  const names = scripts.world.nodes.map(({ name }) => name);
  await cluster.kubectl('label', '--overwrite', 'node', ...names, 'node-role/ingress=true');
  await cluster.kubectl('label', 'node', names[0] ?? '', 'role=egress', 'eip.materialize.cloud/manage=true');
  // The scheduler goes by the label alone. In EC2 both instances stay in one zone: they have ENIs in the same subnets.
  const zoned = names.map((name, index) => ['node', name, `topology.kubernetes.io/zone=us-east-1${'ab'[index]}`]);
  await Promise.all(zoned.map((words) => cluster.kubectl('label', '--overwrite', ...words)));
}

function prepared(cloud: RealNodes['cloud']['cloud'], key: string, value: string): void {
  const specification = { resourceType: 'elastic-ip', tags: [{ key, value }] };
  cloud.allocateAddress({ domain: 'vpc', tagSpecifications: [specification] });
}
