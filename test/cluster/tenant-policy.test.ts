import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeRequest } from '../../lib/kube/client.ts';
import { customResourceDefinition } from '../contract/kube-suite/objects.ts';
import { whyNoControlPlane } from '../support/control-plane.ts';
import { type AdmissionRig, startAdmissionRig } from './admission-rig.ts';

const why = whyNoControlPlane();
if (why) console.warn(`the tenant policy on a real API server skipped: ${why}`);

const PEC = 'aws-samples.github.com/aws-pod-eip-controller';
const TENANTS = {
  'media.floating-ips': '10.0.1.96/28, 10.0.2.4',
  'media.routed-ips': '10.99.0.0/28',
  'media.elastic-ips': 'auto tag:team, eipalloc-1',
  'media.eip-targets': '10.0.3.0/24',
  'media.enis': 'subnet-1, sg-1',
  'media.note': 'no entry of ours',
  'ops.elastic-ips': '*',
  'ops.enis': '*',
  'ops.eip-targets': '*',
};

let serial = 0;
const pod = (namespace: string, annotations: object): KubeRequest => {
  serial += 1;
  const body = { metadata: { name: `p${serial}`, annotations }, spec: { containers: [{ name: 'c', image: 'i' }] } };
  return { method: 'POST', path: `/api/v1/namespaces/${namespace}/pods`, body };
};
const floats = (namespace: string, text: string) => pod(namespace, { 'eni-agent.io/floating-ips': text });
const asks = (namespace: string, text: string) => pod(namespace, { 'eni-agent.io/eip': text });
const eip = (namespace: string, spec: object): KubeRequest => {
  serial += 1;
  const body = { apiVersion: 'aws.k8s.logmein.com/v1alpha1', kind: 'EIP', metadata: { name: `e${serial}` }, spec };
  return { method: 'POST', path: `/apis/aws.k8s.logmein.com/v1alpha1/namespaces/${namespace}/eips`, body };
};
const routes = (namespace: string, text: string) => pod(namespace, { 'eni-agent.io/routed-ips': text });
const eni = (namespace: string, subnetID: string, ...securityGroups: string[]): KubeRequest => {
  serial += 1;
  const spec = { subnetID, ...(securityGroups.length > 0 && { securityGroups }) };
  const body = { apiVersion: 'aws.k8s.logmein.com/v1alpha1', kind: 'ENI', metadata: { name: `i${serial}` }, spec };
  return { method: 'POST', path: `/apis/aws.k8s.logmein.com/v1alpha1/namespaces/${namespace}/enis`, body };
};
const attachment = (namespace: string, text: string): KubeRequest => {
  serial += 1;
  const metadata = { name: `n${serial}`, annotations: { 'eni-agent.io/floating-ips': text } };
  const body = { apiVersion: 'k8s.cni.cncf.io/v1', kind: 'NetworkAttachmentDefinition', metadata };
  return {
    method: 'POST',
    path: `/apis/k8s.cni.cncf.io/v1/namespaces/${namespace}/network-attachment-definitions`,
    body,
  };
};
const forNodes = (namespace: string): KubeRequest => {
  serial += 1;
  const spec = { selector: { node: { selector: { role: 'egress' } } } };
  const body = { apiVersion: 'materialize.cloud/v2', kind: 'Eip', metadata: { name: `z${serial}` }, spec };
  return { method: 'POST', path: `/apis/materialize.cloud/v2/namespaces/${namespace}/eips`, body };
};

