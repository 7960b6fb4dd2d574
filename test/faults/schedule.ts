import { seededRandom } from '../support/virtual-clock.ts';
import { CALL_FAULTS } from '../support/world/ec2-transport.ts';
import { World } from '../support/world/world.ts';
import { applyDefinitions, WorldController } from '../support/world/world-controller.ts';
import type { WorldPod } from '../support/world/world-node.ts';
import { bystanders, clusterEips, FOREIGN_ADDRESS } from './bystanders.ts';
import { forbiddenAct } from './forbidden-acts.ts';
import { wronglyHeld } from './stories/private-addresses.ts';
import { AGE_MS, MINUTE, SECOND } from './story.ts';

/** Floating addresses that honest pods declare and fight for. */
const VIPS = ['10.0.9.201', '10.0.9.202'];
/** Chance of a call to go wrong while a schedule runs. */
const FAULT_RATE = 0.06;
const STEPS = 40;

/** Objects of tenants, by kind. */
const FORGED = {
  EIP: { plural: 'eips', apiVersion: 'aws.k8s.logmein.com/v1alpha1' },
  ENI: { plural: 'enis', apiVersion: 'aws.k8s.logmein.com/v1alpha1' },
  Eip: { plural: 'eips', apiVersion: 'materialize.cloud/v2' },
} as const;

interface Forged {
  readonly kind: keyof typeof FORGED;
  readonly name: string;
}

interface LivingPod {
  readonly node: string;
  readonly pod: WorldPod;
  readonly ip: string;
  readonly vips: Set<string>;
}

/**
 * One random life of a cluster: pods come, move, and end; floating addresses change hands; agents and the controller are killed; EC2
 * fails now and then; and tenants lie in every text that they may write. All of it follows from the seed.
 * Returns what was wrong: an act against somebody else at any instant, or a wrong end.
 */
export async function liveSchedule(seed: number): Promise<string[]> {
  const schedule = new Schedule(seed);
  try {
    return await schedule.run();
  } finally {
    schedule.close();
  }
}

