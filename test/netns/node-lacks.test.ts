import { mkdirSync, rmSync } from 'node:fs';
import { basename } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canUseRealNamespaces, RealHost } from '../../sim/host/real.ts';
import { until } from '../support/agent-process.ts';
import { type LoneNode, type LoneNodeOptions, openLoneNode, probe, untilReadyz } from '../support/lone-node.ts';

const possible = await canUseRealNamespaces();
if (possible !== true) process.stdout.write(`agents on nodes that lack something are not tested: ${possible}\n`);

const REGION = { environment: { AWS_REGION: 'us-east-1' } };

let host: RealHost;
let lone: LoneNode;
let undo: (() => Promise<unknown> | void)[];

beforeEach(() => {
  undo = [];
});

afterEach(async () => {
  if (possible !== true) return;
  await lone.close();
  for (const step of undo.toReversed()) await step();
  await host.close();
});

async function open(options: LoneNodeOptions = {}, naming: 'containerd' | 'cri-o' = 'containerd'): Promise<void> {
  host = new RealHost({ naming });
  lone = await openLoneNode(host, options);
}

/** Calls that change something and have this value in a parameter of this name, numbered or not. */
function changes(parameter: string, value: string): readonly unknown[] {
  return lone.ec2.calls.filter(
    ({ action, params }) =>
      !action.startsWith('Describe') &&
      Object.entries(params).some(([name, is]) => name.startsWith(parameter) && is === value),
  );
}

