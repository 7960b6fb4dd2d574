import { expect, it } from 'vitest';
import { pod } from './objects.ts';
import type { Bench } from './suite.ts';

const networkStatus = 'k8s.v1.cni.cncf.io/network-status';

export function describeStatus({ wires, core, namespace }: Bench): void {
  const pods = `${core}/pods`;

  it('a patch of pods/status keeps annotations and labels, as Multus needs, and ignores the spec', async () => {
    await wires.post(pods, pod('multus'));
    const { code, body } = await wires.merge(`${pods}/multus/status`, {
      metadata: { annotations: { [networkStatus]: '[]' }, labels: { seen: 'yes' } },
      spec: { nodeName: 'ignored', containers: [{ name: 'ignored', image: 'ignored' }] },
      status: { podIP: '10.0.0.9', phase: 'Running' },
    });
    expect(code).toBe(200);
    expect(body.metadata).toMatchObject({ annotations: { [networkStatus]: '[]' }, labels: { seen: 'yes' } });
    expect(body.spec['nodeName']).toBeUndefined();
    expect(body.spec['containers']).toMatchObject([{ name: 'main' }]);
    expect(body.status).toMatchObject({ podIP: '10.0.0.9', podIPs: [{ ip: '10.0.0.9' }], phase: 'Running' });
  });

  it('an update of pods/status does the same', async () => {
    const { body: read } = await wires.post(pods, pod('put-status'));
    read.metadata.annotations = { a: 'b' };
    read.status['phase'] = 'Running';
    const { body } = await wires.put(`${pods}/put-status/status`, read);
    expect(body).toMatchObject({ metadata: { annotations: { a: 'b' } }, status: { phase: 'Running' } });
  });

  it('a patch of the pod itself ignores the status', async () => {
    await wires.post(pods, pod('main-only'));
    const { body } = await wires.merge(`${pods}/main-only`, {
      metadata: { annotations: { a: 'b' } },
      status: { podIP: '10.0.0.9', phase: 'Running' },
    });
    expect(body.metadata.annotations).toEqual({ a: 'b' });
    expect(body.status['podIP']).toBeUndefined();
    expect(body.status['phase']).toBe('Pending');
  });

  it('GET of pods/status is the pod', async () => {
    await wires.post(pods, pod('whole'));
    expect((await wires.get(`${pods}/whole/status`)).body).toMatchObject({ kind: 'Pod', metadata: { name: 'whole' } });
  });

  it('a patch of nodes/status changes addresses and labels', async () => {
    const name = `node-${namespace}`;
    await wires.post('/api/v1/nodes', { metadata: { name }, spec: { providerID: 'aws:///us-east-1a/i-1' } });
    const { body } = await wires.patch(`/api/v1/nodes/${name}/status`, 'strategic-merge-patch+json', {
      metadata: { labels: { a: 'b' } },
      status: { addresses: [{ type: 'InternalIP', address: '10.0.0.1' }] },
    });
    expect(body.metadata.labels).toMatchObject({ a: 'b' });
    expect(body.spec).toMatchObject({ providerID: 'aws:///us-east-1a/i-1' });
    expect(body.status['addresses']).toEqual([{ type: 'InternalIP', address: '10.0.0.1' }]);
    expect((await wires.delete(`/api/v1/nodes/${name}`)).body).toMatchObject({ kind: 'Status', status: 'Success' });
  });

  it('a pod is bound to a node once', async () => {
    await wires.post(pods, pod('bound'));
    const bind = (node: string) =>
      wires.post(`${pods}/bound/binding`, {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'bound' },
        target: { kind: 'Node', name: node },
      });
    expect((await bind('first')).code).toBe(201);
    expect((await bind('second')).code).toBe(409);
    expect((await wires.get(`${pods}/bound`)).body.spec['nodeName']).toBe('first');
  });
}
