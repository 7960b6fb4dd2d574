import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';
import { ControllerSources } from '../../../agent/controller/sources.ts';
import { EipObjectReconciler } from '../../../agent/eip-objects/reconciler.ts';
import { EipObjectReporter } from '../../../agent/eip-objects/reporter.ts';
import { resourceOf } from '../../../agent/eip-objects/step-facts.ts';
import { ec2Addresses } from '../../../lib/ec2/addresses.ts';
import type { Ec2Call } from '../../../lib/ec2/calls.ts';
import { openEc2Client } from '../../../lib/ec2/client.ts';
import { ec2ElasticIps } from '../../../lib/ec2/elastic-ips.ts';
import { ec2Interfaces } from '../../../lib/ec2/interfaces.ts';
import { createKubeClient, type KubeClient } from '../../../lib/kube/client.ts';
import type { EventContent, EventTarget } from '../../../lib/kube/events.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';
import type { LogFields, Logger } from '../../../lib/runtime/logger.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { Supervisor } from '../../../lib/runtime/supervisor.ts';
import { Cloud } from '../../../sim/ec2/cloud.ts';
import { startEc2Server } from '../../../sim/ec2/server.ts';
import { FakeKubelet } from '../../../sim/kube/kubelet.ts';
import { startKubeApi } from '../../../sim/kube/server.ts';
import { fastClock } from './fast-clock.ts';
import { runStandInAgent } from './stand-in-agent.ts';

const CRDS = ['eips.materialize.cloud', 'eips.aws.k8s.logmein.com', 'enis.aws.k8s.logmein.com'];

