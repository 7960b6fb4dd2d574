import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { Cloud } from '../../sim/ec2/cloud.ts';
import { startEc2Server } from '../../sim/ec2/server.ts';
import { canUseRealNamespaces, RealHost } from '../../sim/host/real.ts';
import { startImds } from '../../sim/imds/server.ts';
import { until } from '../support/agent-process.ts';
import { PROGRAM } from '../support/program.ts';

const possible = await canUseRealNamespaces();
if (possible !== true) process.stdout.write(`host-ip test skipped: ${possible}\n`);

const DEVICE = 'tnHip1';
const VIP = '10.31.1.201';

describe.skipIf(possible !== true)('eni-agent host-ip on a real interface', () => {
  it('puts NODEPORT_IP on it, puts it back when removed, and takes it off on SIGTERM', async () => {
    const cloud = new Cloud();
    const vpc = cloud.addVpc({ cidr: '10.31.0.0/16' });
    const main = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.31.0.0/24' });
    const subnet = cloud.addSubnet({ vpcId: vpc.id, cidr: '10.31.1.0/24' });
    const { instance } = cloud.addInstance({ type: 'm5.large', subnetId: main.id });
    const eni = cloud.addInterface({ subnetId: subnet.id, instanceId: instance.id });
    const host = new RealHost();
    await host.createNode('hip', [{ name: DEVICE, mac: eni.mac }]);
    const ec2 = await startEc2Server({ cloud });
    const imds = await startImds({ cloud, instanceId: instance.id });
    const environment = {
      PATH: process.env['PATH'] ?? '',
      HOME: '/tmp',
      NODEPORT_IP: `${VIP}/24`,
      AWS_REGION: 'us-east-1',
      AWS_ENDPOINT_URL_EC2: ec2.url,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: imds.url,
      AWS_ACCESS_KEY_ID: 'simulated',
      AWS_SECRET_ACCESS_KEY: 'simulated',
    };
    const child = spawn(process.execPath, [PROGRAM, 'host-ip'], { env: environment, stdio: 'inherit' });
    const exited = once(child, 'exit');
    // Not synchronous: EC2 and the metadata service answer from this process.
    const there = async () => (await execa('ip', ['-br', 'addr', 'show', 'dev', DEVICE])).stdout.includes(`${VIP}/24`);
    const held = () => cloud.state.requireInterfaceNow(eni.id).addresses.some(({ ip }) => ip === VIP);
    try {
      await until('on the interface', there);
      expect(held()).toBe(true);
      await execa('ip', ['addr', 'del', `${VIP}/24`, 'dev', DEVICE]);
      await until('on the interface again', there);
      child.kill('SIGTERM');
      expect((await exited)[0]).toBe(0);
      expect([await there(), held()]).toEqual([false, true]);
    } finally {
      child.kill('SIGKILL');
      await imds.close();
      await ec2.close();
      await host.close();
    }
  });
});
