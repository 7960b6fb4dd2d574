import { describe, expect, it } from 'vitest';
import { MINUTE, own, rig, SECOND } from './rig.ts';

/**
 * `web-0` of node a runs on b, too, and has taken its Elastic IP along: a is cut off from the API server, which has given its pods up. EC2 answers
 * it as ever.
 */
async function followed() {
  const { clock, region, a, b } = rig();
  a.start();
  b.start();
  a.run('web-0', own('auto'), '10.0.8.11');
  await clock.advance(MINUTE);
  const publicIp = a.publicIpOf('web-0');
  expect(publicIp).toBeDefined();
  b.run('web-0', own('auto'), '10.0.8.12');
  await clock.until(() => b.publicIpOf('web-0') === publicIp, 30 * SECOND, 'the Elastic IP follows the name');
  return { clock, region, a, b, publicIp };
}

describe('the Elastic IP of a pod that runs again under its name on another node', () => {
  it('is not taken back by the node whose watch still shows the earlier pod', async () => {
    const { clock, region, a, publicIp } = await followed();
    region.calls.length = 0;
    a.run('other', own('auto'), '10.0.8.13');
    await clock.advance(2 * MINUTE);
    a.run('third', own('auto'), '10.0.8.14');
    await clock.advance(2 * MINUTE);

    expect(region.publicIpOf('10.0.8.12')).toBe(publicIp);
    expect(region.writes().filter(({ action }) => action === 'AssociateAddress')).toHaveLength(2);
    expect(a.statusOf('web-0')).toMatchObject({ state: 'refused', refusal: { reason: 'EipInUse' } });
  });

  it('is taken along again when a later pod of the name runs on the first node', async () => {
    const { clock, region, a, b, publicIp } = await followed();
    a.run('web-0', own('auto'), '10.0.8.13');
    b.delete('web-0');
    await clock.advance(2 * MINUTE);

    expect(region.publicIpOf('10.0.8.13')).toBe(publicIp);
    expect(a.publicIpOf('web-0')).toBe(publicIp);
    expect(region.eips()).toHaveLength(1);
  });
});

describe('what EC2 refused to a pod', () => {
  it('keeps no later pod of its name waiting', async () => {
    const { clock, region, a } = rig();
    region.cloud.knobs.elasticIpQuota = 0;
    a.start();
    a.run('web-0', own('auto'), '10.0.8.11');
    await clock.advance(10 * MINUTE);
    expect(a.statusOf('web-0')).toMatchObject({ state: 'refused', refusal: { reason: 'EipQuotaReached' } });
    region.cloud.knobs.elasticIpQuota = 5;
    a.delete('web-0');
    a.run('web-0', own('auto'), '10.0.8.12');
    await clock.advance(5 * SECOND);

    expect(a.publicIpOf('web-0')).toBeDefined();
  });
});
