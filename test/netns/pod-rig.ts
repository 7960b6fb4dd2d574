import { chmodSync, cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { unthrottled } from '../../sim/ec2/throttle.ts';
import { startImds } from '../../sim/imds/server.ts';
import { SpawnedAgent } from '../support/agent-process.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENTRY = process.env['ENI_AGENT_ENTRY'] ?? join(ROOT, 'agent/main.ts');
const [HOST_IP, POD_IP] = ['198.18.77.1', '198.18.77.2'];

export interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Words between the namespace and the program, e.g. to drop capabilities. */
  readonly through?: readonly string[];
}

export type PodRig = Awaited<ReturnType<typeof openPod>>;

/**
 * A real network namespace in the place of a pod, with a simulated EC2 and metadata service that it reaches by its primary network. Its
 * interfaces net1 and net2 have the MACs of ENIs of the node, like ipvlan children; `otherNode` is an ENI of another one.
 */
export async function openPod() {
  const name = `eni-agent-pod-${process.pid}`;
  const hostEnd = `hp${process.pid.toString(36)}`;
  const app = image();
  const cloud = new Cloud();
  const vpc = cloud.addVpc({ cidr: '10.77.0.0/16', ipv6Cidr: '2001:db8:77::/56' });
  const primary = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.77.0.0/24' });
  const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.77.1.0/24', ipv6Cidr: '2001:db8:77:1::/64' });
  const second = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.77.2.0/24' });
  const [here, there] = [1, 2].map(() => cloud.addInstance({ type: 'm5.large', subnetId: primary.id }).instance);
  const red = cloud.addInterface({ subnetId: subnet.id, instanceId: here?.id ?? '' });
  const blue = cloud.addInterface({ subnetId: second.id, instanceId: here?.id ?? '' });
  const otherNode = cloud.addInterface({ subnetId: subnet.id, instanceId: there?.id ?? '' });
  const ec2 = await startEc2Server({ cloud, throttle: unthrottled, host: '0.0.0.0' });
  const imds = await startImds({ cloud, instanceId: here?.id ?? '', host: '0.0.0.0', tokens: 'optional' });
  const agents: SpawnedAgent[] = [];
  const fromPod = (url: string) => `http://${HOST_IP}:${new URL(url).port}`;
  const inside = async (...words: readonly string[]) =>
    (await execa('nsenter', [`--net=/run/netns/${name}`, 'ip', ...words])).stdout;
  const spawn = (argv: readonly string[], words: readonly string[], environment: Readonly<Record<string, string>>) => {
    const agent = new SpawnedAgent(argv, {
      through: ['nsenter', `--net=/run/netns/${name}`, ...words],
      environment: {
        AWS_REGION: 'us-east-1',
        AWS_ENDPOINT_URL_EC2: fromPod(ec2.url),
        AWS_EC2_METADATA_SERVICE_ENDPOINT: fromPod(imds.url),
        AWS_ACCESS_KEY_ID: 'pod',
        AWS_SECRET_ACCESS_KEY: 'pod',
        POD_NAME: 'web-0',
        POD_NAMESPACE: 'shop',
        ENI_AGENT_POD_STATE_DIR: join(app, 'state'),
        ...environment,
      },
    });
    agents.push(agent);
    return agent;
  };

  await execa('ip', ['netns', 'add', name]);
  await execa('ip', ['link', 'add', hostEnd, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  await execa('ip', ['addr', 'add', `${HOST_IP}/30`, 'dev', hostEnd]);
  await execa('ip', ['link', 'set', hostEnd, 'up']);
  await inside('link', 'set', 'lo', 'up');
  await inside('addr', 'add', `${POD_IP}/30`, 'dev', 'eth0');
  await inside('link', 'set', 'eth0', 'up');
  for (const [net, far, { mac }] of [
    ['net1', 'far', red],
    ['net2', 'far2', blue],
  ] as const) {
    await inside('link', 'add', net, 'address', mac, 'type', 'veth', 'peer', 'name', far);
    for (const end of [net, far]) await inside('link', 'set', end, 'up');
  }

  return {
    cloud,
    ec2,
    vpc,
    red,
    blue,
    otherNode,
    hostIp: HOST_IP,
    /** `ip WORDS` in the pod; returns what it printed. */
    inside,
    /** Starts the program inside the pod's network namespace. */
    start: (argv: readonly string[], { environment = {}, through = [] }: StartOptions = {}) =>
      spawn(argv, through, environment),
    /** Starts what `args: [/bin/sh, -c, '/app/script.sh']` of a manifest starts. */
    startScript: (environment: Readonly<Record<string, string>>) =>
      spawn([], ['/bin/sh', '-c', `exec ${app}/script.sh`], environment),
    async close() {
      await Promise.all(agents.map((agent) => agent.end('SIGKILL')));
      await execa('ip', ['link', 'del', hostEnd]);
      await execa('ip', ['netns', 'del', name]);
      await Promise.all([ec2.close(), imds.close()]);
      rmSync(app, { recursive: true, force: true });
    },
  };
}

/** The image's /app, with the program as its source. */
function image(): string {
  const app = mkdtempSync(join(tmpdir(), 'eni-agent-app-'));
  cpSync(join(ROOT, 'daemonset/image/script.sh'), join(app, 'script.sh'));
  writeFileSync(join(app, 'eni-agent'), `#!/bin/sh\nexec ${process.execPath} ${ENTRY} "$@"\n`);
  for (const file of ['script.sh', 'eni-agent']) chmodSync(join(app, file), 0o755);
  return app;
}
