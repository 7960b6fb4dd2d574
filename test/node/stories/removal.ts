import { describe, expect, it } from 'vitest';
import type { CallRecord } from '../../../sim/ec2/endpoint.ts';
import { type RealNodes, SYSTEM } from '../rig.ts';
import { eventually, type KubeObject } from '../rig-kube.ts';
import { disagreements, heldAddresses } from '../rig-truth.ts';

const EIPS = '/apis/aws.k8s.logmein.com/v1alpha1/namespaces/default/eips';
const OBJECT = {
  apiVersion: 'aws.k8s.logmein.com/v1alpha1',
  kind: 'EIP',
  metadata: { name: 'kept', namespace: 'default' },
  spec: {},
};

const CONTROLLER = 'app.kubernetes.io/name=eni-agent-controller';

/** docs/upgrade-and-removal.md, command by command. */
export function removal(rig: () => RealNodes): void {
  describe('upgrade and roll-back', () => {
    it('change nothing in EC2 while pods run', async () => {
      const kept = await leftOver(rig());
      const began = Date.now();
      await Promise.all(
        ['deployment/eni-agent-controller', 'daemonset/eni-agent'].map(async (workload) => {
          const rollout = (verb: string, ...options: string[]) =>
            rig().cluster.kubectl('-n', SYSTEM, 'rollout', verb, workload, ...options);
          // Stands for a new version: another template.
          await rig().cluster.kubectl('-n', SYSTEM, 'set', 'env', workload, 'ENI_AGENT_LOG_LEVEL=debug');
          await rollout('status', '--timeout=120s');
          await rollout('undo');
          await rollout('status', '--timeout=120s');
        }),
      );
      await rig().agents();
      await rig().agreement(30, { kept });

      expect(
        rig()
          .cloud.mutations(began)
          .filter((call) => !givesBackOnly(call, kept)),
      ).toEqual([]);
      expect(await rig().cluster.warnings(began)).toEqual([]);
    });
  });

  describe('removal', () => {
    const allocation = async () => {
      const { status } = await rig().cluster.get<KubeObject>(`${EIPS}/kept`);
      return status?.['allocationId'] as string | undefined;
    };
    const isInEc2 = (id: string) =>
      rig()
        .cloud.elasticIps()
        .some(({ allocationId }) => allocationId === id);
    let kept = '';

    it('of the controller leaves definitions, objects and Elastic IPs; it goes on where it was', async () => {
      await rig().cluster.apply([OBJECT]);
      kept = await eventually('the object has an Elastic IP', 20, allocation);
      const began = Date.now();
      await rig().remove('test/node/overlays/controller');
      await eventually('the controller is gone', 40, async () => {
        return (await rig().cluster.pods(SYSTEM, CONTROLLER)).length === 0 ? true : undefined;
      });

      expect(await allocation()).toBe(kept);
      expect(isInEc2(kept)).toBe(true);

      await rig().install('test/node/overlays/controller');
      await rig().ready(SYSTEM, CONTROLLER, 2);
      expect(await allocation()).toBe(kept);
      const given = rig()
        .cloud.mutations(began)
        .filter(({ action }) => /^(?:Allocate|Release)Address$/.test(action));
      expect(given).toEqual([]);
    });

    it('of the agents, or of the definitions, takes nothing of a controller that is installed', async () => {
      await expect(rig().remove('daemonset/crds')).rejects.toThrow('remove the controller first');
      await expect(rig().remove('test/node/overlays/agent')).rejects.toThrow('remove the controller first');

      expect(await rig().ready(SYSTEM, CONTROLLER, 2)).toHaveLength(2);
      await rig().install('test/node/overlays/agent');
      await rig().agents();
      expect(await allocation()).toBe(kept);
      expect(isInEc2(kept)).toBe(true);
    });

    it('of a definition, by somebody who insists, leaves the Elastic IP allocated for an object of the same name', async () => {
      const definition = 'eips.aws.k8s.logmein.com';
      const began = Date.now();
      await rig().cluster.kubectl('annotate', 'crd', definition, 'eni-agent.io/allow-deletion=true');
      await rig().cluster.kubectl('delete', 'crd', definition);
      expect(isInEc2(kept)).toBe(true);

      await rig().install('daemonset/crds');
      await eventually('the object is taken', 30, () => rig().cluster.apply([OBJECT]));
      // Definitions are looked at every three minutes; a new leader looks at once.
      await rig().cluster.kubectl('-n', SYSTEM, 'rollout', 'restart', 'deployment/eni-agent-controller');

      expect(await eventually('the object has an Elastic IP', 60, allocation)).toBe(kept);
      const given = rig()
        .cloud.mutations(began)
        .filter(({ action }) => /^(?:Allocate|Release)Address$/.test(action));
      expect(given).toEqual([]);
    });

    it('in the documented order leaves nothing of ours, and no Elastic IP that nobody owns', async () => {
      await rig().cluster.kubectl('delete', 'eips.aws.k8s.logmein.com', '--all', '--all-namespaces');
      expect(isInEc2(kept)).toBe(false);
      // While the agents are there: what nobody holds any more is given back.
      await rig().agreement(75);

      await rig().remove('test/node/overlays/controller');
      await rig().cluster.kubectl(...`-n ${SYSTEM} wait --for=delete pod -l ${CONTROLLER} --timeout=60s`.split(' '));
      await rig().remove('test/node/overlays/agent');
      await rig().remove('daemonset/crds');

      const left = await rig().cluster.kubectl(
        ...LEFT_BEHIND,
        '--output=name',
        '--selector=app.kubernetes.io/name in (eni-agent,eni-agent-controller)',
        '--all-namespaces',
      );
      expect(left).toBe('');
      expect(await rig().cluster.kubectl('get', 'crd', '--output=name')).not.toMatch(/eni-agent|materialize|logmein/);
    });

    it('takes no address from a pod that runs on: EC2 still has what the namespaces hold, and nothing else', async () => {
      expect(await heldAddresses(rig().scripts, ['a', 'b'])).not.toEqual([]);
      expect(await disagreements(rig().scripts, rig().cloud)).toEqual([]);
    });
  });
}

/** Addresses in EC2 that nobody holds any more: the stories before have left them, and their release delay runs. */
async function leftOver({ scripts, cloud }: RealNodes): Promise<Set<string>> {
  const held = new Set((await heldAddresses(scripts, ['a', 'b'])).map(({ address }) => address));
  return new Set([...cloud.secondaries().keys()].filter((address) => !held.has(address)));
}

function givesBackOnly({ action, params }: CallRecord, addresses: ReadonlySet<string>): boolean {
  const named = Object.entries(params).filter(([name]) => /^(?:PrivateIpAddress|Ipv6Addresses)\b/.test(name));
  return action.startsWith('Unassign') && named.length > 0 && named.every(([, address]) => addresses.has(address));
}

/** Every kind that the manifests make. */
const LEFT_BEHIND = [
  'get',
  [
    'namespaces,daemonsets,deployments,pods,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings',
    'validatingadmissionpolicies,validatingadmissionpolicybindings',
  ].join(),
] as const;
