import { describe, expect, it } from 'vitest';
import {
  fingerprint,
  imdsAddresses,
  imdsIdentity,
  imdsInterfaces,
  imdsSpotAction,
  subnetHints,
} from '../../lib/ec2/imds.ts';
import { imdsReader } from '../../lib/ec2/imds-http.ts';
import { ip } from '../../lib/model/ip.ts';
import { startImds } from '../../sim/imds/server.ts';
import { never, startRig } from './adapter-ec2-rig.ts';

/** One node with its metadata service, beside the simulated EC2. */
async function startNode(tokens: 'required' | 'optional' = 'required') {
  const rig = await startRig();
  const imds = await startImds({ cloud: rig.cloud, instanceId: rig.left.id, tokens });
  const read = imdsReader({ endpoint: imds.url, allowV1: tokens === 'optional', now: () => Date.now() });
  return {
    rig,
    imds,
    read,
    async [Symbol.asyncDispose]() {
      await imds.close();
      await rig[Symbol.asyncDispose]();
    },
  };
}

describe('instance metadata', () => {
  it('knows the instance', async () => {
    await using node = await startNode();
    expect(await imdsIdentity(node.read, never)).toEqual({
      instanceId: node.rig.left.id,
      region: 'us-east-1',
      instanceType: 'm5.large',
    });
  });

  it('lists the same ENIs as EC2', async () => {
    await using node = await startNode();
    const { addresses, left } = node.rig;
    await addresses.assign(left.pods, [ip('10.0.1.100')], { takeover: false, signal: never });
    await addresses.assign(left.pods, [ip('2001:db8::100')], { takeover: false, signal: never });
    const enis = await addresses.describeEnis(left.id, { signal: never });
    const interfaces = await imdsInterfaces(node.read, never);
    const comparable = interfaces
      .map(({ eniId, mac, deviceIndex, subnetId, vpcId, cidrs, ipv4s, ipv6s }) => {
        return { id: eniId, mac, deviceIndex, subnetId, vpcId, cidrs, ips: [...ipv4s, ...ipv6s] };
      })
      .toSorted((one, other) => Number(one.deviceIndex) - Number(other.deviceIndex));
    expect(comparable).toEqual(
      enis.map(({ id, mac, deviceIndex, subnetId, vpcId, cidrs, addresses: held }) => {
        return { id, mac, deviceIndex, subnetId, vpcId, cidrs, ips: held.map((address) => address.ip) };
      }),
    );
    expect(subnetHints(interfaces)[0]).toEqual({
      subnetId: node.rig.subnet.id,
      cidrs: ['10.0.1.0/24', '2001:db8::/64'],
    });
  });

  it('changes its fingerprint when an address comes, late as it may be', async () => {
    await using node = await startNode();
    const { rig, imds } = node;
    imds.lagMs = 2_000;
    rig.advance(10_000);
    const before = fingerprint(await imdsAddresses(node.read, never));
    await rig.addresses.assign(rig.left.pods, [ip('10.0.1.100')], { takeover: false, signal: never });
    expect(fingerprint(await imdsAddresses(node.read, never))).toBe(before);
    rig.advance(2_001);
    expect(fingerprint(await imdsAddresses(node.read, never))).not.toBe(before);
  });

  it('costs two requests for each ENI and one, with one token for all', async () => {
    await using node = await startNode();
    await imdsAddresses(node.read, never);
    await imdsAddresses(node.read, never);
    expect(node.imds.requests.filter((line) => line.startsWith('PUT'))).toHaveLength(1);
    expect(node.imds.requests.filter((line) => line.startsWith('GET'))).toHaveLength(2 * (1 + 2 * 2));
  });

  it('bears with a half attached ENI', async () => {
    await using node = await startNode();
    for (const leaf of ['subnet-id', 'local-ipv4s', 'device-number']) node.imds.hiddenLeaves.add(leaf);
    expect((await imdsInterfaces(node.read, never))[0]).toMatchObject({
      subnetId: undefined,
      deviceIndex: undefined,
      ipv4s: [],
    });
  });

  it('survives revoked tokens', async () => {
    await using node = await startNode();
    await imdsIdentity(node.read, never);
    node.imds.revokeTokens();
    expect((await imdsInterfaces(node.read, never)).length).toBe(2);
  });

  it('says 403 when it is switched off', async () => {
    await using node = await startNode();
    node.imds.enabled = false;
    await expect(imdsIdentity(node.read, never)).rejects.toMatchObject({ name: 'ImdsError', status: 403 });
  });

  it('announces an interruption, and nothing before', async () => {
    await using node = await startNode();
    expect(await imdsSpotAction(node.read, never)).toBeUndefined();
    const notice = { action: 'terminate', time: '2026-01-01T00:02:00Z' } as const;
    node.rig.cloud.setSpotAction(node.rig.left.id, notice);
    expect(await imdsSpotAction(node.read, never)).toEqual(notice);
  });
});
