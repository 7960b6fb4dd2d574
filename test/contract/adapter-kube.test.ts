import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { loadConnection } from '../../lib/kube/connection.ts';
import { startKubeApi } from '../../sim/kube/server.ts';
import { type ApiUnderTest, kubeAdapterSuite } from './adapter-kube-suite.ts';

describe('the adapter on the simulated API server', () => {
  kubeAdapterSuite(startSimulator);
});

/** By way of a kubeconfig file, as a user would point the agent to it. */
async function startSimulator(): Promise<ApiUnderTest> {
  const api = await startKubeApi();
  const dir = await mkdtemp(join(tmpdir(), 'adapter-kube-'));
  const path = join(dir, 'kubeconfig');
  await writeFile(path, api.kubeconfig());
  const connection = await loadConnection({ kubeconfig: path, env: {} });
  await rm(dir, { recursive: true });
  return { connection, stop: api.close };
}
