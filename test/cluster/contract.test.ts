import { Agent, fetch } from 'undici';
import { describe } from 'vitest';
import { describeKubeContract } from '../contract/kube-suite/suite.ts';
import type { KubeTarget } from '../contract/kube-suite/target.ts';
import { startControlPlane } from '../support/control-plane.ts';

describe('the real API server', () => {
  describeKubeContract(openRealServer);
});

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
