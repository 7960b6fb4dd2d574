import { afterEach, describe, expect, it } from 'vitest';
import { performKubeStep } from '../../../agent/eip-objects/kube-steps.ts';
import { eipOperator } from '../../../lib/dialect/eip-operator.ts';
import type { ObjectClaim } from '../../../lib/model/eip-objects/eip-object.ts';
import type { ControllerPod } from '../../../lib/model/eip-objects/plan.ts';
import { systemClock } from '../../../lib/runtime/clock.ts';
import { type Answer, type ScriptedApi, startScriptedApi } from '../kube/scripted-api.ts';

let api: ScriptedApi;
afterEach(() => api.close());

/** The Eip that was made for the pod with this uid. */
function eipOf(podUid: string): ObjectClaim {
  const claim = eipOperator.claimOf(
    {
      namespace: 'default',
      name: 'web-0',
      uid: 'uid-of-eip',
      resourceVersion: '7',
      deleting: false,
      finalizers: ['eip.materialize.cloud/destroy'],
      owners: [{ kind: 'Pod', name: 'web-0', uid: podUid }],
      spec: { selector: { pod: { podName: 'web-0' } } },
      status: {},
    },
    { clusterName: 'test', defaultTags: {} },
  );
  if ('reason' in claim) throw new Error(claim.message);
  return claim;
}

const SEEN: ControllerPod = {
  namespace: 'default',
  name: 'web-0',
  uid: 'uid-seen',
  resourceVersion: '5',
  nodeName: 'a',
  phase: 'Running',
  terminating: false,
  hostNetwork: false,
  podIps: [],
  labels: {},
  annotations: {},
  conditions: [],
  finalizers: [],
};

/** Deletes the Eip of another pod than the watch shows, while the API server has `there`. */
async function deleteFor(owner: string, there: Answer) {
  api = await startScriptedApi(({ method }) => (method === 'GET' ? there : { body: {} }));
  const outcome = await performKubeStep(
    { kind: 'delete-eip', key: 'delete uid-of-eip', claim: eipOf(owner), namesake: SEEN },
    { kube: api.client(systemClock()), statusIsSubresource: () => true, signal: AbortSignal.timeout(10_000) },
  );
  return [outcome, ...api.calls.map(({ method }) => method)];
}

describe('an Eip whose owner is another pod of its name than the watch shows', () => {
  it('goes when that pod is gone', async () => {
    const there = { body: { metadata: { name: 'web-0', uid: 'uid-seen' } } };
    expect(await deleteFor('uid-earlier', there)).toEqual(['written', 'GET', 'DELETE']);
  });

  it('goes when no pod of the name is left', async () => {
    expect(await deleteFor('uid-earlier', { status: 404, body: { code: 404 } })).toEqual(['written', 'GET', 'DELETE']);
  });

  it('stays when that pod is there and the watch is late', async () => {
    const there = { body: { metadata: { name: 'web-0', uid: 'uid-later' } } };
    expect(await deleteFor('uid-later', there)).toEqual(['stale', 'GET']);
  });
});