class Schedule {
  readonly #random: () => number;
  readonly #world: World;
  readonly #controller: WorldController;
  readonly #untouched: () => string[];
  readonly #acts: string[] = [];
  readonly #living = new Map<string, LivingPod>();
  readonly #lies: Forged[] = [];
  #names = 0;
  #faulty = true;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#world = new World(seed);
    this.#controller = new WorldController(this.#world);
    this.#untouched = bystanders(this.#world);
  }

  close(): void {
    this.#controller.kill();
    this.#world.close();
  }

  async run(): Promise<string[]> {
    const world = this.#world;
    for (const name of ['a', 'b', 'c']) world.addNode(name);
    applyDefinitions(world);
    world.beforeAct = (call) => this.#acts.push(...forbiddenAct(world, call));
    world.faults = () => (this.#faulty && this.#random() < FAULT_RATE ? this.#pick(CALL_FAULTS) : undefined);
    world.onKilled = (process) => this.#restart(process.name);
    await world.clock.advance(AGE_MS);
    for (const node of world.nodes) node.start();
    this.#controller.start();
    for (let step = 0; step < STEPS; step += 1) {
      this.#step();
      await world.clock.advance(Math.round(this.#random() * 8 * SECOND));
    }
    this.#faulty = false;
    await world.clock.advance(20 * MINUTE);
    const wrong = this.#held();
    for (const name of Array.from(this.#living.keys())) this.#end(name);
    for (const { kind, name } of this.#lies) world.kubeState.api.delete(forgedResource(world, kind), 'tenant', name);
    await world.clock.advance(30 * MINUTE);
    return [...this.#acts, ...wrong, ...this.#untouched(), ...this.#leftOver()];
  }

  #step(): void {
    const roll = this.#random();
    if (roll < 0.35) this.#begin();
    else if (roll < 0.5) this.#endAny();
    else if (roll < 0.7) this.#moveVip();
    else if (roll < 0.8) this.#lie();
    else if (roll < 0.9) this.#kill();
    else this.#partition();
  }

  /** A pod on some node with the lowest free address, as whereabouts hands it out. */
  #begin(annotations: Readonly<Record<string, string>> = {}, added?: string): void {
    const node = this.#pick(this.#world.nodes);
    const ip = this.#lowestFree();
    this.#names += 1;
    const name = `pod-${this.#names}`;
    const pod = node.runPod({
      name,
      podIp: `10.0.1.${this.#names}`,
      annotations: {
        'eni-agent.io/floating-ips': VIPS.join(','),
        ...(this.#random() < 0.3 && { 'eni-agent.io/eip': this.#pick(['auto', 'net1=auto']) }),
        ...annotations,
      },
      attachments: [{ interface: 'net1', ips: [ip] }],
    });
    this.#living.set(name, { node: node.name, pod, ip, vips: new Set() });
    if (added !== undefined)
      this.#world.clock.after(2 * SECOND, () => this.#living.has(name) && node.addAddress(pod, added));
  }

  #end(name: string): void {
    const living = this.#living.get(name);
    if (living === undefined) return;
    this.#world.node(living.node).deletePod(name);
    this.#living.delete(name);
  }

  #endAny(): void {
    if (this.#living.size > 0) this.#end(this.#pick([...this.#living.keys()]));
  }

  #moveVip(): void {
    if (this.#living.size === 0) return;
    const living = this.#pick([...this.#living.values()]);
    const vip = this.#pick(VIPS);
    const node = this.#world.node(living.node);
    if (living.vips.delete(vip)) node.removeAddress(living.pod, vip);
    else {
      living.vips.add(vip);
      node.addAddress(living.pod, vip);
    }
  }

  /** What a tenant may write, at its worst: every text here names something that is somebody else's. */
  #lie(): void {
    const foreign = this.#world.cloud
      .describeAddresses()
      .addressesSet.find(({ privateIpAddress }) => privateIpAddress === FOREIGN_ADDRESS);
    const { allocationId = '', associationId, publicIp } = foreign ?? {};
    const branch = JSON.stringify([{ eniId: 'eni-foreign', privateIp: FOREIGN_ADDRESS }]);
    const listed = JSON.stringify([{ name: 'a/b', interface: 'net1', ips: [FOREIGN_ADDRESS, VIPS[0]] }]);
    const primary = this.#pick(this.#world.nodes).primaryEni;
    const lies: (() => void)[] = [
      () => this.#begin({ 'eni-agent.io/eip': allocationId }),
      () => this.#begin({ 'eni-agent.io/eip': 'tag:Name=stranger' }),
      () => this.#begin({ 'eni-agent.io/eip': this.#pick(['tag:constructor', 'net1=tag:__proto__']) }),
      () => this.#begin({ 'eni-agent.io/eip': `${FOREIGN_ADDRESS}=auto` }),
      () =>
        this.#begin({ 'eni-agent.io/eip-handover': this.#pick([allocationId, JSON.stringify([{ allocationId }])]) }),
      () => this.#begin({ 'eni-agent.io/eip': 'auto', 'vpc.amazonaws.com/pod-eni': branch }),
      () => this.#begin({ 'k8s.v1.cni.cncf.io/networks': '['.repeat(10_000) }),
      () => this.#begin({ 'k8s.v1.cni.cncf.io/networks': `"${'\\"'.repeat(50_000)}` }),
      () => this.#begin({ 'k8s.v1.cni.cncf.io/network-status': listed }),
      () => this.#begin({ 'eni-agent.io/floating-ips': 'x,'.repeat(20_000) }),
      () =>
        this.#begin({ 'eni-agent.io/floating-ips': this.#pick(['*', '0.0.0.0/0', FOREIGN_ADDRESS]) }, FOREIGN_ADDRESS),
      () => this.#forge('EIP', { state: 'assigned', allocationId, associationId }),
      () => this.#forge('EIP', { allocationId }, { publicIPAddress: publicIp }),
      () => this.#forge('EIP', {}, { tags: { 'eni-agent.io/object-uid': 'somebody' } }),
      () => this.#forge('EIP', {}, { assignment: { privateIPAddress: FOREIGN_ADDRESS } }),
      () => this.#forge('EIP', {}, { assignment: { eni: this.#pick([...this.#lies, { name: 'forged-1' }]).name } }),
      () => this.#forge('Eip', { allocationId, publicIpAddress: publicIp }, { selector: { pod: { podName: 'none' } } }),
      () =>
        this.#forge(
          'ENI',
          { networkInterfaceID: this.#pick([primary, 'eni-foreign']), privateIPAddresses: [FOREIGN_ADDRESS] },
          { subnetID: 'subnet-1', attachment: { podName: this.#pick([...this.#living.keys(), 'none']) } },
        ),
    ];
    this.#pick(lies)();
  }

  /** An object whose status claims what was never its own: that of EIP and ENI is not a sub-resource. */
  #forge(kind: Forged['kind'], status: object, spec: object = {}): void {
    this.#names += 1;
    const name = `forged-${this.#names}`;
    const { api, store } = this.#world.kubeState;
    if (store.get('namespaces', undefined, 'tenant') === undefined)
      api.create(this.#world.resource('namespaces'), undefined, { metadata: { name: 'tenant' } });
    const object = { apiVersion: FORGED[kind].apiVersion, kind, metadata: { name }, spec, status };
    api.create(forgedResource(this.#world, kind), 'tenant', object);
    this.#lies.push({ kind, name });
  }

  #kill(): void {
    const victim = this.#pick(['controller', ...this.#world.nodes.map(({ name }) => `agent-${name}`)]);
    if (victim === 'controller') this.#controller.kill();
    else {
      const node = this.#world.node(victim.slice('agent-'.length));
      if (node.agent === undefined) return;
      node.kill();
    }
    this.#restart(victim);
  }

  #restart(name: string): void {
    const { clock } = this.#world;
    if (name === 'controller') {
      this.#controller.kill();
      clock.after(SECOND, () => {
        if (this.#controller.process === undefined) this.#controller.start();
      });
      return;
    }
    const node = this.#world.node(name.slice('agent-'.length));
    if (node.agent !== undefined) node.noteKilled();
    clock.after(SECOND, () => {
      if (node.agent === undefined) node.start();
    });
  }

  #partition(): void {
    const { clock, partitioned } = this.#world;
    const name = this.#pick(['controller', ...this.#world.nodes.map((node) => `agent-${node.name}`)]);
    partitioned.add(name);
    clock.after(20 * SECOND, () => partitioned.delete(name));
  }

  /** Every pod's own address is on its node's ENI; a floating one is with one of those that have it; nothing else is held. */
  #held(): string[] {
    const wanted = new Map(Array.from(this.#living.values(), ({ node, ip }) => [ip, this.#world.node(node).eni()]));
    const faults: string[] = [];
    for (const vip of VIPS) {
      const candidates = Array.from(this.#living.values()).filter(({ vips }) => vips.has(vip));
      const holder = this.#world.holderOf(vip);
      const rightful = candidates.map(({ node }) => this.#world.node(node).eni());
      if (candidates.length > 0 && (holder === undefined || !rightful.includes(holder)))
        faults.push(`${vip} is on ${holder ?? 'no ENI'} instead of one of ${rightful.join(', ')}`);
      if (candidates.length > 0 && holder !== undefined) wanted.set(vip, holder);
    }
    return [...faults, ...wronglyHeld(this.#world, wanted)];
  }

  #leftOver(): string[] {
    const leaked = clusterEips(this.#world).map((eip) => `leaked ${eip.allocationId} ${JSON.stringify(eip.tagSet)}`);
    return [...leaked, ...wronglyHeld(this.#world, new Map())];
  }

  #lowestFree(): string {
    const used = new Set(Array.from(this.#living.values(), ({ ip }) => ip));
    for (let index = 1; ; index += 1) if (!used.has(`10.0.9.${index}`)) return `10.0.9.${index}`;
  }

  #pick<T>(choices: readonly T[]): T {
    const choice = choices[Math.floor(this.#random() * choices.length)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }
}

function forgedResource(world: World, kind: Forged['kind']) {
  const { plural, apiVersion } = FORGED[kind];
  return world.resource(plural, apiVersion);
}
