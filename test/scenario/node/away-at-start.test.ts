import { setTimeout as sleep } from 'node:timers/promises';
import { describe, type TestContext, test } from 'vitest';
import { StandInHost } from '../../../sim/host/stand-in.ts';
import { type LoneNodeOptions, openLoneNode, probe, untilReadyz } from '../../support/lone-node.ts';

/** The first line about readiness comes after 15 s, and what is away by then is not a hiccup. */
const LONG_ENOUGH_MS = 17_000;
const TEST_MS = 150_000;

async function rig({ onTestFinished }: TestContext, options: LoneNodeOptions) {
  const host = new StandInHost();
  const lone = await openLoneNode(host, options);
  onTestFinished(async () => {
    await lone.close();
    await host.close();
  });
  return lone;
}

describe.concurrent('the real program starts while a service is away', () => {
  test.for([
    { name: 'EC2 refuses connections', state: 'refused', cause: /DescribeNetworkInterfaces .*ECONNREFUSED/ },
    {
      name: 'EC2 takes connections and never answers',
      state: 'silent',
      cause: /DescribeNetworkInterfaces .*(?:timed? ?out|Timeout)/i,
    },
  ] as const)(
    '$name: the reason is reported, the process lives, and the pod is served when EC2 is back',
    { timeout: TEST_MS },
    async ({ state, cause }, context) => {
      const { expect } = context;
      const lone = await rig(context, { ec2: state });
      const address = lone.addressNumber(20);
      await lone.startPod('early', address);
      const environment = { environment: { AWS_REGION: 'us-east-1' } };
      const agent = lone.start('node', [], environment);

      // From the first answer on: a readiness that comes and goes would let a rolling update go on.
      expect((await untilReadyz(agent, () => true)).status).toBe(503);
      const { status, reasons } = await untilReadyz(agent, (answer) => cause.test(answer.reasons));
      expect(status).toBe(503);
      expect(reasons).toContain('the ENIs of this node are not known yet');
      const [doctor] = await Promise.all([lone.doctor(agent, environment), sleep(LONG_ENOUGH_MS)]);
      expect(doctor['agent']).toMatch(/^fail not ready: /);
      expect(doctor['agent']).toMatch(cause);
      expect(doctor['credentials']).toMatch(/^fail /);
      expect(await probe(agent, '/healthz')).toMatchObject({ status: 200 });
      expect(JSON.stringify(agent.told('not ready'))).toMatch(cause);

      await lone.doors.ec2.set('open');
      await lone.assigned(address);
      expect(await untilReadyz(agent, (answer) => answer.status === 200)).toEqual({
        status: 200,
        reasons: '',
        notes: '',
      });
      expect(await agent.end()).toBe(0);
    },
  );

  test.for([
    { name: 'refuses connections', state: 'refused', cause: /imds: .*ECONNREFUSED/ },
    { name: 'never answers', state: 'silent', cause: /imds: .*(?:timed? ?out|within|answer)/i },
  ] as const)(
    'instance metadata $name: the node agent waits for it and says so',
    { timeout: TEST_MS },
    async ({ state, cause }, context) => {
      const { expect } = context;
      const lone = await rig(context, { imds: state });
      const address = lone.addressNumber(20);
      await lone.startPod('early', address);
      const agent = lone.start('node');

      // From the first answer on: a readiness that comes and goes would let a rolling update go on.
      expect((await untilReadyz(agent, () => true)).status).toBe(503);
      const { status, reasons } = await untilReadyz(agent, (answer) => cause.test(answer.reasons));
      expect(status).toBe(503);
      expect(reasons).toContain('cannot find out which EC2 instance this is');
      const [doctor] = await Promise.all([lone.doctor(agent), sleep(LONG_ENOUGH_MS)]);
      expect(doctor['agent']).toMatch(/^fail not ready: /);
      expect(doctor['agent']).toMatch(cause);
      expect(doctor['instance']).toMatch(/^fail /);
      expect(await probe(agent, '/healthz')).toMatchObject({ status: 200 });
      expect(JSON.stringify(agent.told('not ready'))).toMatch(cause);
      expect(lone.ec2.calls).toEqual([]);

      await lone.doors.imds.set('open');
      await lone.assigned(address);
      await untilReadyz(agent, (answer) => answer.status === 200);
      expect(await agent.end()).toBe(0);
    },
  );

  test.for(['refused', 'silent'] as const)(
    'instance metadata is %s: the controller waits for it and says so',
    { timeout: TEST_MS },
    async (state, context) => {
      const { expect } = context;
      const lone = await rig(context, { imds: state });
      const controller = lone.start('controller');

      const { status, reasons } = await untilReadyz(controller, (answer) => answer.reasons.includes('AWS_REGION'));
      expect(status).toBe(503);
      expect(reasons).toContain('cannot find out the AWS region');
      await sleep(LONG_ENOUGH_MS);
      expect(await probe(controller, '/healthz')).toMatchObject({ status: 200 });
      expect(controller.log.filter(({ msg }) => msg.includes('cannot find out the AWS region')).length).toBeGreaterThan(
        1,
      );
      expect(lone.ec2.calls).toEqual([]);

      await lone.doors.imds.set('open');
      await untilReadyz(controller, (answer) => answer.status === 200);
      expect(await controller.end()).toBe(0);
    },
  );
});
