import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DoctorView } from '../../agent/doctor/render.ts';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { unthrottled } from '../../sim/ec2/throttle.ts';
import { pace } from '../../sim/host/cni-pace.ts';
import type { HostNode, HostPod, HostWorld } from '../../sim/host/host-world.ts';
import { startImds } from '../../sim/imds/server.ts';
import { FakeKubelet } from '../../sim/kube/kubelet.ts';
import { startKubeApi } from '../../sim/kube/server.ts';
import { SpawnedAgent, until } from './agent-process.ts';
import { type DoorState, openDoor } from './door.ts';
import { PATIENCE_MS } from './patience.ts';

const NODE = 'lone';
const SUBNET = '10.81.1';
/** Of the whole process: links of different rigs share the machine. */
let serial = 0;

/** How the services are when the agent starts. */
export interface LoneNodeOptions {
  readonly ec2?: DoorState;
  readonly imds?: DoorState;
  /** Where EC2's simulator listens. @default 127.0.0.1 */
  readonly ec2Host?: string;
}

interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** Words before the program, such as `nsenter …`. */
  readonly through?: readonly string[];
}

export type LoneNode = Awaited<ReturnType<typeof openLoneNode>>;

/**
 * One node of which something is missing: simulated EC2, metadata and API server, a machine, and the real program. The Node object names no
 * instance, so that only the metadata can.
 */
export async function openLoneNode(host: HostWorld, options: LoneNodeOptions = {}) {
  serial += 1;
  const number = serial;
  const folder = mkdtempSync(join(tmpdir(), 'eni-agent-lone-'));
  const cloud = new Cloud();
  const vpc = cloud.addVpc({ cidr: '10.81.0.0/16' });
  const primary = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.81.0.0/24' });
  const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: `${SUBNET}.0/24` });
  const [here, there] = [1, 2].map(() => cloud.addInstance({ type: 'm5.large', subnetId: primary.id }).instance);
  const eni = cloud.addInterface({ subnetId: subnet.id, instanceId: here?.id ?? '' });
  const otherNode = cloud.addInterface({ subnetId: subnet.id, instanceId: there?.id ?? '' });
  const ec2 = await startEc2Server({
    cloud,
    throttle: unthrottled,
    ...(options.ec2Host && { host: options.ec2Host }),
  });
  const imds = await startImds({ cloud, instanceId: here?.id ?? '' });
  const doors = {
    ec2: await openDoor(ec2.url.replace('0.0.0.0', '127.0.0.1'), options.ec2 ?? 'open'),
    imds: await openDoor(imds.url, options.imds ?? 'open'),
  };
  const kube = await startKubeApi();
  const kubelet = new FakeKubelet(kube);
  kubelet.createNode({ name: NODE });
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, kube.kubeconfig());
  const link = `ln${process.pid.toString(36)}x${number.toString(36)}`;
  const node = await host.createNode(`${NODE}-${number}`, [{ name: link, mac: eni.mac }]);
  const agents: SpawnedAgent[] = [];

  const onNode = [`--node-name=${NODE}`, `--netns-dir=${node.netnsDir}`, `--cni-cache-dir=${node.cacheDir}`];
  const listening = '--http-address=127.0.0.1:0';
  const flagsOf = {
    node: [...onNode, `--state-dir=${join(folder, 'state')}`, listening],
    controller: ['--cluster-name=lone', '--lease-namespace=default', listening],
    doctor: onNode,
  };

  /** Starts a command of the program with what a node's environment has; flags and variables given here come last. */
  function start(
    command: 'node' | 'controller' | 'doctor',
    flags: readonly string[] = [],
    { environment = {}, through }: StartOptions = {},
  ): SpawnedAgent {
    const argv = [command, ...flagsOf[command], `--kubeconfig=${kubeconfig}`, ...flags];
    const agent = new SpawnedAgent(argv, {
      ...(through && { through }),
      environment: {
        ...host.environment,
        AWS_ENDPOINT_URL_EC2: doors.ec2.url,
        AWS_ENDPOINT_URL_SERVICE_QUOTAS: doors.ec2.url,
        AWS_EC2_METADATA_SERVICE_ENDPOINT: doors.imds.url,
        AWS_ACCESS_KEY_ID: 'lone',
        AWS_SECRET_ACCESS_KEY: 'lone',
        ...environment,
      },
    });
    agents.push(agent);
    return agent;
  }

  /** What `eni-agent doctor` finds beside an agent: `VERDICT FINDING` by the name of the check. */
  async function doctor(agent: SpawnedAgent, options: StartOptions = {}): Promise<Readonly<Record<string, string>>> {
    const { host: listens } = new URL(agent.url ?? '');
    const asked = start('doctor', [`--http-address=${listens}`, '--output=json'], options);
    await asked.ended;
    const text = asked.output.slice(asked.output.indexOf('{')).join('\n');
    const { checks } = JSON.parse(text) as DoctorView;
    return Object.fromEntries(checks.map(({ name, verdict, finding }) => [name, `${verdict} ${finding}`]));
  }

  /** CNI ADD as the node does it, then Multus' annotation. */
  async function startPod(name: string, address: string, at: HostNode = node): Promise<HostPod> {
    const created = kubelet.createPod({ name, node: NODE });
    return startSandbox(name, created.metadata.uid, address, at);
  }

  /** A sandbox for a pod that exists already, as after a reboot. */
  async function startSandbox(name: string, uid: string, address: string, at: HostNode = node): Promise<HostPod> {
    const networks = [{ ifName: 'net1', master: link, ips: [`${address}/24`] }];
    const pod = await host.createPod(at, { namespace: 'default', name, uid, networks });
    await pace('cache to status');
    announce(name, address, pod.interfaces.find(({ ifName }) => ifName === 'net1')?.mac ?? eni.mac);
    return pod;
  }

  function announce(name: string, address: string, mac: string): void {
    kubelet.setNetworkStatus(name, [
      { name: 'aws-cni', interface: 'eth0', ips: ['100.64.0.9'], default: true },
      { name: 'default/red', interface: 'net1', ips: [address], mac },
    ]);
    kubelet.run(name, '100.64.0.9');
  }

  function holderOf(address: string): string | undefined {
    const all = cloud.state.allInterfaces(cloud.state.now());
    return all.find(({ addresses }) => addresses.some(({ ip }) => ip === address))?.id;
  }

  async function close(): Promise<void> {
    await Promise.all(agents.map((agent) => agent.end('SIGKILL')));
    await Promise.all([doors.ec2[Symbol.asyncDispose](), doors.imds[Symbol.asyncDispose]()]);
    await Promise.all([ec2.close(), imds.close(), kube.close()]);
    rmSync(folder, { recursive: true, force: true });
  }

  return {
    name: NODE,
    folder,
    cloud,
    ec2,
    imds,
    kube,
    kubelet,
    doors,
    host: node,
    link,
    eni,
    otherNode,
    start,
    doctor,
    startPod,
    startSandbox,
    announce,
    holderOf,
    addressNumber: (last: number) => `${SUBNET}.${last}`,
    assigned: (address: string, timeoutMs = PATIENCE_MS) =>
      until(`${address} on the ENI`, () => holderOf(address) === eni.id, timeoutMs),
    close,
  };
}

