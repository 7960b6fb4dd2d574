import { Agent, fetch } from 'undici';
import { describe } from 'vitest';
import { customResourceDefinition } from '../contract/kube-suite/objects.ts';
import { describeKubeContract } from '../contract/kube-suite/suite.ts';
import { type KubeTarget, Wires } from '../contract/kube-suite/target.ts';
import { startControlPlane, whyNoControlPlane } from '../support/control-plane.ts';

const reason = whyNoControlPlane();
if (reason) console.warn(`skipped: ${reason}`);

describe.skipIf(reason !== undefined)('the real API server', async () => {
  const customResources = reason === undefined && (await survivesCustomResources());
  if (!reason && !customResources) console.warn('custom resources skipped: this kube-apiserver dies of the first one');
  describeKubeContract(openRealServer, { customResources });
});

/**
 * Kubernetes before 1.23 built with Go 1.18 or later crashes when it decodes a custom resource (its json-iterator
 * iterates maps through a runtime function whose signature has changed). Everything else can still be tested there.
 */
async function survivesCustomResources(): Promise<boolean> {
  await using server = await openRealServer();
  const wires = new Wires(() => server);
  const [group, plural, kind] = ['probe.example', 'probes', 'Probe'];
  const definition = customResourceDefinition({ group, plural, kind, versions: { v1: false } });
  await wires.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', definition);
  const probes = `/apis/${group}/v1/namespaces/default/${plural}`;
  await wires.until(probes, 200);
  const probe = { apiVersion: `${group}/v1`, kind, metadata: { name: 'probe' }, spec: { a: 1 } };
  return await wires.post(probes, probe).then(
    ({ code }) => code === 201,
    () => false,
  );
}

async function openRealServer(): Promise<KubeTarget & AsyncDisposable> {
  const { url, token, close } = await startControlPlane();
  const dispatcher = new Agent({ connect: { rejectUnauthorized: false } });
  const authorized = (input: string, init: RequestInit = {}) => {
    const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` };
    return fetch(input, { ...(init as object), headers, dispatcher }) as unknown as Promise<Response>;
  };
  const dispose = async () => {
    await dispatcher.destroy();
    await close();
  };
  return { baseUrl: url, fetch: authorized, [Symbol.asyncDispose]: dispose };
}
