import { afterEach, describe, expect, it } from 'vitest';
import { openServiceQuotas } from '../../lib/ec2/service-quotas.ts';
import { startRig } from './adapter-ec2-rig.ts';

const options = { signal: new AbortController().signal };
const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const one of open.splice(0)) await one[Symbol.asyncDispose]();
});

async function rig() {
  const base = await startRig();
  open.push(base);
  process.env['AWS_ENDPOINT_URL_SERVICE_QUOTAS'] = base.server.url;
  return { ...base, quotas: openServiceQuotas({ region: 'us-east-1', version: '0.0.0' }) };
}

describe('the quota of Elastic IPs', () => {
  it("is what the account was granted, in Service Quotas' own protocol", async () => {
    const { quotas, cloud, server } = await rig();
    cloud.knobs.elasticIpQuota = 42;

    expect(await quotas.elasticIps(options)).toBe(42);
    expect(server.calls.map(({ action, params }) => ({ action, params }))).toEqual([
      { action: 'GetServiceQuota', params: { ServiceCode: 'ec2', QuotaCode: 'L-0263D0A3' } },
    ]);
  });

  it("is AWS's default where none was applied", async () => {
    const { quotas, server } = await rig();
    server.faults.inject({ action: 'GetServiceQuota', effect: { kind: 'error', code: 'NoSuchResourceException' } });

    expect(await quotas.elasticIps(options)).toBe(5);
  });

  it('fails as every other call does', async () => {
    const { quotas, server } = await rig();
    server.faults.inject({ action: 'GetServiceQuota', effect: { kind: 'error', code: 'AccessDeniedException' } });

    await expect(quotas.elasticIps(options)).rejects.toMatchObject({
      kind: 'unauthorized',
      code: 'AccessDeniedException',
    });
  });
});
