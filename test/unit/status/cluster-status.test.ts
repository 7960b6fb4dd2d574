import { describe, expect, it } from 'vitest';
import { readSnapshot, SNAPSHOT_SCHEMA } from '../../../lib/model/status/agent-snapshot.ts';
import { clusterStatus } from '../../../lib/plan/status/cluster-status.ts';
import { concernsAddresses } from '../../../lib/plan/status/pods.ts';
import { agentFact, eniView, factsOf, floatingIp, nodeFact, podOf, snapshotOf } from './facts.ts';

const ASSIGNED = { address: '10.0.1.9', interface: 'net1', eni: 'eni-1', state: 'assigned' };
const REFUSED = {
  address: '10.0.1.10',
  interface: 'net1',
  eni: 'eni-1',
  state: 'refused',
  reason: 'AddressLimitExceeded',
};
const FULL = { status: 'False', reason: 'AddressLimitExceeded', message: 'eni-1 is full: 10 of 10 used' } as const;

function problemsOf(facts: Parameters<typeof factsOf>[0]) {
  const { problems, summary } = clusterStatus(factsOf(facts));
  return {
    healthy: summary.healthy,
    told: problems.map(({ severity, subject, reason }) => `${severity} ${subject} ${reason}`),
  };
}

describe('clusterStatus', () => {
  it('finds nothing wrong with an empty cluster', () => {
    const { summary, problems } = clusterStatus(factsOf());

    expect(problems).toEqual([]);
    expect(summary.healthy).toBe(true);
    expect(summary.enis).toEqual({ total: 0, slots: null });
  });

  it('says that nothing is installed, or that no agent could start, once for the whole cluster', () => {
    const { healthy, told } = problemsOf({ nodes: [nodeFact('a'), nodeFact('b')] });

    expect({ healthy, told }).toEqual({ healthy: false, told: ['error Cluster AgentMissing'] });
  });

  it('says that EC2 does not answer while pods wait for it', () => {
    const condition = { status: 'False', reason: 'Ec2Unavailable', message: '503' } as const;
    const pods = ['p', 'q'].map((name) => podOf(name, { condition }));
    const facts = factsOf({ nodes: [nodeFact('a')], agents: [agentFact('a')], pods });

    expect(clusterStatus(facts).problems).toEqual([
      {
        severity: 'warning',
        subject: 'Cluster',
        reason: 'Ec2Unavailable',
        message: 'EC2 does not answer; default/p and 1 more must wait, and the calls are repeated',
      },
    ]);
  });

  it('says whose calls EC2 throttles, and nothing where no agent could be asked', () => {
    const view = (node: string, tokens: number, waiting: number) =>
      [`eni-agent-system/eni-agent-${node}`, { view: snapshotOf(node, { ec2: { tokens, waiting } }) }] as const;
    const snapshots = new Map([view('b', 0, 7), view('a', 64, 0), view('c', 0, 2)]);
    const { summary, problems } = clusterStatus(factsOf({ snapshots }));

    expect(summary.ec2).toEqual({ throttled: ['b', 'c'], waiting: 9 });
    expect(summary.healthy).toBe(true);
    expect(problems).toMatchObject([
      {
        severity: 'warning',
        reason: 'Throttled',
        message: expect.stringContaining('b and 1 more; 9 calls wait') as string,
      },
    ]);
    expect(clusterStatus(factsOf()).summary.ec2).toBeNull();
  });

  it('joins what pods say with what agents know: slots of their limits, holders of addresses, the kind of a claim', () => {
    const status = clusterStatus(
      factsOf({
        nodes: [nodeFact('a')],
        agents: [agentFact('a')],
        pods: [podOf('web', { addresses: [ASSIGNED] })],
        snapshots: new Map([
          [
            'eni-agent-system/eni-agent-a',
            {
              view: snapshotOf('a', {
                enis: [
                  eniView('eni-1', {
                    ipv4: { used: 3, limit: 10 },
                    addresses: [{ address: '10.0.1.9', primary: false }],
                  }),
                  eniView('eni-0', { deviceIndex: 0, protection: 'primary', ipv4: { used: 10, limit: 10 } }),
                ],
                claims: [{ ...ASSIGNED, kind: 'ipam', pod: 'default/web', state: 'assigned' }],
              }),
            },
          ],
        ]),
      }),
    );

    expect(status.summary.enis).toEqual({ total: 2, slots: { used: 13, limit: 20 } });
    expect(status.nodes[0]?.enis.map(({ id, protection }) => [id, protection])).toEqual([
      ['eni-0', 'primary'],
      ['eni-1', undefined],
    ]);
    expect(status.nodes[0]?.enis[1]?.addresses).toEqual([
      { address: '10.0.1.9', primary: false, holder: 'Pod default/web' },
    ]);
    expect(status.addresses).toEqual([
      {
        address: '10.0.1.9',
        holder: 'Pod default/web',
        node: 'a',
        interface: 'net1',
        eni: 'eni-1',
        state: 'assigned',
        kind: 'ipam',
      },
    ]);
    expect(status.agents[0]).toMatchObject({ version: '1.0.0', ec2AgeMs: 4_000 });
    expect(status.problems).toEqual([]);
  });

  it('shows an Elastic IP on its address as soon as the agent has bound it, before EC2 is described again', () => {
    const eip = {
      pod: 'default/web',
      target: 'net1',
      state: 'bound',
      publicIp: '198.51.100.7',
      privateIp: '10.0.1.9',
      eni: 'eni-1',
    } as const;
    const eni = eniView('eni-1', {
      addresses: [
        { address: '10.0.1.8', primary: true },
        { address: '10.0.1.9', primary: false },
      ],
    });
    const view = snapshotOf('a', { enis: [eni], elasticIps: [eip] });
    const snapshots = new Map([['eni-agent-system/eni-agent-a', { view }]]);
    const { nodes } = clusterStatus(factsOf({ nodes: [nodeFact('a')], agents: [agentFact('a')], snapshots }));

    expect(nodes[0]?.enis[0]?.addresses).toEqual([
      { address: '10.0.1.8', primary: true },
      { address: '10.0.1.9', primary: false, publicIp: '198.51.100.7' },
    ]);
  });

  it('knows ENIs from the pods alone where no agent answers, and promises no limit', () => {
    const [node] = clusterStatus(
      factsOf({ nodes: [nodeFact('a')], pods: [podOf('web', { addresses: [ASSIGNED] })] }),
    ).nodes;

    expect(node).toMatchObject({ source: 'pods', enis: [{ id: 'eni-1', ipv4: { used: 1, limit: null } }] });
  });

  it('tells a refusal once for each address, with the reason and the message of the condition', () => {
    const { summary, problems } = clusterStatus(
      factsOf({ pods: [podOf('web', { addresses: [ASSIGNED, REFUSED], condition: FULL })] }),
    );

    expect(summary.addresses).toEqual({
      assigned: 1,
      pending: 0,
      refused: 1,
      refusedByReason: { AddressLimitExceeded: 1 },
    });
    expect(problems).toEqual([
      {
        severity: 'error',
        subject: 'Pod default/web',
        reason: 'AddressLimitExceeded',
        message: 'eni-1 is full: 10 of 10 used',
      },
    ]);
  });

  it('takes a condition without an address for a refusal, unless it passes by itself', () => {
    const invalid = podOf('a', { condition: { status: 'False', reason: 'InvalidAnnotation', message: 'nonsense' } });
    const throttled = podOf('b', { condition: { status: 'False', reason: 'Throttled', message: 'slow' } });
    const waiting = podOf('c', { condition: { status: 'False', reason: 'Pending', message: 'soon' } });

    const { pods } = clusterStatus(factsOf({ pods: [waiting, throttled, invalid] }));

    expect(pods.map(({ name, state }) => [name, state])).toEqual([
      ['a', 'refused'],
      ['b', 'pending'],
      ['c', 'pending'],
    ]);
  });

  it('counts nothing for a pod that has ended, whatever it still says', () => {
    const { pods, summary } = clusterStatus(
      factsOf({ pods: [podOf('job', { phase: 'Succeeded', addresses: [ASSIGNED] })] }),
    );

    expect(pods[0]?.state).toBe('ended');
    expect(summary.addresses.assigned).toBe(0);
  });

  it('is not led astray by nonsense in the annotation, which the owner of a pod may write', () => {
    const nonsense = [
      '[',
      '{"a":1}',
      '[null, 7, {"address": 1, "state": "assigned"}, {"address": "10.0.1.9", "state": "mine"}]',
    ];
    const pods = nonsense.map((text, index) => podOf(`p${index}`, { annotations: { 'eni-agent.io/addresses': text } }));

    expect(clusterStatus(factsOf({ pods })).addresses).toEqual([]);
  });

  it('names agents that are not ready, that are of another version, and that are missing where pods need them', () => {
    const { healthy, told } = problemsOf({
      nodes: [nodeFact('a'), nodeFact('b'), nodeFact('c'), nodeFact('d'), nodeFact('e', { ready: false })],
      pods: [podOf('web', { node: 'd', addresses: [] })],
      agents: [
        agentFact('a'),
        agentFact('b'),
        agentFact('c', { image: 'eni-agent:0.9.0' }),
        agentFact('e', { ready: false, trouble: 'CrashLoopBackOff' }),
      ],
    });

    expect(healthy).toBe(false);
    expect(told).toEqual([
      'error Node d AgentMissing',
      'error Node e AgentNotReady',
      'warning Node c OtherVersion',
      'warning Node e NodeNotReady',
    ]);
  });

  it('names accounts that lost their rights, and what agents say of themselves while their pods are ready', () => {
    const { healthy, told } = problemsOf({
      nodes: [nodeFact('a'), nodeFact('b')],
      agents: [agentFact('a'), agentFact('b')],
      forbidden: [{ account: 'eni-agent-system/eni-agent', rights: ['list pods'] }],
      snapshots: new Map([
        ['eni-agent-system/eni-agent-a', { view: snapshotOf('a', { notes: ['the watch of pods is down'] }) }],
        ['eni-agent-system/eni-agent-b', { view: snapshotOf('b', { notReady: ['the ENIs are not known yet'] }) }],
      ]),
    });

    expect(healthy).toBe(false);
    expect(told.filter((line) => !line.endsWith('OtherVersion'))).toEqual([
      'error Node b AgentNotReady',
      'error ServiceAccount eni-agent-system/eni-agent AgentForbidden',
      'warning Node a AgentImpaired',
    ]);
  });

  it('shows FloatingIPs with their holder, and why nobody serves one', () => {
    const ready = (status: string, reason: string) => ({
      type: 'Ready',
      status,
      reason,
      message: 'm',
      observedGeneration: 1,
    });
    const served = {
      node: 'a',
      networkInterfaceID: 'eni-1',
      since: '2026-01-02T03:00:00Z',
      conditions: [ready('True', 'Serving')],
    };
    const status = clusterStatus(
      factsOf({
        floatingIps: [
          floatingIp('vip', { addresses: ['10.0.1.200'] }, served),
          floatingIp('lost', { addresses: ['10.0.1.201'] }, { conditions: [ready('False', 'NodeNotSelected')] }),
          floatingIp('young', { addresses: ['10.0.1.202'] }),
        ],
      }),
    );

    expect(status.floatingIps.map(({ name, node, served: is }) => [name, node, is])).toEqual([
      ['lost', '', false],
      ['vip', 'a', true],
      ['young', '', false],
    ]);
    expect(status.summary.addresses).toMatchObject({ assigned: 1, pending: 1, refused: 1 });
    expect(status.problems.map(({ severity, subject, reason }) => [severity, subject, reason])).toEqual([
      ['error', 'FloatingIP lost', 'NodeNotSelected'],
      ['warning', 'FloatingIP young', 'Pending'],
    ]);
  });

  it('shows each Elastic IP once, with the one who uses it, and warns when the quota is nearly used up', () => {
    const eip = { ...ASSIGNED, eip: '198.51.100.7' };
    const status = clusterStatus(
      factsOf({
        pods: [podOf('web', { addresses: [eip] })],
        eipObjects: [
          {
            kind: 'Eip',
            namespace: 'default',
            name: 'same',
            publicIp: '198.51.100.7',
            allocationId: 'eipalloc-1',
            privateIp: '10.0.1.9',
            holder: 'web',
          },
          {
            kind: 'EIP',
            namespace: 'default',
            name: 'idle',
            publicIp: '198.51.100.8',
            allocationId: 'eipalloc-2',
            privateIp: undefined,
            holder: undefined,
          },
        ],
        snapshots: new Map([
          [
            'eni-agent-system/controller',
            {
              view: {
                schema: SNAPSHOT_SCHEMA,
                kind: 'controller' as const,
                version: '1.0.0',
                at: 0,
                startedAt: 0,
                leader: true,
                notReady: [],
                elasticIpQuota: { used: 5, allowed: 5, at: 1 },
              },
            },
          ],
        ]),
      }),
    );

    expect(status.elasticIps.map(({ publicIp, holder, state }) => [publicIp, holder, state])).toEqual([
      ['198.51.100.7', 'Pod default/web', 'bound'],
      ['198.51.100.8', 'EIP default/idle', 'allocated'],
    ]);
    expect(status.summary.elasticIps).toEqual({ bound: 1, pending: 0, refused: 0, quota: { used: 5, limit: 5 } });
    expect(status.problems.map(({ severity, reason }) => [severity, reason])).toEqual([['warning', 'EipQuotaReached']]);
  });

  it('warns of an ENI for pods that is nearly full, not of the primary one', () => {
    const enis = [
      eniView('eni-0', { deviceIndex: 0, protection: 'primary', ipv4: { used: 10, limit: 10 } }),
      eniView('eni-1', { ipv4: { used: 9, limit: 10 } }),
      eniView('eni-2', { ipv4: { used: 8, limit: 10 } }),
    ];
    const snapshots = new Map([['eni-agent-system/eni-agent-a', { view: snapshotOf('a', { enis }) }]]);
    const { healthy, told } = problemsOf({ nodes: [nodeFact('a')], agents: [agentFact('a')], snapshots });

    expect({ healthy, told }).toEqual({ healthy: true, told: ['warning Node a AddressLimitNear'] });
  });
});

describe('concernsAddresses', () => {
  it('passes over pods without networks and those of the host network', () => {
    const bare = { ...podOf('p'), annotations: {}, conditions: [] };
    const networks = { 'k8s.v1.cni.cncf.io/networks': 'red' };

    expect(concernsAddresses(bare)).toBe(false);
    expect(concernsAddresses({ ...bare, annotations: networks })).toBe(true);
    expect(concernsAddresses({ ...bare, annotations: networks, hostNetwork: true })).toBe(false);
    expect(concernsAddresses({ ...bare, labels: { 'aws-pod-eip-controller-public-ip': '1.2.3.4' } })).toBe(true);
  });
});

describe('readSnapshot', () => {
  it('takes only the shape that it knows', () => {
    expect(readSnapshot(snapshotOf('a'))).toEqual(snapshotOf('a'));
    for (const foreign of [
      undefined,
      null,
      'text',
      {},
      { schema: SNAPSHOT_SCHEMA, kind: 'node' },
      { ...snapshotOf('a'), schema: 'v2' },
    ])
      expect(readSnapshot(foreign)).toBeUndefined();
  });
});
