import { describe, expect, it } from 'vitest';
import { renderStatus } from '../../../agent/status/render.ts';
import { PLAIN } from '../../../agent/text/paint.ts';
import type { NodeEni, NodeEniEntry } from '../../../lib/model/node-enis/node-eni.ts';
import { clusterStatus } from '../../../lib/plan/status/cluster-status.ts';
import { objectOf } from '../plan/node-enis/builders.ts';
import { agentFact, factsOf, nodeFact } from './facts.ts';

const NOTHING = {
  observedGeneration: 1,
  desired: 2,
  attached: 0,
  ready: 0,
  failed: 0,
  nodes: [],
  condition: undefined,
};

function entry(node: string, more: Partial<NodeEniEntry>): NodeEniEntry {
  const absent = {
    networkInterfaceId: undefined,
    macAddress: undefined,
    subnetId: undefined,
    zone: undefined,
    address: undefined,
    deviceIndex: undefined,
    networkCard: undefined,
    attachmentId: undefined,
    interfaceName: undefined,
  };
  return {
    ...absent,
    node,
    instanceId: `i-${node}`,
    index: 0,
    state: 'Ready',
    reason: undefined,
    message: '',
    ...more,
  };
}

/** The status of a cluster of two nodes, with agents, whose NodeENI says this. */
function statusWith(status: Partial<NodeEni['status']>, more: Partial<NodeEni> = {}, node?: string) {
  const nodeEnis = [objectOf({}, { status: { ...NOTHING, ...status }, ...more })];
  const scope = { namespaces: [], ...(node !== undefined && { node }) };
  const nodes = ['a', 'b'].map((name) => nodeFact(name));
  const agents = ['a', 'b'].map((name) => agentFact(name));
  return clusterStatus(factsOf({ scope, nodes, agents, nodeEnis }));
}

describe('a NodeENI on the first screen', () => {
  const message = 'a: vpc-1 has no subnet with tags purpose=multus (and 1 more)';
  const REFUSED = { failed: 2, condition: { status: 'False', reason: 'SubnetUnknown', message } } as const;

  it('that gets no interfaces is an error with its reason and its message', () => {
    const { summary, problems, nodeEnis } = statusWith(REFUSED);

    expect(summary.healthy).toBe(false);
    expect(summary.nodeEnis).toEqual({ objects: 1, desired: 2, attached: 0, ready: 0, failed: 2 });
    expect(problems).toEqual([{ severity: 'error', subject: 'NodeENI multus', reason: 'SubnetUnknown', message }]);
    expect(nodeEnis[0]).toMatchObject({ apiGroup: 'eni-agent.io', state: 'refused' });
  });

  it('has a line of its own, and a row that fits a terminal', () => {
    const text = renderStatus(statusWith(REFUSED), 'overview', { columns: 80, wide: false, paint: PLAIN });

    expect(text).toContain('NodeENIs     0 of 2 interfaces attached, 0 with their link ready, 2 failed\n');
    expect(text).toMatch(/^multus +multus +2 +0 +0 +2 +refused +SubnetUnknown$/m);
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('takes no line in a cluster without any', () => {
    const text = renderStatus(clusterStatus(factsOf()), 'overview', { columns: 80, wide: false, paint: PLAIN });

    expect(text).not.toContain('NodeENI');
  });

  it.each([
    ['Creating', 0, 'pending', []],
    ['Leaving', 0, 'pending', []],
    ['Deleting', 0, 'pending', []],
    ['Deleting', 1, 'refused', ['error Deleting']],
    ['InUse', 1, 'refused', ['error InUse']],
  ] as const)('that is %s with %i failed is %s', (reason, failed, state, expected) => {
    const { nodeEnis, problems } = statusWith({ failed, condition: { status: 'False', reason, message: 'm' } });

    expect(nodeEnis[0]?.state).toBe(state);
    expect(problems.map((one) => `${one.severity} ${one.reason}`)).toEqual(expected);
  });

  it('that no controller has looked at says so, and is not an error yet', () => {
    const status = statusWith({});
    const { summary, problems } = status;
    const text = renderStatus(status, 'overview', { columns: 80, wide: false, paint: PLAIN });
    expect(text).toContain('\n✓ all is well but for 1 warning, see below\n');

    expect(summary.healthy).toBe(true);
    expect(problems).toMatchObject([{ severity: 'warning', subject: 'NodeENI multus', reason: 'Pending' }]);
    expect(problems[0]?.message).toContain('eni-agent-controller');
  });

  it('of the replaced controller records attachments only, and is not waited for', () => {
    const { nodeEnis, problems } = statusWith({ attached: 2 }, { dialect: 'multi-eni-controller' });

    expect(nodeEnis[0]).toMatchObject({ apiGroup: 'networking.k8s.aws', state: 'ready' });
    expect(problems).toEqual([]);
  });

  it('shows of one node only its interfaces', () => {
    const nodes = [
      entry('a', { networkInterfaceId: 'eni-a' }),
      entry('b', { state: 'Failed', reason: 'InstanceFull' }),
    ];
    const shown = (node?: string) => statusWith({ nodes }, {}, node).nodeEnis[0]?.interfaces.map((one) => one.node);

    expect(shown()).toEqual(['a', 'b']);
    expect(shown('b')).toEqual(['b']);
  });
});
