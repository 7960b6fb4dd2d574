import { afterEach, describe, expect, it } from 'vitest';
import { leadOneTerm, type TermParts } from '../../../agent/controller/term.ts';
import { ec2Addresses } from '../../../lib/ec2/addresses.ts';
import { openEc2Client } from '../../../lib/ec2/client.ts';
import { ec2ElasticIps } from '../../../lib/ec2/elastic-ips.ts';
import { ec2Interfaces } from '../../../lib/ec2/interfaces.ts';
import { createKubeClient } from '../../../lib/kube/client.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { noMetrics } from '../../../lib/runtime/metrics.ts';
import { noTracer } from '../../../lib/runtime/tracing.ts';
import { type ControllerRig, startControllerRig } from '../eip-objects/rig.ts';

const open: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close();
});

/** The controller as `eni-agent controller` puts it together for a term, against the simulated EC2 and API server. */
async function rig() {
  const base = await startControllerRig();
  Object.assign(base.cloud.knobs, { attachMs: 500, detachMs: 500 });
  open.push(() => base[Symbol.asyncDispose]());
  process.env['AWS_ENDPOINT_URL_EC2'] = base.server.url;
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
  const client = openEc2Client({ region: 'us-east-1', version: '0' });
  const connection = { client, now: () => performance.now(), onCall: () => undefined };
  const credentials = () => Promise.resolve({ headers: {}, tls: {} });
  const kube = createKubeClient({
    connection: { server: base.kubeApi.url, namespace: 'default', credentials },
    clock: base.clock,
  });
  const lead = () => {
    const stop = new AbortController();
    const tenantPolicyDir = '/nonexistent';
    const options = {
      namespaces: [],
      defaultTags: {},
      ec2ResyncMs: 600_000,
      dryRun: false,
      sweep: 'on',
      tenantPolicyDir,
    };
    const ended = leadOneTerm(
      {
        parts: { clock: base.clock, random: Math.random, log: silentLogger, metrics: noMetrics, environment: {} },
        options: options as unknown as TermParts['options'],
        clusterName: 'test',
        kube,
        ec2: {
          connection,
          addresses: ec2Addresses({ connection, onWarning: () => undefined }),
          elasticIps: ec2ElasticIps(connection),
          interfaces: ec2Interfaces(connection),
        },
        quotas: { elasticIps: () => Promise.resolve(5) },
        tracer: noTracer,
        namespace: 'default',
        mayAct: () => !stop.signal.aborted,
      } as unknown as TermParts,
      stop.signal,
    );
    const end = async () => {
      stop.abort(new Error('lease lost'));
      await ended;
    };
    open.push(end);
    return end;
  };
  open.push(async () => {
    await kube.close();
    client.destroy();
  });
  return { ...base, lead };
}

const ENI = { kind: 'ENI', name: 'front' } as const;
const EIP = { kind: 'EIP', name: 'front' } as const;

function interfacesOf({ cloud, clock }: ControllerRig) {
  return cloud.state.allInterfaces(clock.now()).filter(({ tags }) => tags.has('eni-agent.io/eni-uid'));
}

describe('the controller', () => {
  it('makes an ENI object real, gives an EIP to its second address, survives a change of leader, and takes both away again', async () => {
    const world = await rig();
    const { create, get, find, subnet, nodes, lead } = world;
    world.startPod('web-0', 'node-b');
    await create(ENI, {
      subnetID: subnet.id,
      securityGroups: ['sg-1'],
      secondaryPrivateIPAddressCount: 1,
      attachment: { podName: 'web-0' },
    });
    await create(EIP, { assignment: { eni: 'front', eniPrivateIPAddressIndex: 1 } });
    const first = lead();

    await world.until(
      'the interface is ready',
      async () => (await get(ENI)).status?.conditions?.[0]?.status === 'True',
    );
    const eip = await world.state(EIP, 'assigned');
    const { status } = await get(ENI);
    expect(status.attachment).toMatchObject({ podName: 'web-0', instanceID: nodes[1]?.instanceId, deviceIndex: 1 });
    expect(interfacesOf(world).map(({ id, mac }) => [id, mac])).toEqual([
      [status.networkInterfaceID, status.macAddress],
    ]);
    const [bound] = world.eips();
    expect(bound).toMatchObject({
      networkInterfaceId: status.networkInterfaceID,
      privateIpAddress: status.privateIPAddresses[1],
    });
    expect(eip.status.publicIPAddress).toBe(bound.publicIp);

    await first();
    lead();
    await world.delete(EIP);
    await world.delete(ENI);
    await world.until('both are gone', async () => (await find(EIP)) === undefined && (await find(ENI)) === undefined);

    expect(interfacesOf(world)).toEqual([]);
    expect(world.eips()).toEqual([]);
  });
});
