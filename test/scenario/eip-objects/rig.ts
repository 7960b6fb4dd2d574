import { onTestFinished } from 'vitest';
import type { CallFault } from '../../support/world/ec2-transport.ts';
import {
  createObject,
  deleteObject,
  findObject,
  type ObjectRef,
  patchObject,
  type Wire,
} from '../../support/world/objects.ts';
import { World } from '../../support/world/world.ts';
import { applyDefinitions, WorldController } from '../../support/world/world-controller.ts';

const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

const LABELS = { 'eip.materialize.cloud/manage': 'true', role: 'egress' };

/** Objects `default/<name>` of k8s-aws-operator. */
export const EIP = (name: string) => ({ kind: 'EIP', name }) as const;
export const ENI = (name: string) => ({ kind: 'ENI', name }) as const;
/** The object `default/<name>` of k8s-eip-operator. */
export const Eip = (name: string) => ({ kind: 'Eip', name }) as const;

/** A world with two nodes, `a` and `b`, for objects that have Elastic IPs. Their agents and the controller are started by the test. */
export class EipObjectRig {
  readonly world = new World();
  readonly controller: WorldController;
  /** Where an Elastic IP for nodes, or for a bare address, can be. */
  readonly nodes: readonly { readonly name: string; readonly instanceId: string; eni: string; ip: string }[];
  #pods = 0;

  constructor({ controller = [] }: { readonly controller?: readonly string[] } = {}) {
    onTestFinished(() => this.world.close());
    applyDefinitions(this.world);
    this.nodes = ['a', 'b'].map((name) => {
      const { primaryEni: eni, instanceId } = this.world.addNode(name, { multus: 0 });
      patchObject(this.world, { kind: 'Node', name }, { metadata: { labels: LABELS } });
      const [primary] = this.#interface(eni)?.addresses ?? [];
      return { name, instanceId, eni, ip: primary?.ip ?? '' };
    });
    this.controller = new WorldController(this.world, controller);
  }

  get clock() {
    return this.world.clock;
  }

  startAgents(): void {
    for (const node of this.world.nodes) node.start();
  }

  /** A pod whose address the node's primary ENI has; it runs a moment later. */
  startPod(
    name: string,
    node = 'a',
    labels: Readonly<Record<string, string>> = { 'eip.materialize.cloud/manage': 'true' },
  ) {
    this.#pods += 1;
    const address = `10.0.2.${this.#pods}`;
    const { uid } = this.world.node(node).runPod({ name, podIp: address, labels });
    return { name, address, eni: this.world.node(node).primaryEni, uid };
  }

  /** Comes back when the pod's object is gone. */
  async endPod(name: string): Promise<void> {
    for (const node of this.world.nodes) node.deletePod(name);
    await this.clock.advance(SECOND);
  }

  /** An Elastic IP that somebody else has allocated, tagged and perhaps associated. */
  allocate(tags: Readonly<Record<string, string>>, place?: { readonly eni: string; readonly address: string }) {
    const { cloud } = this.world;
    const eip = cloud.allocateAddress({
      tagSpecifications: [
        { resourceType: 'elastic-ip', tags: Object.entries(tags).map(([key, value]) => ({ key, value })) },
      ],
    });
    const { allocationId } = eip;
    if (place !== undefined)
      cloud.associateAddress({ allocationId, networkInterfaceId: place.eni, privateIpAddress: place.address });
    return eip;
  }

  tag(resource: string, tags: Readonly<Record<string, string>>): void {
    const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
    this.world.cloud.createTags({ resources: [resource], tags: list });
  }

  /** `more`: metadata and whatever else the manifest has. */
  create(ref: ObjectRef, spec: object = {}, more: object = {}): Wire {
    return createObject(this.world, ref, spec, more);
  }

  patch(ref: ObjectRef, patch: object): void {
    patchObject(this.world, ref, patch);
  }

  delete(ref: ObjectRef): void {
    deleteObject(this.world, ref);
  }

  find(ref: ObjectRef): Wire {
    return findObject(this.world, ref);
  }

  /** The status of an object that has one. */
  status(ref: ObjectRef): Wire {
    return this.find(ref)?.status;
  }

  annotations(pod: string): Record<string, string> {
    return this.find({ kind: 'Pod', name: pod })?.metadata.annotations ?? {};
  }

  eips(): Wire[] {
    return this.world.elasticIps();
  }

  tagsOf(eip: Wire): Record<string, string> {
    return Object.fromEntries((eip.tagSet ?? []).map(({ key, value }: Wire) => [key, value]));
  }

  /** The Event with this reason about the object of this name. */
  event(reason: string, name: string): Wire {
    return this.world.events(reason).find((event: Wire) => event.involvedObject.name === name);
  }

  /** Calls that change something, by agents and controller. */
  mutations(): string[] {
    return this.world.writes().map(({ action }) => action);
  }

  /** Each call of this action ends so, until it is told otherwise. */
  disturb(disturbed: string, fault: CallFault | undefined): void {
    this.world.faults = ({ action }) => (action === disturbed ? fault : undefined);
  }

  /** Lets time pass until the check returns something; what it returns is handed back. */
  async until<T>(what: string, check: () => T): Promise<NonNullable<T>> {
    let result: T | undefined;
    const holds = () => Boolean((result = check()));
    await this.clock.until(holds, 5 * MINUTE, what).catch((error: Error) => {
      const logs = this.world.logs.slice(-20).map(({ message, fields }) => `${message} ${JSON.stringify(fields)}`);
      throw new Error([error.message, ...logs, JSON.stringify(this.eips())].join('\n'), { cause: error });
    });
    return result as NonNullable<T>;
  }

  /** Lets time pass until the object's status says this state. */
  state(ref: ObjectRef, wanted: string): Promise<Wire> {
    return this.until(`${ref.name} ${wanted}`, () => {
      const object = this.find(ref);
      return object?.status?.state === wanted && object;
    });
  }

  /** Long enough for everything that an event sets off. */
  quiet(): Promise<void> {
    return this.clock.advance(MINUTE);
  }

  #interface(id: string) {
    return this.world.cloud.state.allInterfaces(this.clock.now()).find((eni) => eni.id === id);
  }
}
