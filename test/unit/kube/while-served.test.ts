import { afterEach, expect, it } from 'vitest';
import { OwnNodeWatch } from '../../../agent/node/own-node.ts';
import { NODE_ENI_TYPE } from '../../../lib/kube/node-enis.ts';
import { whileServed } from '../../../lib/kube/while-served.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { waitFor } from '../../support/wait-for.ts';
import { type Answer, type Call, type ScriptedApi, startScriptedApi } from './scripted-api.ts';
import { fastClock } from './time.ts';

const apis: ScriptedApi[] = [];
const stop = new AbortController();
afterEach(async () => {
  stop.abort();
  for (const api of apis.splice(0)) await api.close();
});

async function start(answer: (call: Call) => Answer, speed = 1) {
  const api = await startScriptedApi(answer);
  apis.push(api);
  const clock = fastClock(speed);
  return { api, clock, client: api.client(fastClock(1)), random: () => 0.5 };
}

it('asks until the cluster serves the resource, and again when it has gone', async () => {
  const answers: Answer[] = [{ status: 404 }, { status: 500 }, { body: { resources: [{ name: 'nodeenis' }] } }];
  const { api, ...parts } = await start(() => answers.shift() ?? { status: 404 }, 100_000);
  const seen: string[] = [];
  const stopping = new AbortController();

  await whileServed(
    {
      ...parts,
      types: [NODE_ENI_TYPE],
      serve: async () => void seen.push('served'),
      onAbsent: () => {
        seen.push('absent');
        if (seen.length > 4) stopping.abort();
      },
      onProblem: () => seen.push('problem'),
    },
    stopping.signal,
  );

  expect(seen).toEqual(['absent', 'problem', 'served', 'absent', 'absent']);
  expect(new Set(api.calls.map(({ path }) => path))).toEqual(new Set(['/apis/eni-agent.io/v1alpha1']));
});

it('watches its own Node once for all who need it, and not at all when nobody does', async () => {
  const metadata = { name: 'n1', uid: 'u1', resourceVersion: '1', labels: { zone: 'a' } };
  const { api, client, ...parts } = await start(({ query }) =>
    query['watch'] === undefined
      ? { body: { metadata: { resourceVersion: '1' }, items: [{ metadata }] } }
      : (response) => {
          response.writeHead(200, { 'content-type': 'application/json' });
          response.flushHeaders();
        },
  );
  const watch = new OwnNodeWatch({ ...parts, kube: client, nodeName: 'n1', log: silentLogger });
  const triggered = new Set<string>();
  watch.need('floating IPs', () => triggered.add('floating IPs'));
  watch.need('NodeENIs', () => triggered.add('NodeENIs'));
  await waitFor(() => expect(watch.node).toBeDefined());
  watch.need('floating IPs', undefined);
  const watches = () => api.calls.filter(({ path }) => path === '/api/v1/nodes').length;
  const used = watches();
  watch.need('NodeENIs', undefined);
  await watch.close();

  expect(triggered).toEqual(new Set(['floating IPs', 'NodeENIs']));
  expect(used).toBeLessThanOrEqual(2);
  expect(api.calls.every(({ query }) => query['fieldSelector'] === 'metadata.name=n1')).toBe(true);
});
