import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ControllerCluster, startControllerCluster, type Wire } from './controller-rig.ts';

const GROUP = '/apis/aws.k8s.logmein.com/v1alpha1';
const CRD = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/eips.aws.k8s.logmein.com';
const object = (name: string) => ({ apiVersion: 'aws.k8s.logmein.com/v1alpha1', kind: 'EIP', metadata: { name } });

describe('an Elastic IP on a real API server outlives', () => {
  let rig: ControllerCluster;
  beforeAll(async () => {
    rig = await startControllerCluster();
  });
  afterAll(() => rig.close());

  const find = (path: string): Promise<Wire> => rig.request('GET', path).catch(() => undefined);
  const publicIp = (path: string) =>
    rig.until(`${path} allocated`, async () => (await find(path))?.status?.publicIPAddress as string | undefined);
  const allocated = () => rig.eips().map(({ publicIp: address }) => address as string);

  it('its namespace, with the controller’s own rights, and comes back to an object of its name', async () => {
    const controller = rig.startController();
    const front = `${GROUP}/namespaces/apps/eips/front`;
    const create = async () => {
      await rig.request('POST', '/api/v1/namespaces', { metadata: { name: 'apps' } });
      await rig.request('POST', `${GROUP}/namespaces/apps/eips`, object('front'));
    };
    await create();
    const address = await publicIp(front);
    await rig.request('DELETE', '/api/v1/namespaces/apps');
    await rig.until('the namespace gone', async () => (await find('/api/v1/namespaces/apps')) === undefined);
    expect(allocated()).toEqual([address]);
    expect(rig.tagsOf(rig.eips()[0])['eni-agent.io/retained-for']).toBe('EIP/apps/front');

    await create();
    expect(await publicIp(front)).toBe(address);
    await rig.request('DELETE', front);
    await rig.until('release', () => rig.eips().length === 0);
    await controller.end('SIGTERM');
  });

  it('its namespace beside an interface, which the next ENI object of that name adopts', async () => {
    const controller = rig.startController();
    const wan = `${GROUP}/namespaces/lan/enis/wan`;
    const create = async () => {
      await rig.request('POST', '/api/v1/namespaces', { metadata: { name: 'lan' } });
      const { apiVersion } = object('wan');
      const body = {
        apiVersion,
        kind: 'ENI',
        metadata: { name: 'wan' },
        spec: { subnetID: rig.cloud.describeSubnets().subnetSet[0]?.subnetId },
      };
      await rig.request('POST', `${GROUP}/namespaces/lan/enis`, body);
    };
    const ready = () =>
      rig.until('a ready interface', async () => {
        const { status } = (await find(wan)) ?? {};
        const isReady = status?.conditions?.some((each: Wire) => each.status === 'True');
        return isReady ? (status?.networkInterfaceID as string) : undefined;
      });
    await create();
    const eni = await ready();
    await rig.request('DELETE', '/api/v1/namespaces/lan');
    await rig.until('the namespace gone', async () => (await find('/api/v1/namespaces/lan')) === undefined);

    await create();
    expect(await ready()).toBe(eni);
    await controller.end('SIGTERM');
  });

  it('its definition, also when that is deleted while no controller runs', async () => {
    const first = rig.startController();
    const kept = `${GROUP}/namespaces/default/eips/kept`;
    await rig.apply(object('kept'));
    const address = await publicIp(kept);
    await first.end('SIGTERM');
    await rig.request('DELETE', CRD);
    await rig.until('an object that waits', async () => (await find(kept))?.metadata.deletionTimestamp !== undefined);
    const second = rig.startController();
    await rig.until('the definition gone', async () => (await find(CRD)) === undefined);
    await second.end('SIGTERM');
    expect(allocated()).toEqual([address]);

    await rig.applyFiles('daemonset/crds', 'eips.aws.k8s.logmein.com.yaml');
    await rig.until('the kind', () =>
      rig.apply(object('kept')).then(
        () => true,
        () => false,
      ),
    );
    rig.startController();
    expect(await publicIp(kept)).toBe(address);
    expect(allocated()).toEqual([address]);
  });
});