/** An answer of a probe, with what stands in it as text. */
export interface ProbeAnswer {
  readonly status: number;
  readonly reasons: string;
  readonly notes: string;
}

/** What the kubelet would be reported; undefined while nothing listens. */
export async function probe(agent: SpawnedAgent, path: '/healthz' | '/readyz'): Promise<ProbeAnswer | undefined> {
  if (agent.url === undefined) return undefined;
  const reply = await fetch(`${agent.url}${path}`).catch(() => undefined);
  if (reply === undefined) return undefined;
  const { reasons = [], notes = [] } = (await reply.json()) as { reasons?: string[]; notes?: string[] };
  return { status: reply.status, reasons: reasons.join('\n'), notes: notes.join('\n') };
}

/** Waits until a probe says what it must. @throws with its last answer and the log's end. */
export async function untilReadyz(
  agent: SpawnedAgent,
  accepts: (answer: ProbeAnswer) => boolean,
  timeoutMs = PATIENCE_MS,
): Promise<ProbeAnswer> {
  let last: ProbeAnswer | undefined;
  const accepted = async () => {
    last = await probe(agent, '/readyz');
    return last !== undefined && accepts(last);
  };
  await until('/readyz', accepted, timeoutMs).catch((error: Error) => {
    throw new Error(`${error.message}; it says ${JSON.stringify(last)}\n${agent.output.slice(-10).join('\n')}`);
  });
  return last as ProbeAnswer;
}