/** An object as it came over the wire; the tests look into it freely. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Wire = any;

export interface ObjectNames {
  readonly kind: 'EIP' | 'Eip' | 'ENI';
  readonly name: string;
}

const COLLECTION = {
  EIP: '/apis/aws.k8s.logmein.com/v1alpha1/namespaces/default/eips',
  ENI: '/apis/aws.k8s.logmein.com/v1alpha1/namespaces/default/enis',
  Eip: '/apis/materialize.cloud/v2/namespaces/default/eips',
} as const;

/** A simulated cluster and account with two nodes, real node-side engines, and controllers that come and go. */
export async function startControllerRig({ speed = 20 }: { readonly speed?: number } = {}) {
  const clock = fastClock(speed);
  const cloud = new Cloud({ now: () => clock.now(), knobs: { elasticIpQuota: 50 } });
  const vpc = cloud.addVpc({ cidr: '10.0.0.0/16' });
  const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.0.0.0/20' });
  const throttle: { action: string | undefined } = { action: undefined };
  const server = await startEc2Server({ cloud, throttle: { admits: (action) => action !== throttle.action } });
  const kubeApi = await startKubeApi({ garbageCollection: true });
  const kubelet = new FakeKubelet(kubeApi);
  const calls: Ec2Call[] = [];
  const client = ec2Client(server.url);
  const connection = { client, now: () => performance.now(), onCall: (call: Ec2Call) => calls.push(call) };
  const ec2 = {
    elasticIps: ec2ElasticIps(connection),
    addresses: ec2Addresses({ connection, onWarning: () => undefined }),
    interfaces: ec2Interfaces(connection),
  };
  const kube = kubeClient(kubeApi.url);
  const all = new AbortController();
  const running: Promise<unknown>[] = [];
  const nodes = ['node-a', 'node-b'].map((name) => {
    const { instance, primary } = cloud.addInstance({ subnetId: subnet.id, type: 'm5.large', tags: { Name: name } });
    const ip = primary.addresses.find((address) => address.primary)?.ip ?? '';
    kubelet.createNode({
      name,
      internalIP: ip,
      providerID: `aws:///us-east-1a/${instance.id}`,
      labels: { 'eip.materialize.cloud/manage': 'true', role: 'egress' },
    });
    return { name, instanceId: instance.id, eni: primary.id, ip };
  });
  const request = <T = Wire>(method: 'GET' | 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> =>
    kube.request<T>({
      method,
      path,
      body,
      ...(method === 'PATCH' && { contentType: 'application/merge-patch+json' as const }),
    });
  for (const name of CRDS) {
    const text = readFileSync(join(import.meta.dirname, '../../../daemonset/crds', `${name}.yaml`), 'utf8');
    await request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', parse(text));
  }
  let pods = 0;
  const rig = {
    clock,
    cloud,
    server,
    kubeApi,
    kubelet,
    nodes,
    calls,
    request,
    ec2,
    /** EC2 is throttling requests whenever this is called. */
    throttle,
    vpc,
    subnet,
    logs: [] as string[],
    events: [] as (EventTarget & EventContent)[],
    startAgents(names: readonly string[] = nodes.map(({ name }) => name)) {
      const stop = new AbortController();
      for (const node of nodes.filter(({ name }) => names.includes(name))) {
        running.push(
          runStandInAgent(
            { kube, clock, ec2, nodeName: node.name, instanceId: node.instanceId },
            AbortSignal.any([all.signal, stop.signal]),
          ).catch(() => undefined),
        );
      }
      return stop;
    },
    /** One term of leadership; abort it to lose the lease, with everything in flight cut off. */
    startController(options: { dryRun?: boolean; mayAct?: () => boolean; defaultTags?: Record<string, string> } = {}) {
      const stop = new AbortController();
      const signal = AbortSignal.any([all.signal, stop.signal]);
      const loops: { engine?: EipObjectReconciler } = {};
      const log = recordingLogger(rig.logs);
      const sources = new ControllerSources(
        { kube, clock, random: Math.random, log, namespaces: [], onChange: () => loops.engine?.wake() },
        signal,
      );
      const reporter = new EipObjectReporter(
        { record: (target, content) => void rig.events.push({ ...target, ...content }) },
        log,
        resourceOf,
      );
      const engine = new EipObjectReconciler(
        {
          clock,
          log,
          kube,
          sources,
          reporter,
          ...ec2,
          random: Math.random,
          rateLimit: new RateLimit({ clock, random: Math.random }),
          context: { clusterName: 'test', defaultTags: options.defaultTags ?? {} },
          resyncMs: 600_000,
          mayAct: options.mayAct ?? (() => !signal.aborted),
          dryRun: options.dryRun ?? false,
        },
        signal,
      );
      loops.engine = engine;
      const supervisor = new Supervisor({ clock, random: Math.random, onFailure: () => undefined }, signal);
      supervisor.keep('definitions', (ending) => sources.followDefinitions(ending));
      supervisor.keep('objects', () => engine.run());
      const ended = supervisor.finished().then(() => sources.ended());
      running.push(ended);
      return {
        stop: async () => {
          stop.abort(new Error('lease lost'));
          await ended;
        },
      };
    },
    /** A pod that runs, with an address that the node's primary ENI carries. */
    startPod(
      name: string,
      node = 'node-a',
      labels: Record<string, string> = { 'eip.materialize.cloud/manage': 'true' },
      annotations: Record<string, string> = {},
    ) {
      pods += 1;
      const address = `10.0.2.${pods}`;
      const { eni } = nodes.find((candidate) => candidate.name === node) ?? { eni: '' };
      cloud.assignPrivateIpAddresses({ networkInterfaceId: eni, privateIpAddresses: [address] });
      const pod = kubelet.createPod({ name, node, labels, annotations });
      kubelet.run(name, address);
      return { name, address, eni, uid: pod.metadata.uid };
    },
    endPod(name: string) {
      kubelet.delete(name);
      kubelet.confirmDeletion(name);
    },
    create: ({ kind, name }: ObjectNames, spec: object, metadata: object = {}) =>
      request('POST', COLLECTION[kind], {
        apiVersion: kind === 'Eip' ? 'materialize.cloud/v2' : 'aws.k8s.logmein.com/v1alpha1',
        kind,
        metadata: { name, ...metadata },
        spec,
      }),
    get: ({ kind, name }: ObjectNames) => request('GET', `${COLLECTION[kind]}/${name}`),
    find: ({ kind, name }: ObjectNames) => request('GET', `${COLLECTION[kind]}/${name}`).catch(() => undefined),
    patch: ({ kind, name }: ObjectNames, patch: object) => request('PATCH', `${COLLECTION[kind]}/${name}`, patch),
    delete: ({ kind, name }: ObjectNames) => request('DELETE', `${COLLECTION[kind]}/${name}`),
    pod: (name: string) => request('GET', `/api/v1/namespaces/default/pods/${name}`).catch(() => undefined),
    eips: () => cloud.describeAddresses().addressesSet as Wire[],
    tagsOf: (eip: Wire): Record<string, string> =>
      Object.fromEntries((eip.tagSet ?? []).map(({ key, value }: Wire) => [key, value])),
    mutations: () => calls.filter(({ action }) => !action.startsWith('Describe')).map(({ action }) => action),
    /** Waits until the check says something; what it says is returned. */
    async until<T>(what: string, check: () => T | Promise<T>): Promise<NonNullable<T>> {
      const deadline = Date.now() + 25_000;
      for (;;) {
        const result = await check();
        if (result) return result;
        if (Date.now() > deadline)
          throw new Error(
            `waited in vain for: ${what}\n${rig.logs.slice(-30).join('\n')}\n${JSON.stringify(rig.eips())}`,
          );
        await sleep(10);
      }
    },
    state: (names: ObjectNames, wanted: string) =>
      rig.until(`${names.name} ${wanted}`, async () => {
        const object = await rig.find(names);
        return object?.status?.state === wanted ? object : undefined;
      }),
    /** Until nothing is called any more for a while. */
    async quiet(ms = 120): Promise<void> {
      for (let before = -1, now = rig.activity(); before !== now; now = rig.activity()) {
        before = now;
        await sleep(ms);
      }
    },
    /** Time of the controllers' clock, ms. */
    passes: (ms: number) => sleep(ms / speed),
    activity: () => calls.length + kubeApi.requests.length,
    async [Symbol.asyncDispose]() {
      all.abort();
      await Promise.all(running);
      await kube.close();
      client.destroy();
      await server.close();
      await kubeApi.close();
    },
  };
  return rig;
}

export type ControllerRig = Awaited<ReturnType<typeof startControllerRig>>;

/** Its time-outs are of the machine's clock: on the fast one a busy machine would pass them. */
function kubeClient(url: string): KubeClient {
  return createKubeClient({
    connection: { server: url, namespace: undefined, credentials: async () => ({ headers: {}, tls: {} }) },
    clock: systemClock(),
  });
}

function ec2Client(url: string) {
  process.env['AWS_ENDPOINT_URL_EC2'] = url;
  process.env['AWS_ACCESS_KEY_ID'] = 'AKIATEST';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  return openEc2Client({ region: 'us-east-1', version: '0.0.0', requestTimeoutMs: 10_000 });
}

function recordingLogger(lines: string[]): Logger {
  const write = (message: string, fields?: LogFields) =>
    void lines.push(
      `${message} ${JSON.stringify(fields ?? {}, (_, value: unknown) => (value instanceof Error ? value.message : value))}`,
    );
  return { debug: () => undefined, info: write, warn: write, error: write, child: () => recordingLogger(lines) };
}