const TABLE: readonly (readonly [string, KubeRequest, string])[] = [
  ['a pod that asks for nothing', pod('other', { note: 'x' }), 'allowed'],
  ['a granted address', floats('media', '10.0.2.4'), 'allowed'],
  ['an address and a network within a granted network', floats('media', '10.0.1.100, 10.0.1.96/29'), 'allowed'],
  ['whatever is granted', floats('media', '*'), 'allowed'],
  ['an address beside a granted network', floats('media', '10.0.1.95'), 'floating IPs'],
  ['a wider network', floats('media', '10.0.1.0/24'), 'floating IPs'],
  ['an address, in a namespace without entries', floats('other', '10.0.1.100'), 'floating IPs'],
  ['everything, in a namespace without entries', floats('other', '*'), 'floating IPs'],
  ['a granted routed address', routes('media', '10.99.0.3'), 'allowed'],
  ['another routed address', routes('media', '10.99.0.16'), 'routed IPs'],
  ['a routed address that is granted as a floating one only', routes('media', '10.0.2.4'), 'routed IPs'],
  ['an ENI in a granted subnet', eni('media', 'subnet-1'), 'allowed'],
  ['one with a granted security group', eni('media', 'subnet-1', 'sg-1'), 'allowed'],
  ['one with another security group', eni('media', 'subnet-1', 'sg-1', 'sg-2'), 'security groups'],
  ['one in another subnet', eni('media', 'subnet-2'), 'this subnet'],
  ['an ENI in a namespace without entries', eni('other', 'subnet-1'), 'this subnet'],
  ['an ENI where all is granted', eni('ops', 'subnet-9', 'sg-9'), 'allowed'],
  ['a granted Elastic IP', asks('media', 'auto'), 'allowed'],
  ['several of them with targets', asks('media', 'net1=auto, 10.0.2.4=tag:team=a, eipalloc-1'), 'allowed'],
  ['an Elastic IP by id', asks('media', 'net1=eipalloc-2'), 'Elastic IPs'],
  ['one by another tag', asks('media', 'tag:teams=a'), 'Elastic IPs'],
  ['one of a pool', asks('media', 'auto:ipv4pool-ec2-1'), 'Elastic IPs'],
  ['one where all are granted', asks('ops', 'net1=tag:x=y'), 'allowed'],
  ['as with aws-pod-eip-controller', pod('media', { [`${PEC}-type`]: 'auto' }), 'allowed'],
  ['by fixed-tag', pod('media', { [`${PEC}-type`]: 'fixed-tag', [`${PEC}-fixed-tag`]: 'team' }), 'allowed'],
  ['by another fixed-tag', pod('media', { [`${PEC}-type`]: 'fixed-tag', [`${PEC}-fixed-tag`]: 'nat' }), 'Elastic IPs'],
  ['as with aws-pod-eip-controller, ungranted', pod('other', { [`${PEC}-type`]: 'auto' }), 'Elastic IPs'],
  ['a forged handover', pod('ops', { 'eni-agent.io/eip-handover': 'eipalloc-9' }), 'eip-handover'],
  ['a granted address on a network', attachment('media', '10.0.2.4'), 'allowed'],
  ['another address on a network', attachment('media', '10.0.2.5'), 'floating IPs'],
  [
    'by fixed-tag-value',
    pod('media', { [`${PEC}-type`]: 'fixed-tag-value', [`${PEC}-fixed-tag-value`]: 'team' }),
    'allowed',
  ],
  [
    'by another fixed-tag-value',
    pod('media', { [`${PEC}-type`]: 'fixed-tag-value', [`${PEC}-fixed-tag-value`]: 'nat' }),
    'Elastic IPs',
  ],
  ['an EIP with a public address by name', eip('media', { publicIPAddress: '203.0.113.9' }), 'by name'],
  ['one where all are granted by name', eip('ops', { publicIPAddress: '203.0.113.9' }), 'allowed'],
  ['an EIP for an ENI where all is granted', eip('ops', { assignment: { eni: 'e' } }), 'allowed'],
  ['an EIP for a pod', eip('media', { assignment: { podName: 'p' } }), 'allowed'],
  ['an EIP of a pool', eip('media', { publicIPv4Pool: 'ipv4pool-ec2-1' }), 'Elastic IPs'],
  ['an EIP in a namespace without entries', eip('other', { assignment: { podName: 'p' } }), 'Elastic IPs'],
  ['an EIP for a granted private address', eip('media', { assignment: { privateIPAddress: '10.0.3.9' } }), 'allowed'],
  ['an EIP for another private address', eip('media', { assignment: { privateIPAddress: '10.0.4.9' } }), 'target'],
  ['an EIP for an ENI', eip('media', { assignment: { eni: 'e', eniPrivateIPAddressIndex: 0 } }), 'target'],
  ['an Eip for nodes', forNodes('media'), 'target'],
  ['an Eip for nodes where all is granted', forNodes('ops'), 'allowed'],
];

describe.skipIf(why !== undefined)(`the tenant policy on a real API server${why ? ` (skipped: ${why})` : ''}`, () => {
  let rig: AdmissionRig;
  let withoutConfigMap = '';

  beforeAll(async () => {
    rig = await startAdmissionRig();
    await rig.apply(
      'daemonset/base/namespace.yaml',
      'daemonset/crds/eips.aws.k8s.logmein.com.yaml',
      'daemonset/crds/eips.materialize.cloud.yaml',
      'daemonset/crds/enis.aws.k8s.logmein.com.yaml',
      'daemonset/components/tenant-policy',
    );
    await rig.admin.request({
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      body: customResourceDefinition({
        group: 'k8s.cni.cncf.io',
        plural: 'network-attachment-definitions',
        kind: 'NetworkAttachmentDefinition',
        versions: { v1: false },
      }),
    });
    for (const name of ['media', 'ops', 'other'])
      await rig.admin.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name } } });
    const dry = (request: KubeRequest) => ({ ...request, query: { dryRun: 'All' } });
    withoutConfigMap = await rig.verdict(rig.admin, dry(floats('other', '10.9.9.9')));
    const path = '/api/v1/namespaces/eni-agent-system/configmaps';
    const body = { metadata: { name: 'eni-agent-tenants' }, data: TENANTS };
    await rig.admin.request({ method: 'POST', path, body });
    await rig.untilDenied(rig.admin, dry(floats('other', '10.9.9.9')));
    await rig.untilDenied(rig.admin, dry(eip('other', { assignment: { podName: 'p' } })));
    await rig.untilDenied(rig.admin, dry(attachment('other', '10.9.9.9')));
    await rig.untilDenied(rig.admin, dry(forNodes('media')));
    await rig.untilDenied(rig.admin, dry(eni('other', 'subnet-1')));
  }, 120_000);
  afterAll(() => rig?.close());

  it('allows everything without the ConfigMap', () => {
    expect(withoutConfigMap).toBe('allowed');
  });

  it.each(TABLE)('%s', async (_what, request, expected) => {
    const answer = await rig.verdict(rig.admin, request);

    expect(answer).toContain(expected);
    expect(answer === 'allowed').toBe(expected === 'allowed');
  });
});
