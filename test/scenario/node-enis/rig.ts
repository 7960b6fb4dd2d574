import { parseAnnouncement } from '../../../lib/model/node-enis/announcement.ts';
import type { NodeEniEntry } from '../../../lib/model/node-enis/node-eni.ts';
import type { KubeObject } from '../../../sim/kube/object.ts';
import { createObject, deleteObject, findObject, patchObject } from '../../support/world/objects.ts';
import { World } from '../../support/world/world.ts';
import { applyDefinitions, WorldController } from '../../support/world/world-controller.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const SPEC = { nodeSelector: { role: 'edge' }, subnets: [{ tags: { purpose: 'multus' } }], interfaceName: 'multus' };

/** Plain nodes in two zones, subnets for Multus in both, and the real controller on virtual time. */
export class NodeEniRig {
  readonly world: World;
  readonly controller: WorldController;

  constructor({ throttled = false } = {}) {
    this.world = new World(1, { throttled });
    const { cloud } = this.world;
    cloud.addSubnet({ id: 'subnet-b', vpcId: 'vpc-1', cidr: '10.0.16.0/20', zone: 'us-east-1b' });
    cloud.addSubnet({ id: 'subnet-ma', vpcId: 'vpc-1', cidr: '10.0.64.0/24', tags: { purpose: 'multus' } });
    cloud.addSubnet({
      id: 'subnet-mb',
      vpcId: 'vpc-1',
      cidr: '10.0.65.0/24',
      zone: 'us-east-1b',
      tags: { purpose: 'multus' },
    });
    applyDefinitions(this.world);
    this.controller = new WorldController(this.world);
  }

  get clock() {
    return this.world.clock;
  }

  /** An instance with its primary interface and its Node object, as a node group makes them. */
  addNode(
    name: string,
    more: { zone?: 'a' | 'b'; type?: string; labels?: Record<string, string>; taint?: boolean } = {},
  ) {
    const { zone = 'a', type = 'm5.large', labels = { role: 'edge' } } = more;
    const { cloud, kubelet } = this.world;
    const instanceId = this.instanceOf(name);
    const { primary } = cloud.addInstance({ id: instanceId, type, subnetId: zone === 'a' ? 'subnet-1' : 'subnet-b' });
    const providerID = `aws:///us-east-1${zone}/${instanceId}`;
    kubelet.createNode({ name, providerID, labels, internalIP: primary.addresses[0]?.ip ?? '' });
    if (more.taint === true) {
      const patch = { spec: { taints: [{ key: 'eni-agent.io/not-ready', effect: 'NoSchedule' }] } };
      this.patchNode(name, patch);
    }
  }

  instanceOf(name: string): string {
    return `i-0${Buffer.from(name).toString('hex').padStart(16, '0')}`;
  }

  patchNode(name: string, patch: object): void {
    patchObject(this.world, { kind: 'Node', name }, patch);
  }

  deleteNode(name: string): void {
    deleteObject(this.world, { kind: 'Node', name });
  }

  create(name: string, spec: object = {}): void {
    createObject(this.world, nodeEni(name), { ...SPEC, ...spec });
  }

  change(name: string, spec: object): void {
    patchObject(this.world, nodeEni(name), { spec });
  }

  delete(name: string): void {
    deleteObject(this.world, nodeEni(name));
  }

  /** As somebody does who does not want to wait. */
  stripFinalizers(name: string): void {
    patchObject(this.world, nodeEni(name), { metadata: { finalizers: null } });
  }

  object(name: string): KubeObject | undefined {
    return findObject(this.world, nodeEni(name));
  }

  // oxlint-disable-next-line typescript/no-explicit-any
  status(name: string): any {
    return this.object(name)?.['status'] ?? {};
  }

  ready(name: string): { status: string; reason: string; message: string } | undefined {
    return this.status(name).conditions?.[0];
  }

  entries(name: string): (NodeEniEntry & { networkInterfaceID: string; deviceIndex: number })[] {
    return this.status(name).nodes ?? [];
  }

  announced(node: string) {
    const found = this.world.objects('nodes').find(({ metadata }) => metadata.name === node);
    const annotations = found?.metadata.annotations as Record<string, string> | undefined;
    return parseAnnouncement(annotations?.['eni-agent.io/node-enis']);
  }

  /** Interfaces in EC2 that carry tags of a NodeENI. */
  interfaces() {
    return this.world.cloud.state
      .allInterfaces(this.clock.now())
      .filter(
        ({ tags }) =>
          tags.has('eni-agent.io/node-eni-uid') || tags.get('kubernetes.io/cluster/managed-by') !== undefined,
      );
  }

  on(node: string) {
    return this.interfaces().filter(({ attachment }) => attachment?.instanceId === this.instanceOf(node));
  }

  async until(condition: () => boolean, within = 5 * MINUTE): Promise<number> {
    return this.clock.until(condition, within);
  }
}

function nodeEni(name: string) {
  return { kind: 'NodeENI', name } as const;
}
