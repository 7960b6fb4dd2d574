import { afterEach, describe, expect, it } from 'vitest';
import { createNadCache } from '../../../lib/kube/nads.ts';
import { type Answer, startScriptedApi } from './scripted-api.ts';
import { manualClock } from './time.ts';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(answers: Answer[]) {
  const api = await startScriptedApi(() => answers.shift() ?? { status: 500 });
  cleanups.push(() => api.close());
  const clock = manualClock();
  const errors: string[] = [];
  const nads = createNadCache({
    client: api.client(clock),
    clock,
    signal: new AbortController().signal,
    onError: (name) => errors.push(name),
  });
  return { api, clock, nads, errors };
}

function nad(floating: string): Answer {
  return { body: { metadata: { annotations: { 'eni-agent.io/floating-ips': floating } }, spec: { config: '{}' } } };
}

describe('createNadCache', () => {
  it('reads a definition once a minute, however many ask', async () => {
    const { api, clock, nads } = await start([nad('*'), nad('10.0.0.0/24')]);
    await nads.prefetch(['ns/macvlan', 'ns/macvlan']);
    expect(await Promise.all([1, 2].map(() => nads.floatingDeclaration('ns/macvlan')))).toEqual(['*', '*']);
    expect(api.calls.map(({ path }) => path)).toEqual([
      '/apis/k8s.cni.cncf.io/v1/namespaces/ns/network-attachment-definitions/macvlan',
    ]);

    await clock.advance(60_000);
    expect(nads.peek('ns/macvlan')).toMatchObject({ annotations: { 'eni-agent.io/floating-ips': '*' } });
    expect(await nads.floatingDeclaration('ns/macvlan')).toBe('10.0.0.0/24');
  });

  it.each([
    [404, 'absent', []],
    [403, 'forbidden', ['ns/x']],
  ])('remembers the answer %d as %s', async (status, state, reported) => {
    const { api, nads, errors } = await start([{ status }]);
    expect(await nads.get('ns/x')).toEqual({ state });
    expect(await nads.floatingDeclaration('ns/x')).toBeUndefined();
    expect(api.calls).toHaveLength(1);
    expect(errors).toEqual(reported);
  });

  it('keeps the last known definition while the API server is unavailable', async () => {
    const { clock, nads, errors } = await start([nad('*'), { status: 503 }]);
    await nads.get('ns/x');
    await clock.advance(60_000);
    expect(await nads.floatingDeclaration('ns/x')).toBe('*');
    expect(errors).toEqual(['ns/x']);
  });

  it('asks again soon when there was no answer at all', async () => {
    const { clock, nads } = await start([{ status: 503 }, nad('*')]);
    expect(await nads.get('ns/x')).toEqual({ state: 'unavailable' });
    await clock.advance(2_000);
    expect(await nads.floatingDeclaration('ns/x')).toBe('*');
  });

  it('never asks for the default network, whose name is not a definition', async () => {
    const { api, nads } = await start([]);
    expect(await nads.get('aws-cni')).toEqual({ state: 'absent' });
    expect(api.calls).toEqual([]);
  });
});
