import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../lib/runtime/clock.ts';
import { startScriptedApi } from './scripted-api.ts';

describe('a request to the API server', () => {
  it.each(['POST', 'PUT', 'PATCH', 'DELETE'] as const)(
    '%s carries the length of its body in bytes, so that the next one on the connection is understood',
    async (method) => {
      const api = await startScriptedApi(() => ({}));
      onTestFinished(() => api.close());
      const client = api.client(systemClock());
      const body = { preconditions: { uid: 'ü' } };
      await client.request({ method, path: '/a', body });
      await client.request({ method: 'GET', path: '/b' });

      expect(api.calls.map(({ path }) => path)).toEqual(['/a', '/b']);
      expect(api.calls[0]).toMatchObject({
        body,
        headers: { 'content-length': String(Buffer.byteLength(JSON.stringify(body))) },
      });
      expect(new Set(api.calls.map(({ port }) => port)).size).toBe(1);
    },
  );
});