describe.skipIf(possible !== true)('the real program on a node that lacks something', () => {
  test('mounts of namespaces that do not reach the agent: it serves by the CNI cache, names pod and fix, and sees them when they come', async () => {
    await open();
    const [before, floating] = [lone.addressNumber(20), lone.addressNumber(21)];
    // A mount namespace into which nothing of the host is propagated: what mountPropagation: None makes of the volume.
    const through = ['unshare', '--mount', '--propagation', 'private'];
    const agent = lone.start('node', ['--address-resync=1s'], { ...REGION, through });
    await agent.ready();

    const pod = await lone.startPod('hidden', before);
    await lone.assigned(before);
    const { status, notes } = await untilReadyz(agent, (answer) => answer.notes !== '');
    expect(status).toBe(200);
    expect(notes).toContain('the network namespaces of default/hidden are not mounted');
    expect(notes).toContain('mountPropagation: HostToContainer');
    await until(
      'the log',
      () => JSON.stringify(agent.told('ready, but something looks wrong')).includes('hidden'),
      60_000,
    );
    const inside = [`nsenter`, `--mount=/proc/${agent.child.pid}/ns/mnt`];
    const doctor = await lone.doctor(agent, { ...REGION, through: inside });
    expect(doctor['agent']).toMatch(/^warn .*namespaces of default\/hidden are not mounted/);
    expect(doctor['network namespaces']).toMatch(/^warn 0 of 1 files .* are mounted namespaces/);
    expect(await probe(agent, '/healthz')).toMatchObject({ status: 200 });
    await host.addAddress(pod, 'net1', `${floating}/32`);

    await mountForAgent(agent.child.pid ?? 0, pod.netns);
    await lone.assigned(floating);
    await untilReadyz(agent, (answer) => answer.status === 200 && answer.notes === '');
  });

  test('no folder of namespaces: not ready, with the reason; ready when the runtime makes it', async () => {
    await open();
    const address = lone.addressNumber(20);
    rmSync(lone.host.netnsDir, { recursive: true });
    const agent = lone.start('node', [], REGION);

    const { status, reasons } = await untilReadyz(agent, (answer) => answer.reasons.includes('ENOENT'));
    expect(status).toBe(503);
    expect(reasons).toContain(`${lone.host.netnsDir} cannot be read (ENOENT); mount it from the host`);
    await until('the log', () => JSON.stringify(agent.told('not ready')).includes('ENOENT'));
    const doctor = await lone.doctor(agent, REGION);
    expect(doctor['agent']).toMatch(/^fail not ready: .*ENOENT/);
    expect(doctor[`folder ${lone.host.netnsDir}`]).toMatch(/^fail cannot be read/);
    expect(await probe(agent, '/healthz')).toMatchObject({ status: 200 });

    mkdirSync(lone.host.netnsDir);
    await untilReadyz(agent, (answer) => answer.status === 200);
    await lone.startPod('first', address);
    await lone.assigned(address);
  });

  test('no folder of the CNI: ready with a note; the first result that is written is served and ends it', async () => {
    await open();
    const [address, alone] = [lone.addressNumber(20), lone.addressNumber(21)];
    const agent = lone.start('node', ['--observe=cni'], REGION);

    const { notes } = await untilReadyz(agent, (answer) => answer.status === 200);
    expect(notes).toContain(`none of the CNI cache folders exists (${lone.host.cacheDir})`);
    await until(
      'the log',
      () => JSON.stringify(agent.told('ready, but something looks wrong')).includes('CNI'),
      60_000,
    );
    const doctor = await lone.doctor(agent, REGION);
    expect(doctor['agent']).toContain(`none of the CNI cache folders exists (${lone.host.cacheDir})`);
    expect(doctor[`folder ${lone.host.cacheDir}`]).toMatch(/^warn cannot be read/);
    // network-status serves the pod meanwhile.
    lone.kubelet.createPod({ name: 'annotated', node: lone.name });
    lone.announce('annotated', alone, lone.eni.mac);
    await lone.assigned(alone);

    await lone.startPod('first', address);
    await lone.assigned(address);
    await untilReadyz(agent, (answer) => answer.status === 200 && answer.notes === '');
    await until('the log', () => agent.told('ready; nothing looks wrong any more').length > 0);
  });

  test('the paths of CRI-O: bare UUIDs, under /var/run in the cache', async () => {
    await open({}, 'cri-o');
    const [own, floating] = [lone.addressNumber(20), lone.addressNumber(21)];
    const agent = lone.start('node', ['--release-delay=1s', '--address-resync=5s'], REGION);
    await agent.ready();

    const pod = await lone.startPod('crio', own);
    expect(basename(pod.netns)).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
    await lone.assigned(own);
    await host.addAddress(pod, 'net1', `${floating}/32`);
    await lone.assigned(floating);
    expect(await probe(agent, '/readyz')).toEqual({ status: 200, reasons: '', notes: '' });
    const doctor = await lone.doctor(agent, REGION);
    expect(doctor['agent']).toBe('pass ready');
    expect(doctor['network namespaces']).toMatch(/^pass 1 of 1 /);

    lone.kubelet.delete('crio');
    await host.deletePod(pod);
    lone.kubelet.confirmDeletion('crio');
    await until(
      'both given back',
      () => lone.holderOf(own) === undefined && lone.holderOf(floating) === undefined,
      30_000,
    );
  });

  test('what a reboot leaves in the CNI cache claims nothing, and the new sandbox of the same pod is served', async () => {
    await open();
    const [old, other, fresh] = [20, 21, 22].map((last) => lone.addressNumber(last)) as [string, string, string];
    const again = await lone.startPod('again', old);
    const deleted = await lone.startPod('deleted', other);
    for (const pod of [again, deleted]) await host.deletePod(pod, { leaveCache: true });
    lone.kubelet.confirmDeletion('deleted');
    // While this node was down, others got the addresses of both.
    lone.cloud.assignPrivateIpAddresses({ networkInterfaceId: lone.otherNode.id, privateIpAddresses: [old, other] });

    const agent = lone.start('node', [], REGION);
    await agent.ready();
    await lone.startSandbox('again', again.uid, fresh);
    await lone.assigned(fresh);

    expect([old, other].map(lone.holderOf)).toEqual([lone.otherNode.id, lone.otherNode.id]);
    expect(changes('AllowReassignment', 'true')).toEqual([]);
    // Of the deleted pod only the file speaks; the annotation of the other may ask, but not take.
    expect(changes('PrivateIpAddress', other)).toEqual([]);
    expect(await probe(agent, '/readyz')).toMatchObject({ status: 200, reasons: '' });
    expect((await lone.doctor(agent, REGION))['agent']).toMatch(/^(?:pass|warn) ready/);
  });

  test('packets to EC2 that vanish: the agent says so, lives, and serves when they arrive', async () => {
    const [blackHole, address] = ['198.18.99.2', '10.81.1.20'];
    await open({ ec2Host: '0.0.0.0' });
    const link = `bh${process.pid.toString(36)}`;
    await execa('ip', ['link', 'add', link, 'type', 'veth', 'peer', 'name', `${link}p`]);
    undo.push(() => execa('ip', ['link', 'del', link]));
    for (const end of [link, `${link}p`]) await execa('ip', ['link', 'set', end, 'up']);
    await execa('ip', ['addr', 'add', '198.18.99.1/30', 'dev', link]);
    // Known neighbour, nobody there: nothing is answered, not even with an error.
    await execa('ip', ['neigh', 'replace', blackHole, 'lladdr', '02:00:00:00:00:02', 'dev', link, 'nud', 'permanent']);
    await lone.startPod('early', address);
    const endpoint = `http://${blackHole}:${new URL(lone.ec2.url).port}`;
    const environment = { AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL_EC2: endpoint };
    const agent = lone.start('node', [], { environment });

    const { status } = await untilReadyz(agent, ({ reasons }) =>
      /DescribeNetworkInterfaces .*(?:time|ETIMEDOUT)/i.test(reasons),
    );
    expect(status).toBe(503);
    expect(await probe(agent, '/healthz')).toMatchObject({ status: 200 });
    await until('the log', () => agent.told('not ready').length > 0);
    // Its own questions to EC2 vanish, too: it asks each for as long as the agent does.
    expect((await lone.doctor(agent, { environment }))['agent']).toMatch(
      /^fail not ready: .*DescribeNetworkInterfaces/,
    );

    await execa('ip', ['addr', 'add', `${blackHole}/32`, 'dev', 'lo']);
    undo.push(() => execa('ip', ['addr', 'del', `${blackHole}/32`, 'dev', 'lo']));
    await lone.assigned(address);
    await untilReadyz(agent, (answer) => answer.status === 200);
  });
});

/** Mounts a pod's namespace where the agent looks, in the agent's own mount namespace: what propagation would have done. */
async function mountForAgent(agentPid: number, netns: string): Promise<void> {
  const inside = execa('nsenter', [`--net=${netns}`, 'sleep', '60'], { stdio: 'ignore', reject: false });
  undo.push(() => void inside.kill());
  const hostNet = `/proc/${process.pid}/ns/net`;
  const same = () =>
    execa('sh', ['-c', `[ /proc/${inside.pid}/ns/net -ef ${hostNet} ]`]).then(
      () => true,
      () => false,
    );
  await until('the process in the namespace', async () => !(await same()));
  await execa('nsenter', [`--mount=/proc/${agentPid}/ns/mnt`, 'mount', '--bind', `/proc/${inside.pid}/ns/net`, netns]);
}
