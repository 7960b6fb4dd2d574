import { describe, expect, it } from 'vitest';
import { NodeExchange } from '../../../agent/node/exchange.ts';
import { podListener } from '../../../agent/node/pod-watch.ts';
import { ip } from '../../../lib/model/ip.ts';
import type { Pod, PodCondition } from '../../../lib/model/pod.ts';

const READY: PodCondition = { type: 'Ready', status: 'True', reason: '', message: '' };
const ASSIGNED: PodCondition = { ...READY, type: 'eni-agent.io/AddressesAssigned', reason: 'Assigned' };

const STATUS = 'k8s.v1.cni.cncf.io/network-status';
const POD: Pod = {
  namespace: 'default',
  name: 'pod',
  uid: 'u',
  nodeName: 'n',
  phase: 'Running',
  terminating: false,
  hostNetwork: false,
  podIps: [ip('10.0.0.9')],
  labels: { 'eip.materialize.cloud/manage': 'true' },
  annotations: { 'eni-agent.io/eip': 'auto', [STATUS]: '[]' },
  conditions: [READY],
  finalizers: [],
};

/** What is published for each change, in order. */
function listen(definitionsAreNews = false) {
  const exchange = new NodeExchange();
  const said: string[] = [];
  exchange.changed.subscribe(() => said.push('changed'));
  exchange.podReports.subscribe(() => said.push('reports'));
  const asked: string[][] = [];
  const listener = podListener(exchange, {
    prefetch: (names) => {
      asked.push([...names]);
      return Promise.resolve(definitionsAreNews);
    },
  });
  return { said, asked, listener };
}

describe('podListener', () => {
  it.each([
    ['the echo of our own report', { conditions: [READY, ASSIGNED] }],
    ['a container that is not ready any more', { conditions: [] }],
    [
      'our list of addresses',
      { annotations: { 'eni-agent.io/addresses': '[]', 'eni-agent.io/eip': 'auto', [STATUS]: '[]' } },
    ],
  ])('lets no loop plan again for %s', (_what, change: Partial<Pod>) => {
    const { said, listener } = listen();
    listener({ ...POD, ...change }, POD);
    listener(POD, { ...POD, ...change });
    expect(said).toEqual(['reports', 'reports']);
  });

  const OTHERS = {
    uid: 'another',
    nodeName: 'elsewhere',
    phase: 'Succeeded',
    terminating: true,
    hostNetwork: true,
    podIps: [],
    labels: {},
    annotations: { 'eni-agent.io/eip': 'auto', 'eni-agent.io/addresses': '[]' },
    finalizers: ['somebody/holds'],
  } as const satisfies Partial<Pod>;

  it.each(Object.entries(OTHERS))('lets every loop look when the %s of a pod changes', (field, value) => {
    const { said, listener } = listen();
    listener({ ...POD, [field]: value, conditions: [ASSIGNED] }, POD);
    expect(said).toEqual(['changed']);
  });

  it('lets every loop look at a pod that is new, or gone', () => {
    const { said, listener } = listen();
    listener(POD, undefined);
    expect(said).toEqual(['changed']);
  });

  it.each([
    [true, ['reports', 'changed']],
    [false, ['reports']],
  ])('lets every loop look when the definition of a network had to be read: %s', async (isNews, expected) => {
    const { said, asked, listener } = listen(isNews);
    const annotations = { [STATUS]: JSON.stringify([{ name: 'default/multus', interface: 'net1', ips: [] }]) };
    listener({ ...POD, annotations, conditions: [] }, { ...POD, annotations });
    await Promise.resolve();
    expect(asked).toEqual([['default/multus']]);
    expect(said).toEqual(expected);
  });
});
