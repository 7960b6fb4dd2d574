import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { oneCallPerEni } from '../../../agent/aws/eni-writer.ts';
import type { ProcessParts } from '../../../agent/process.ts';
import { ec2Addresses } from '../../../lib/ec2/addresses.ts';
import type { Ec2Connection } from '../../../lib/ec2/calls.ts';
import { type Ec2Client, openEc2Client } from '../../../lib/ec2/client.ts';
import { ec2ElasticIps } from '../../../lib/ec2/elastic-ips.ts';
import { ec2Interfaces } from '../../../lib/ec2/interfaces.ts';
import { ec2Networks } from '../../../lib/ec2/networks.ts';
import { ec2RouteTables } from '../../../lib/ec2/route-tables.ts';
import type { Query } from '../../../lib/kube/client.ts';
import { cidr, type IpAddress } from '../../../lib/model/ip.ts';
import type { LogFields, Logger } from '../../../lib/runtime/logger.ts';
import { noMetrics } from '../../../lib/runtime/metrics.ts';
import { Cloud } from '../../../sim/ec2/cloud.ts';
import { Ec2Endpoint } from '../../../sim/ec2/endpoint.ts';
import { FaultScript } from '../../../sim/ec2/faults.ts';
import { Throttle, unthrottled } from '../../../sim/ec2/throttle.ts';
import { FakeKubelet } from '../../../sim/kube/kubelet.ts';
import type { KubeObject } from '../../../sim/kube/object.ts';
import type { Resource } from '../../../sim/kube/resource.ts';
import { openKubeState } from '../../../sim/kube/server.ts';
import { seededRandom, VirtualClock } from '../virtual-clock.ts';
import { type CallFault, Ec2Transport, type WorldCall } from './ec2-transport.ts';
import { worldKubeClient } from './kube-client.ts';
import { VirtualProcess } from './process.ts';
import { AGENT_NAMESPACE, SUBNET, SUBNET_B, type WorldProcess } from './surroundings.ts';
import { WorldNode } from './world-node.ts';

/** What instance metadata says of the subnets; they answer whatever EC2 does. */
const HINTS = [SUBNET, SUBNET_B].map(({ id, cidr: ipv4, ipv6Cidr }) => ({
  subnetId: id,
  cidrs: [cidr(ipv4), cidr(ipv6Cidr)],
}));

interface NodeShape {
  readonly multus?: number;
  readonly type?: string;
  readonly zone?: 'a' | 'b';
}

/**
 * An account of EC2, an API server and nodes in one process on virtual time. The agents in it use the real adapters: requests and
 * XML of the AWS SDK, reflectors and patches of the Kubernetes adapter; only sockets are left out.
 */
export class World {
  readonly clock = new VirtualClock();
  readonly cloud: Cloud;
  readonly endpoint: Ec2Endpoint;
  readonly kubeState: ReturnType<typeof openKubeState>;
  readonly kubelet: FakeKubelet;
  readonly calls: WorldCall[] = [];
  /** What the API server was asked; watches have no method. */
  readonly requests: {
    readonly process: string;
    readonly method: string | undefined;
    readonly path: string;
    readonly query: Query;
  }[] = [];
  readonly logs: {
    readonly at: number;
    readonly process: string;
    readonly level: string;
    readonly message: string;
    readonly fields: LogFields;
  }[] = [];
  readonly nodes: WorldNode[] = [];
  latencyMs = 50;
  /** Asked for each call to EC2 as it arrives. */
  faults: (call: WorldCall) => CallFault | undefined = () => undefined;
  /** Told when a process has been killed by a fault; the usual answer is to start it again after a while. */
  onKilled: (process: VirtualProcess) => void = () => undefined;
  /** Sees each call right before EC2 acts on it. */
  beforeAct: (call: WorldCall) => void = () => undefined;
  /** Processes that cannot reach the API server now. */
  readonly partitioned = new Set<string>();
  readonly folder = mkdtempSync(join(tmpdir(), 'world-'));
  readonly #processes: VirtualProcess[] = [];
  #serial = 0;

  /** `throttled`: EC2 has its documented token buckets (FACTS §1.10). */
  constructor(seed = 1, { throttled = false }: { readonly throttled?: boolean } = {}) {
    const now = () => this.clock.now();
    this.#serial = seed * 1000;
    this.cloud = new Cloud({ now, knobs: { elasticIpQuota: 50 } });
    this.cloud.addVpc({ id: 'vpc-1', cidr: '10.0.0.0/16', ipv6Cidr: '2001:db8::/56' });
    this.cloud.addSubnet({ ...SUBNET, vpcId: 'vpc-1' });
    this.cloud.addPool({ id: 'ipv4pool-ec2-1', cidr: '203.0.113.0/28' });
    const throttle = throttled ? new Throttle({ now }) : unthrottled;
    this.endpoint = new Ec2Endpoint({ cloud: this.cloud, throttle, faults: new FaultScript() });
    let uids = 0;
    this.kubeState = openKubeState({
      now,
      newUid: () => `uid-${++uids}`,
      random: seededRandom(7),
      garbageCollection: true,
    });
    this.kubelet = new FakeKubelet(this.kubeState);
    this.kubelet.createNamespace(AGENT_NAMESPACE);
  }

