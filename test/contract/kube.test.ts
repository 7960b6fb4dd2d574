import { describe } from 'vitest';
import { startKubeApi } from '../../sim/kube/server.ts';
import { describeKubeContract } from './kube-suite/suite.ts';

describe('the simulated API server', () => {
  describeKubeContract(async () => {
    const api = await startKubeApi();
    return { baseUrl: api.url, fetch, [Symbol.asyncDispose]: api.close };
  });
});
