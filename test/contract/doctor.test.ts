import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DoctorView } from '../../agent/doctor/render.ts';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { type Ec2Server, startEc2Server } from '../../sim/ec2/server.ts';
import { type ImdsServer, startImds } from '../../sim/imds/server.ts';
import { builtIn, FakeKubelet } from '../../sim/kube/kubelet.ts';
import { type KubeApi, startKubeApi } from '../../sim/kube/server.ts';
import { floatingIpDefinition } from '../../sim/world/floating-ips.ts';
import { PROGRAM } from '../support/program.ts';

// Each test starts the program once or more.
describe('eni-agent doctor against simulated AWS and Kubernetes', { timeout: 120_000 }, () => {
  let cloud: Cloud;
  let ec2: Ec2Server;
  let imds: ImdsServer;
  let kube: KubeApi;
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'eni-agent-doctor-'));
    cloud = new Cloud();
    const vpc = cloud.addVpc({ id: 'vpc-1', cidr: '10.0.0.0/16' });
    const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.0.1.0/24' });
    const { instance } = cloud.addInstance({ type: 'm5.large', subnetId: subnet.id });
    ec2 = await startEc2Server({ cloud });
    imds = await startImds({ cloud, instanceId: instance.id });
    kube = await startKubeApi();
    writeFileSync(join(folder, 'kubeconfig'), kube.kubeconfig());
  });
  afterAll(async () => {
    await Promise.all([ec2.close(), imds.close(), kube.close()]);
  });

  async function doctor(...flags: string[]) {
    return doctorWith({}, ...flags);
  }

  async function doctorWith(
    environment: Readonly<Record<string, string>>,
    ...flags: string[]
  ): Promise<{ code: number | undefined; output: string; line: (name: string) => string | undefined }> {
    const argv = [
      PROGRAM,
      'doctor',
      '--node-name=n',
      `--kubeconfig=${join(folder, 'kubeconfig')}`,
      `--netns-dir=${folder}`,
    ];
    const env = {
      PATH: process.env['PATH'],
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_EC2: ec2.url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
      AWS_ACCESS_KEY_ID: 'simulated',
      AWS_SECRET_ACCESS_KEY: 'simulated',
      ...environment,
    };
    const options = { env, extendEnv: false, reject: false, all: true } as const;
    const { exitCode: code, all: output } = await execa(process.execPath, [...argv, ...flags], options);
    return { code, output, line: (name) => output.split('\n').find((line) => line.includes(`  ${name} `)) };
  }

  it('passes what is there, changes nothing, and says what it cannot know', async () => {
    const { line } = await doctor('--cluster-name=test');
    expect(line('instance')).toMatch(/^pass /);
    expect(line('credentials')).toMatch(/^pass .*1 ENIs/);
    expect(line('IAM AllocateAddress')).toMatch(/^pass /);
    expect(line('IAM assign, unassign')).toMatch(/^skipped /);
    expect(line('internet gateway')).toMatch(/^skipped /);
    expect(line('Elastic IP quota')).toMatch(/0 of 5 used \(the default/);
    expect(line('API server')).toMatch(/^pass /);
    expect(cloud.describeAddresses().addressesSet).toEqual([]);
    expect(ec2.calls.filter(({ outcome, action }) => outcome === 'ok' && !/^(?:Describe|Get)/.test(action))).toEqual(
      [],
    );
  });

  it('fails, and says how to fix it, when IAM denies what Elastic IPs need', async () => {
    cloud.knobs.deniedActions = ['AllocateAddress'];
    const { code, line, output } = await doctor('--cluster-name=test');
    cloud.knobs.deniedActions = [];
    expect(line('IAM AllocateAddress')).toMatch(/^fail .*denied/);
    expect(output).toContain('→ allow ec2:AllocateAddress');
    expect(code).toBe(1);
  });

  it('only warns of it where no cluster name is set, so that no pod can have an Elastic IP', async () => {
    cloud.knobs.deniedActions = ['AllocateAddress'];
    const { line } = await doctor();
    cloud.knobs.deniedActions = [];
    expect(line('cluster name')).toMatch(/^warn /);
    expect(line('IAM AllocateAddress')).toMatch(/^warn /);
  });

  it('fails at once with the reason when instance metadata and the Node tell nothing', async () => {
    imds.enabled = false;
    const { code, line, output } = await doctor('--cluster-name=test');
    imds.enabled = true;
    expect(line('instance')).toMatch(/^fail /);
    // 403 is metadata's own refusal; a hop limit would be silence.
    expect(output).toContain('--http-endpoint enabled');
    expect(output).not.toContain('hop limit');
    expect(code).toBe(1);
  });

  it('fails with the cause when EC2 does not answer, and does not ask it one permission after the other', async () => {
    const { code, line } = await doctorWith({ AWS_ENDPOINT_URL_EC2: 'http://127.0.0.1:1' }, '--cluster-name=test');
    expect(line('credentials')).toMatch(/^fail .*DescribeNetworkInterfaces.*ECONNREFUSED/);
    expect(line('internet gateway')).toMatch(/^skipped .*EC2 did not answer/);
    expect(line('VPC CNI')).not.toContain('instance is unknown');
    expect(code).toBe(1);
  });

  it('says the same as JSON, with the paragraph of each check', async () => {
    const { output, code } = await doctor('--cluster-name=test', '-o', 'json');
    const { schema, node, checks } = JSON.parse(output) as DoctorView;

    expect({ schema, node }).toEqual({ schema: 'eni-agent.io/doctor/v1', node: 'n' });
    expect(code).toBe(checks.some(({ verdict }) => verdict === 'fail') ? 1 : 0);
    expect(checks.filter(({ verdict }) => verdict === 'fail').map(({ name }) => name)).toEqual(['RBAC']);
    expect(checks.find(({ name }) => name === 'credentials')).toMatchObject({
      verdict: 'pass',
      paragraph: 'docs/doctor.md#credentials',
    });
  });

  it('misses nothing that the level of --observe does not need', async () => {
    const { line } = await doctor('--observe=annotations', `--cni-cache-dir=${folder}/nowhere`);

    expect(line(`folder ${folder}/nowhere`)).toMatch(/^skipped .*not needed with --observe=annotations/);
    expect(line('network namespaces')).toMatch(/^skipped /);
    expect(line('capabilities')).toMatch(/^skipped /);
  });

  it('finds a network whose master this node lacks, one that cannot work in a VPC, and one that is not there', async () => {
    const kubelet = new FakeKubelet(kube);
    const names = ['lost', 'mac'];
    kubelet.createNetwork('lost', { type: 'ipvlan', master: 'eth77' });
    kubelet.createNetwork('mac', { type: 'macvlan', master: 'lo' });
    kubelet.createPod({ name: 'web', node: 'n' });
    kubelet.setNetworkStatus(
      'web',
      names.map((name) => ({ name: `default/${name}`, interface: name })),
    );
    kubelet.createPod({ name: 'late', node: 'n', annotations: { 'k8s.v1.cni.cncf.io/networks': 'gone' } });
    kube.requests.splice(0);
    const { line, code } = await doctor();
    const asked = kube.requests.map(({ path }) => path);

    const ofNetworks = asked.filter((path) => path.includes('network-attachment-definitions'));
    expect(ofNetworks).toHaveLength(3);
    expect(new Set(ofNetworks.map((path) => path.split('/').at(-1)))).toEqual(new Set(['gone', ...names]));
    expect(line('network default/lost')).toMatch(/^fail .*master eth77 does not exist on this node/);
    expect(line('network default/mac')).toMatch(/^fail .*macvlan/);
    expect(line('network default/gone')).toMatch(/^fail .*no NetworkAttachmentDefinition .*pod default\/late/);
    expect(code).toBe(1);
  });

  it('names the folders that are not there, with the options that name them', async () => {
    const { output, line } = await doctor(`--cni-cache-dir=${folder}/nowhere`, `--netns-dir=${folder}/none`);
    expect(line(`folder ${folder}/nowhere`)).toMatch(/^warn .*cannot be read/);
    expect(line(`folder ${folder}/none`)).toMatch(/^fail .*cannot be read/);
    expect(output).toContain('--cni-cache-dir');
    expect(output).toContain('--netns-dir');
  });

  it('warns where the files of the namespaces are seen and their mounts are not', async () => {
    const dir = join(folder, 'unseen');
    mkdirSync(dir);
    writeFileSync(join(dir, '2f1c4f7e-0000-4000-8000-000000000000'), '');
    const { output, line } = await doctor(`--netns-dir=${dir}`);
    expect(line('network namespaces')).toMatch(/^warn .*0 of 1 files/);
    expect(output).toContain('mountPropagation: HostToContainer');
  });

  it('reads the tenant policy as the agent does, and fails with the entry that is wrong', async () => {
    const dir = join(folder, 'tenants');
    mkdirSync(dir);
    writeFileSync(join(dir, 'bank.elastic-ips'), 'auto');
    const good = await doctor(`--tenant-policy-dir=${dir}`);
    expect(good.line('tenant policy')).toMatch(/^pass .*in force for bank/);

    writeFileSync(join(dir, 'bank.floating-ips'), '10.0.0.300');
    const bad = await doctor(`--tenant-policy-dir=${dir}`);
    expect(bad.line('tenant policy')).toMatch(/^fail .*bank\.floating-ips.*10\.0\.0\.300/);
    expect(bad.code).toBe(1);
  });

  it('checks the route tables of the FloatingIPs that this node may serve, the primary ENI where they name their interface', async () => {
    cloud.addRouteTable({ id: 'rtb-1', vpcId: 'vpc-1', main: true, tags: { zones: 'all' } });
    new FakeKubelet(kube).createNode({ name: 'n', labels: { role: 'edge' } });
    kube.api.create(builtIn('customresourcedefinitions'), undefined, floatingIpDefinition);
    const floatingIps = kube.registry.find('eni-agent.io/v1alpha1', 'floatingips')!;
    const create = (name: string, role: string, table: string) =>
      kube.api.create(floatingIps, undefined, {
        apiVersion: 'eni-agent.io/v1alpha1',
        kind: 'FloatingIP',
        metadata: { name },
        spec: { addresses: ['10.99.0.1'], interface: 'eth0', routeTables: [table], nodeSelector: { role } },
      });
    create('here', 'edge', 'tag:zones');
    create('elsewhere', 'core', 'rtb-0gone');
    const before = await doctor();
    create('missing', 'edge', 'rtb-0gone');
    const after = await doctor();

    expect(before.output.match(/^.*routed IPs.*$/gm)?.[0]).toMatch(/^pass +routed IPs: route tables +rtb-1/);
    expect(before.line('IAM ReplaceRoute')).toMatch(/^pass /);
    expect(after.line('routed IPs: route tables')).toMatch(/^fail .*FloatingIP missing: .*rtb-0gone/);
  });
});
