import { describe, expect, it } from 'vitest';
import { instanceIdOf } from '../../../lib/kube/node.ts';
import { podConverter } from '../../../lib/kube/pods.ts';

const RAW = {
  metadata: {
    namespace: 'ns',
    name: 'a',
    uid: 'u',
    resourceVersion: '7',
    labels: { app: 'x', 'aws-pod-eip-controller-type': 'auto', 'eip.materialize.cloud/manage': 'true' },
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': '{"big":true}',
      'k8s.v1.cni.cncf.io/network-status': '[]',
      'eni-agent.io/floating-ips': '*',
      'vpc.amazonaws.com/pod-eni': '[]',
      'vpc.amazonaws.com/other': 'x',
    },
    finalizers: ['eip.materialize.cloud/disassociate'],
    deletionTimestamp: '2026-11-21T10:00:00Z',
    managedFields: [{}],
  },
  spec: { nodeName: 'n1', hostNetwork: true, containers: [] },
  status: {
    phase: 'Running',
    podIP: '10.0.0.5',
    podIPs: [{ ip: '10.0.0.5' }, { ip: '2001:DB8::5' }],
    conditions: [
      { type: 'Ready', status: 'True', lastTransitionTime: 'x' },
      { type: 'PodScheduled', status: 'True' },
      { type: 'eni-agent.io/AddressesAssigned', status: 'False', reason: 'Throttled', message: 'm' },
    ],
  },
};

describe('podConverter', () => {
  it('keeps what has a meaning and drops the rest', () => {
    expect(podConverter()(RAW)).toEqual({
      namespace: 'ns',
      name: 'a',
      uid: 'u',
      nodeName: 'n1',
      phase: 'Running',
      terminating: true,
      hostNetwork: true,
      podIps: ['10.0.0.5', '2001:db8::5'],
      labels: { 'aws-pod-eip-controller-type': 'auto', 'eip.materialize.cloud/manage': 'true' },
      annotations: {
        'k8s.v1.cni.cncf.io/network-status': '[]',
        'eni-agent.io/floating-ips': '*',
        'vpc.amazonaws.com/pod-eni': '[]',
      },
      conditions: [
        { type: 'Ready', status: 'True', reason: '', message: '' },
        { type: 'eni-agent.io/AddressesAssigned', status: 'False', reason: 'Throttled', message: 'm' },
      ],
      finalizers: ['eip.materialize.cloud/disassociate'],
    });
  });

  it('takes a pod with nothing in it, as it is before it was scheduled', () => {
    const bare = podConverter()({ metadata: { namespace: 'ns', name: 'a' } });
    expect(bare).toMatchObject({
      uid: '',
      nodeName: '',
      phase: 'Unknown',
      terminating: false,
      podIps: [],
      labels: {},
      annotations: {},
    });
  });

  it('reads podIP when podIPs is missing and leaves out what is not an address', () => {
    const convert = podConverter();
    const withStatus = (status: object) => convert({ ...RAW, status } as never).podIps;
    expect(withStatus({ podIP: '10.0.0.5' })).toEqual(['10.0.0.5']);
    expect(withStatus({ podIPs: [{ ip: '010.0.0.5' }, {}] })).toEqual([]);
  });

  it('keeps other keys when told to', () => {
    const convert = podConverter({ annotations: [], labels: ['app'] });
    expect(convert(RAW)).toMatchObject({ labels: { app: 'x' }, annotations: {} });
  });
});

describe('instanceIdOf', () => {
  it.each([
    ['aws:///us-east-1a/i-0abc123', 'i-0abc123'],
    ['aws:///us-east-1a/fargate-ip-10-0-0-1', undefined],
    ['gce://project/zone/i-1', undefined],
  ])('%s → %s', (providerId, expected) => expect(instanceIdOf(providerId)).toBe(expected));
});
