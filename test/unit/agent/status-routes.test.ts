import { describe, expect, it } from 'vitest';
import { type PlanView, renderPlan } from '../../../agent/node/render-plan.ts';
import { addressTable, floatingIpTable } from '../../../agent/status/tables.ts';
import { renderColumns } from '../../../agent/text/columns.ts';
import { PLAIN } from '../../../agent/text/paint.ts';
import { floatingIpOf } from '../../../lib/model/floating-ips/floating-ip.ts';
import { floatingAddresses, floatingIpStates } from '../../../lib/plan/status/floating-ips.ts';
import { podStatuses } from '../../../lib/plan/status/pods.ts';

const STYLE = { paint: PLAIN, wide: true, now: 0 };
const ROUTES = [
  { table: 'rtb-1', state: 'assigned' },
  { table: 'rtb-2', state: 'refused', reason: 'RouteLimitExceeded' },
  { table: 'rtb-3', state: 'pending' },
];
const SHOWN = 'rtb-1,rtb-2(RouteLimitExceeded),rtb-3(pending)';

function floatingIp(routeTables: readonly string[]) {
  return floatingIpOf({
    metadata: { name: 'web', uid: 'u' },
    spec: { addresses: ['10.99.0.1'], routeTables },
    status: { node: 'a', networkInterfaceID: 'eni-1', ...(routeTables.length > 0 && { routeTables: ROUTES }) },
  })!;
}

describe('status of route tables', () => {
  it('shows each table of a FloatingIP, and in what does not lead to its holder why', () => {
    const states = floatingIpStates([floatingIp(['rtb-1', 'rtb-2', 'rtb-3'])]);
    const objects = renderColumns(floatingIpTable(STYLE), states, { columns: undefined, paint: PLAIN });
    const addresses = renderColumns(addressTable(STYLE), floatingAddresses(states), {
      columns: undefined,
      paint: PLAIN,
    });

    expect(objects.join('\n')).toContain(SHOWN);
    expect(addresses.join('\n')).toContain(SHOWN);
  });

  it('shows none of a FloatingIP that is on its ENI', () => {
    const [state] = floatingIpStates([floatingIp([])]);

    expect(state).not.toHaveProperty('routes');
  });

  it('shows each table of a pod’s address, passing over what its owner has written there', () => {
    const told = [
      { address: '10.99.0.1', state: 'refused', interface: 'net1', routes: [...ROUTES, 7, { table: {} }] },
      { address: '10.99.0.2', state: 'assigned', interface: 'net1', routes: 'all' },
      { address: '10.0.1.9', state: 'assigned', interface: 'net1' },
    ];
    const pod = {
      namespace: 'default',
      name: 'web',
      nodeName: 'a',
      phase: 'Running',
      conditions: [],
      annotations: { 'eni-agent.io/addresses': JSON.stringify(told) },
    };
    const facts = { pods: [pod], snapshots: new Map() } as unknown as Parameters<typeof podStatuses>[0];

    expect(podStatuses(facts)[0]?.addresses.map(({ routes }) => routes)).toEqual([ROUTES, [], undefined]);
  });

  it('is part of a plan', () => {
    const view = {
      steps: [],
      leftOut: [],
      elasticIpsKnown: true,
      floatingIps: floatingIpStates([floatingIp(['rtb-1', 'rtb-2', 'rtb-3'])]),
      snapshot: { claims: [], elasticIps: [], inputFaults: [], node: 'a' },
    } as unknown as PlanView;

    expect(renderPlan(view, PLAIN)).toContain(
      'web 10.99.0.1: not served, holder this node by rtb-1, rtb-2(RouteLimitExceeded), rtb-3(pending)',
    );
  });
});
