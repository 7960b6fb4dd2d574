import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askOwnNodeOnly } from '../../agent/doctor/kube-questions.ts';
import type { KubeClient, KubeRequest } from '../../lib/kube/client.ts';
import { whyNoControlPlane } from '../support/control-plane.ts';
import {
  ANNOTATION,
  annotate,
  CONDITION,
  changesNode,
  condition,
  EVENTS,
  event,
  FLOATING,
  hands,
  LEASES,
  label,
  merge,
  NODES,
  newLease,
  nodeCondition,
  PODS,
  serves,
  status,
  strategic,
} from './admission-requests.ts';
import { type AdmissionRig, startAdmissionRig } from './admission-rig.ts';

const why = whyNoControlPlane();
if (why) console.warn(`admission policies on a real API server skipped: ${why}`);

const OTHER_TAINT = { key: 'example.com/kept', effect: 'NoSchedule' };

type Who = 'agent on n1' | 'agent without a node' | 'controller';

/** Who, what, and a part of the refusal; `allowed` where there is none. Each request rests on what those before it left. */
const TABLE: readonly (readonly [Who, string, KubeRequest, string])[] = [
  ['agent on n1', 'tells the addresses of a pod on its node', annotate('one', { [ANNOTATION]: '[]' }), 'allowed'],
  ['agent on n1', 'tells the addresses of a pod on another node', annotate('two', { [ANNOTATION]: '[]' }), 'own node'],
  ['agent without a node', 'tells the addresses of a pod', annotate('one', { [ANNOTATION]: '[1]' }), 'own node'],
  ['agent on n1', 'writes its condition', condition('one', CONDITION), 'allowed'],
  [
    'agent on n1',
    'writes external-dns’s target',
    annotate('one', { 'external-dns.alpha.kubernetes.io/target': '1.2.3.4' }),
    'allowed',
  ],
  [
    'agent on n1',
    'writes the public-IP label',
    label('one', { 'aws-pod-eip-controller-public-ip': '1.2.3.4' }),
    'allowed',
  ],
  ['agent on n1', 'takes its label off', label('one', { 'aws-pod-eip-controller-public-ip': null }), 'allowed'],
  ['agent on n1', 'writes a label that selects', label('one', { app: 'bank' }), 'only these labels'],
  ['agent on n1', 'takes a label off', label('one', { team: null }), 'only these labels'],
  ['agent on n1', 'changes a label', label('one', { team: 'b' }), 'only these labels'],
  [
    'agent on n1',
    'forges network-status',
    annotate('one', { 'k8s.v1.cni.cncf.io/network-status': '[]' }),
    'only these annotations',
  ],
  [
    'agent on n1',
    'forges a handover',
    annotate('one', { 'eni-agent.io/eip-handover': 'eipalloc-1' }),
    'only these annotations',
  ],
  ['agent on n1', 'takes an annotation off', annotate('one', { note: null }), 'only these annotations'],
  ['agent on n1', 'writes Ready', condition('one', 'Ready'), 'only these conditions'],
  [
    'agent on n1',
    'changes the pod’s IP',
    merge(`${PODS}/one/status`, { status: { podIP: '10.9.9.9', podIPs: [{ ip: '10.9.9.9' }] } }),
    'nothing in the status',
  ],
  ['agent on n1', 'ends the pod', status('one', { phase: 'Succeeded' }), 'nothing in the status'],
  [
    'agent on n1',
    'adds a finalizer',
    strategic(`${PODS}/one/status`, { metadata: { finalizers: ['a.b/c'] } }),
    'finalizers',
  ],
  [
    'agent on n1',
    'changes the pod itself',
    merge(`${PODS}/one`, { metadata: { annotations: { [ANNOTATION]: '' } } }),
    'forbidden',
  ],

  ['agent on n1', 'makes the Lease of a FloatingIP', newLease('floating-ip-vip', 'n1'), 'allowed'],
  ['agent on n1', 'makes one for another node', newLease('floating-ip-other', 'n2'), 'its own node'],
  [
    'agent on n1',
    'makes the controller’s Lease',
    newLease('eni-agent-controller', 'n1'),
    'only the Leases of FloatingIPs',
  ],
  ['controller', 'makes its Lease', newLease('eni-agent-controller', 'replica-1'), 'allowed'],
  ['controller', 'makes another Lease', newLease('floating-ip-b', 'n1'), 'only the Lease by which'],

  ['agent on n1', 'says that it serves', serves('n1'), 'allowed'],
  ['agent on n1', 'says that another serves', serves('n2'), 'own node'],
  ['agent on n1', 'says that nobody does', serves(null), 'allowed'],
  ['agent without a node', 'says that nobody does', serves(null), 'own node'],
  ['agent on n1', 'changes its spec', merge(`${FLOATING}/vip`, { spec: { addresses: ['10.0.0.9'] } }), 'forbidden'],

  ['agent on n1', 'writes an Event', event('n1'), 'allowed'],
  ['agent on n1', 'writes one about a FloatingIP', event('n1', 'eni-agent', 'FloatingIP'), 'allowed'],
  ['agent on n1', 'writes one for another node', event('n2'), 'its own node'],
  ['agent on n1', 'writes one as the kubelet', event('n1', 'kubelet'), 'its own node'],
  ['agent on n1', 'writes one about a node', event('n1', 'eni-agent', 'Node'), 'pods and FloatingIPs only'],

  [
    'agent on n1',
    'reports on the interfaces of its node',
    nodeCondition('n1', 'eni-agent.io/NodeENIsReady'),
    'allowed',
  ],
  [
    'agent on n1',
    'reports on those of another node',
    nodeCondition('n2', 'eni-agent.io/NodeENIsReady'),
    'its own node',
  ],
  ['agent on n1', 'says that its node is ready', nodeCondition('n1', 'Ready'), 'nothing in the status'],
  [
    'agent on n1',
    'labels its node',
    merge(`${NODES}/n1`, { metadata: { labels: { 'eni-agent.io/node-enis': 'ready' } } }),
    'allowed',
  ],
  [
    'agent on n1',
    'writes another label of it',
    merge(`${NODES}/n1`, { metadata: { labels: { role: 'x' } } }),
    'only the label',
  ],
  [
    'agent on n1',
    'annotates it',
    merge(`${NODES}/n1`, { metadata: { annotations: { 'eni-agent.io/node-enis': '{}' } } }),
    'annotations',
  ],
  ['agent on n1', 'cordons it', merge(`${NODES}/n1`, { spec: { unschedulable: true } }), 'nothing in the spec'],
  [
    'agent on n1',
    'takes the taint of a node that joins off',
    merge(`${NODES}/n1`, { spec: { taints: [OTHER_TAINT] } }),
    'allowed',
  ],
  ['agent on n1', 'takes another taint off', merge(`${NODES}/n1`, { spec: { taints: [] } }), 'nothing in the spec'],
  [
    'agent on n1',
    'puts a finalizer on it',
    merge(`${NODES}/n1`, { metadata: { finalizers: ['a.b/c'] } }),
    'annotations, finalizers',
  ],
  [
    'agent on n1',
    'taints it',
    merge(`${NODES}/n1`, { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }),
    'nothing in the spec',
  ],

  [
    'controller',
    'hands an EIP over',
    hands('two', { annotations: { 'eni-agent.io/eip-handover': 'eipalloc-1' } }),
    'allowed',
  ],
  [
    'controller',
    'shows an allocation id',
    hands('two', { annotations: { 'eip.materialize.cloud/allocation_id': 'eipalloc-1' } }),
    'allowed',
  ],
  ['controller', 'writes another annotation', hands('two', { annotations: { note: 'x' } }), 'only these annotations'],
  ['controller', 'labels a pod', hands('two', { labels: { app: 'bank' } }), 'labels'],
  [
    'controller',
    'takes the old operator’s finalizer off',
    hands('two', { finalizers: ['example.com/kept'] }),
    'allowed',
  ],
  ['controller', 'takes another finalizer off', hands('two', { finalizers: [] }), 'finalizers'],
  [
    'controller',
    'changes a pod’s IP',
    merge(`${PODS}/two/status`, { status: { podIP: '10.9.9.9' } }),
    'neither spec nor status',
  ],
  [
    'controller',
    'changes a pod’s image',
    strategic(`${PODS}/two`, { spec: { containers: [{ name: 'c', image: 'evil' }] } }),
    'forbidden',
  ],
  [
    'controller',
    'writes the egress label',
    changesNode({ metadata: { labels: { 'egress-gateway.materialize.cloud/ready-status': 'true' } } }),
    'allowed',
  ],
  [
    'controller',
    'writes another label of a node',
    changesNode({ metadata: { labels: { role: 'x' } } }),
    'only these labels',
  ],
  [
    'controller',
    'announces interfaces to a node',
    changesNode({ metadata: { annotations: { 'eni-agent.io/node-enis': '[]' } } }),
    'allowed',
  ],
  ['controller', 'puts a finalizer on a node', changesNode({ metadata: { finalizers: ['a.b/c'] } }), 'finalizers'],
  ['controller', 'cordons a node', changesNode({ spec: { unschedulable: true } }), 'neither spec nor status'],
  ['controller', 'annotates a node', changesNode({ metadata: { annotations: { a: 'b' } } }), 'only this annotation'],
  [
    'controller',
    'takes the old operator’s finalizer off a node',
    changesNode({ metadata: { finalizers: null } }),
    'allowed',
  ],
];