  readonly node = (name: string): WorldNode => {
    const found = this.nodes.find((node) => node.name === name);
    if (found === undefined) throw new Error(`no node ${name}`);
    return found;
  };

  /** A node with its primary ENI (the VPC CNI's) and `multus` ENIs more, attached as eth1, eth2 …, tagged `no_manage` (FACTS §13). */
  addNode(name: string, { multus = 1, type = 'm5.24xlarge', zone = 'a' }: NodeShape = {}): WorldNode {
    const subnet = zone === 'a' ? SUBNET : SUBNET_B;
    if (this.cloud.state.subnets.get(subnet.id) === undefined) this.cloud.addSubnet({ ...subnet, vpcId: 'vpc-1' });
    const node = new WorldNode(this, name, { multus, type, subnet });
    this.nodes.push(node);
    return node;
  }

  /** A new process with adapters of its own. */
  spawn(name: string): WorldProcess {
    const process = new VirtualProcess(name, this.clock);
    this.#processes.push(process);
    const random = seededRandom(++this.#serial);
    const log = this.#logger(name);
    const parts = {
      clock: process,
      random,
      log,
      metrics: { ...noMetrics, render: () => Promise.resolve({ contentType: '', body: '' }) },
      environment: {},
    } as unknown as ProcessParts;
    const kube = worldKubeClient(this.kubeState, process, {
      latencyMs: 2,
      reachable: () => !this.partitioned.has(name),
      onRequest: ({ path, query = {}, ...rest }) =>
        void this.requests.push({ process: name, method: 'method' in rest ? rest.method : undefined, path, query }),
    });
    const connection: Ec2Connection = {
      client: this.#ec2Client(process),
      now: () => this.clock.now(),
      onCall: () => undefined,
    };
    const onWarning = (message: string, detail: LogFields) => log.warn(message, detail);
    return {
      process,
      parts,
      kube,
      ec2: {
        addresses: oneCallPerEni(ec2Addresses({ connection, onWarning, subnetHints: () => HINTS })),
        elasticIps: ec2ElasticIps(connection),
        interfaces: ec2Interfaces(connection),
        networks: ec2Networks(connection),
        routes: ec2RouteTables(connection),
      },
    };
  }

  /** Calls that change something. */
  writes(): WorldCall[] {
    return this.calls.filter(({ action }) => !action.startsWith('Describe'));
  }

  /** The ENI that has an address now, beyond all lag. */
  holderOf(address: string): string | undefined {
    const { state } = this.cloud;
    return state.holderOf(SUBNET.id, address as IpAddress) ?? state.holderOf(SUBNET_B.id, address as IpAddress);
  }

  /** The Elastic IPs of the account as they are now, beyond all lag. */
  elasticIps() {
    const { knobs } = this.cloud;
    const { describeLagMs } = knobs;
    knobs.describeLagMs = 0;
    const { addressesSet } = this.cloud.describeAddresses();
    knobs.describeLagMs = describeLagMs;
    return addressesSet;
  }

  /** What the API server serves under this plural name; custom resources by their group and version, too. */
  resource(plural: string, apiVersion?: string): Resource {
    const { registry } = this.kubeState;
    const found =
      apiVersion === undefined
        ? registry.all().find((each) => each.plural === plural)
        : registry.find(apiVersion, plural);
    if (found === undefined) throw new Error(`no resource ${plural} ${apiVersion ?? ''}`);
    return found;
  }

  /** All objects of a resource, as they are now. */
  objects(plural: string, apiVersion?: string): KubeObject[] {
    return this.kubeState.store.list(this.resource(plural, apiVersion).storage);
  }

  events(reason?: string): KubeObject[] {
    return this.objects('events').filter((event) => reason === undefined || event['reason'] === reason);
  }

  /** A copy of a folder as it is at this instant. */
  copyOf(folder: string): string {
    const copy = join(this.folder, `state-${++this.#serial}`);
    cpSync(folder, copy, { recursive: true, force: true });
    return copy;
  }

  close(): void {
    for (const node of this.nodes) node.abandon();
    for (const process of this.#processes) process.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #ec2Client(process: VirtualProcess): Ec2Client {
    const transport = new Ec2Transport(
      {
        clock: process,
        endpoint: this.endpoint,
        latencyMs: () => this.latencyMs,
        fault: (call) => this.faults(call),
        kill: (victim) => {
          victim.kill();
          this.onKilled(victim);
        },
        onCall: (call) => void this.calls.push(call),
        beforeAct: (call) => this.beforeAct(call),
      },
      process,
    );
    return openEc2Client({ region: 'us-east-1', version: '0.0.0', requestHandler: transport });
  }

  #logger(process: string): Logger {
    const at =
      (level: string) =>
      (message: string, fields: LogFields = {}) =>
        void this.logs.push({ at: this.clock.now(), process, level, message, fields });
    return {
      debug: () => undefined,
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      child: () => this.#logger(process),
    };
  }
}

Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test' });
