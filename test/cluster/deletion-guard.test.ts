import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeRequest } from '../../lib/kube/client.ts';
import { whyNoControlPlane } from '../support/control-plane.ts';
import { merge } from './admission-requests.ts';
import { type AdmissionRig, startAdmissionRig } from './admission-rig.ts';

const why = whyNoControlPlane();
if (why) console.warn(`the deletion guard on a real API server skipped: ${why}`);

const NAMESPACE = '/api/v1/namespaces/eni-agent-system';
const DEFINITION = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/eips.aws.k8s.logmein.com';
const OTHER = '/api/v1/namespaces/other';
const remove = (path: string): KubeRequest => ({ method: 'DELETE', path });

describe.skipIf(why !== undefined)(`the deletion guard on a real API server${why ? ` (skipped: ${why})` : ''}`, () => {
  let rig: AdmissionRig;

  beforeAll(async () => {
    rig = await startAdmissionRig();
    await rig.apply(
      'daemonset/base/namespace.yaml',
      'daemonset/crds/eips.aws.k8s.logmein.com.yaml',
      'daemonset/components/deletion-guard',
    );
    await rig.admin.request({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name: 'other' } } });
    for (const path of [NAMESPACE, DEFINITION])
      await rig.untilDenied(rig.admin, { ...remove(path), query: { dryRun: 'All' } });
  }, 120_000);
  afterAll(() => rig?.close());

  it.each([
    ['the namespace', NAMESPACE],
    ['a definition', DEFINITION],
  ])('keeps %s until its annotation allows the deletion, and names the way out', async (_what, path) => {
    const refused = await rig.verdict(rig.admin, remove(path));
    await rig.admin.request(merge(path, { metadata: { annotations: { 'eni-agent.io/allow-deletion': 'true' } } }));

    expect(refused).toContain('remove the controller first');
    expect(refused).toContain('eni-agent.io/allow-deletion=true');
    expect(await rig.verdict(rig.admin, remove(path))).toBe('allowed');
  });

  it('keeps nothing else', async () => {
    expect(await rig.verdict(rig.admin, remove(OTHER))).toBe('allowed');
  });
});