describe.skipIf(why !== undefined)(
  `the admission policies on a real API server${why ? ` (skipped: ${why})` : ''}`,
  () => {
    let rig: AdmissionRig;
    const who = new Map<Who, KubeClient>();
    const agent = () => who.get('agent on n1') as KubeClient;

    beforeAll(async () => {
      rig = await startAdmissionRig();
      const { admin } = rig;
      await rig.apply(
        'daemonset/base/namespace.yaml',
        'daemonset/base/service-account.yaml',
        'daemonset/base/rbac.yaml',
        'daemonset/controller/service-account.yaml',
        'daemonset/controller/rbac.yaml',
        'daemonset/crds/floatingip.yaml',
        'daemonset/components/own-node-only',
        'daemonset/components/controller-limits',
      );
      for (const name of ['n1', 'n2']) {
        const finalizers = name === 'n2' ? ['eip.materialize.cloud/disassociate_node'] : [];
        const taints = name === 'n1' ? [{ key: 'eni-agent.io/not-ready', effect: 'NoSchedule' }, OTHER_TAINT] : [];
        const body = { metadata: { name, finalizers }, spec: { taints } };
        await admin.request({ method: 'POST', path: '/api/v1/nodes', body });
      }
      const create = (name: string, nodeName: string, serviceAccountName?: string) => {
        const namespace = serviceAccountName ? 'eni-agent-system' : 'default';
        const metadata = {
          name,
          labels: { team: 'a' },
          annotations: { note: 'kept' },
          finalizers: name === 'two' ? ['eip.materialize.cloud/disassociate', 'example.com/kept'] : [],
        };
        const spec = {
          nodeName,
          ...(serviceAccountName && { serviceAccountName }),
          containers: [{ name: 'c', image: 'i' }],
        };
        return admin.request({
          method: 'POST',
          path: `/api/v1/namespaces/${namespace}/pods`,
          body: { metadata, spec },
        });
      };
      await create('one', 'n1');
      await create('two', 'n2');
      await create('agent-1', 'n1', 'eni-agent');
      await create('controller-1', 'n1', 'eni-agent-controller');
      await admin.request(
        status('one', {
          phase: 'Running',
          podIP: '10.0.0.5',
          podIPs: [{ ip: '10.0.0.5' }],
          conditions: [{ type: 'Ready', status: 'False' }],
        }),
      );
      who.set('agent on n1', rig.clientFor(await rig.tokenOf('eni-agent', 'agent-1')));
      who.set('agent without a node', rig.clientFor(await rig.tokenOf('eni-agent')));
      who.set('controller', rig.clientFor(await rig.tokenOf('eni-agent-controller', 'controller-1')));
      const vip = {
        apiVersion: 'eni-agent.io/v1alpha1',
        kind: 'FloatingIP',
        metadata: { name: 'vip' },
        spec: { addresses: ['10.0.0.8'] },
      };
      for (let tries = 0; tries < 100; tries += 1) {
        if ((await rig.verdict(admin, { method: 'POST', path: FLOATING, body: vip })) === 'allowed') break;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const controller = who.get('controller') as KubeClient;
      const dry = (request: KubeRequest) => ({ ...request, query: { dryRun: 'All' } });
      await rig.untilDenied(agent(), dry(annotate('two', { [ANNOTATION]: 'x' })));
      await rig.untilDenied(agent(), dry(newLease('floating-ip-x', 'n2')));
      await rig.untilDenied(agent(), dry(serves('n2')));
      await rig.untilDenied(agent(), dry(event('n2')));
      await rig.untilDenied(controller, dry(merge(`${PODS}/two/status`, { metadata: { labels: { a: 'b' } } })));
      await rig.untilDenied(controller, dry(changesNode({ metadata: { labels: { a: 'b' } } })));
      await rig.untilDenied(controller, dry(newLease('x', 'y')));
    }, 120_000);
    afterAll(() => rig?.close());

    it.each(TABLE)('%s %s', async (account, _what, request, expected) => {
      const answer = await rig.verdict(who.get(account) as KubeClient, request);

      expect(answer).toContain(expected);
      expect(answer === 'allowed').toBe(expected === 'allowed');
    });

    it.each([
      ['renews its own', 'n1', { holderIdentity: 'n1', leaseTransitions: 1 }, 'allowed'],
      ['gives its own up', 'n1', { holderIdentity: '' }, 'allowed'],
      ['takes one over, as after the loss of its holder', 'n2', { holderIdentity: 'n1' }, 'allowed'],
      ['hands its own to another node', 'n1', { holderIdentity: 'n2' }, 'its own node'],
      ['frees that of another node', 'n2', { holderIdentity: '' }, 'its own node'],
      ['renews that of another node', 'n2', { holderIdentity: 'n2', leaseTransitions: 9 }, 'its own node'],
    ])('agent on n1 with a Lease of a FloatingIP: %s', async (_what, holder, spec, expected) => {
      const name = `floating-ip-${Math.random().toString(36).slice(2)}`;
      const lease = await rig.admin.request<{ metadata: object }>(newLease(name, holder));
      const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: lease.metadata, spec };

      const answer = await rig.verdict(agent(), { method: 'PUT', path: `${LEASES}/${name}`, body });

      expect(answer).toContain(expected);
    });

    it('agent on n1 cannot replace the controller’s Lease', async () => {
      const path = `${LEASES}/eni-agent-controller`;
      const lease = await rig.admin.request<object>({ method: 'GET', path });

      const answer = await rig.verdict(agent(), {
        method: 'PUT',
        path,
        body: { ...lease, spec: { holderIdentity: 'n1' } },
      });

      expect(answer).toContain('only the Leases of FloatingIPs');
    });

    it.each([
      ['owner', { ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name: 'n1', uid: 'x' }] }],
      ['mark', { labels: { 'eni-agent.io/floating-ip': '' } }],
      ['name', { annotations: { 'eni-agent.io/floating-ip': 'other' } }],
    ])('agent on n1 cannot give the Lease that it holds another %s', async (_what, metadata) => {
      const name = `floating-ip-${Math.random().toString(36).slice(2)}`;
      const lease = await rig.admin.request<{ metadata: object }>(newLease(name, 'n1'));
      const body = { ...lease, metadata: { ...lease.metadata, ...metadata } };

      const answer = await rig.verdict(agent(), { method: 'PUT', path: `${LEASES}/${name}`, body });

      expect(answer).toContain("whose a FloatingIP's Lease is");
    });

    it('agent on n1 cannot make an Event of another node its own', async () => {
      const written = await rig.admin.request<{ metadata: { name: string } }>(event('n2'));
      const own = { source: { component: 'eni-agent', host: 'n1' }, reportingInstance: 'n1' };

      const answer = await rig.verdict(agent(), strategic(`${EVENTS}/${written.metadata.name}`, own));

      expect(answer).toContain('only Events that it wrote');
    });

    it('agent on n1 counts up an Event that it wrote', async () => {
      const written = await agent().request<{ metadata: { name: string } }>(event('n1'));

      expect(await rig.verdict(agent(), strategic(`${EVENTS}/${written.metadata.name}`, { count: 2 }))).toBe('allowed');
    });

    it('agent on n1 changes nothing of a FloatingIP but its status', async () => {
      const answer = await rig.verdict(
        agent(),
        merge(`${FLOATING}/vip/status`, { metadata: { labels: { app: 'bank' } }, status: { node: 'n1' } }),
      );
      const { metadata } = await rig.admin.request<{ metadata: { labels?: object } }>({
        method: 'GET',
        path: `${FLOATING}/vip`,
      });

      // The API server leaves metadata out of a write to the status of a custom resource before it asks the policy.
      expect(answer === 'allowed' || answer.includes('but its status')).toBe(true);
      expect(metadata.labels).toBeUndefined();
    });

    it('agent on n1 cannot change Events of others', async () => {
      const written = await rig.admin.request<{ metadata: { name: string } }>(event('n2'));

      const answer = await rig.verdict(agent(), strategic(`${EVENTS}/${written.metadata.name}`, { count: 2 }));

      expect(answer).toContain('its own node');
    });

    it('doctor finds by a dry run that the agent is kept from pods of other nodes, asks no person, and changes nothing', async () => {
      const signal = AbortSignal.timeout(10_000);
      const versions = async () => {
        const { items } = await rig.admin.request<{ items: { metadata: { name: string; resourceVersion: string } }[] }>(
          {
            method: 'GET',
            path: '/api/v1/pods',
          },
        );
        return items.map(({ metadata }) => [metadata.name, metadata.resourceVersion]);
      };
      const before = await versions();

      expect(await askOwnNodeOnly(agent(), 'n1', signal)).toEqual({ kind: 'known', value: true });
      // To the policy the agent is on n1 whatever it says of itself: the pods "of another node" are its own.
      expect(await askOwnNodeOnly(agent(), 'n2', signal)).toEqual({ kind: 'known', value: false });
      expect(await askOwnNodeOnly(rig.admin, 'n1', signal)).toMatchObject({ kind: 'skipped' });
      expect(await versions()).toEqual(before);
    });
  },
);
