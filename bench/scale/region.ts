import type { EniId } from '../../lib/model/eni.ts';
import type { IpAddress } from '../../lib/model/ip.ts';
import { Throttle } from '../../sim/ec2/throttle.ts';
import { FakeEc2 } from '../../test/support/fake-ec2.ts';
import { FakeNode } from '../../test/support/fake-node.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';

/** Wire names of the calls that the engine makes: each has a bucket of its own. */
const ACTIONS = {
  describe: 'DescribeNetworkInterfaces',
  find: 'DescribeNetworkInterfaces',
  instances: 'DescribeInstances',
  subnets: 'DescribeSubnets',
  assign: 'AssignPrivateIpAddresses',
  unassign: 'UnassignPrivateIpAddresses',
} as const;

/** Nodes that share a subnet; a subnet of the stand-in has room for no more. */
const NODES_PER_SUBNET = 200;

/** Every read carries a filter, so that it is not a dear one. */
const FILTERED = new Map([['Filter.1.Name', 'attachment.instance-id']]);

export interface RegionOptions {
  readonly nodes: number;
  /** Multus ENIs per node. */
  readonly enis: number;
}

/**
 * Nodes with the real engine, planner, lanes and ledger on one virtual clock, in one account: all share EC2's documented token
 * buckets (facts §1.10). EC2 takes 50 ms.
 */
export class Region {
  readonly clock = new VirtualClock();
  readonly throttle = new Throttle({ now: () => this.clock.now() });
  readonly nodes: FakeNode[] = [];
  readonly #enis: number;
  readonly #subnets: FakeEc2[] = [];

  constructor({ nodes, enis }: RegionOptions) {
    this.#enis = enis;
    for (let index = 0; index < nodes; index += 1) this.addNode();
  }

  /** A machine without pods; its agent does not run yet. */
  addNode(subnet?: number): FakeNode {
    const index = this.nodes.length;
    const name = `n${index}`;
    const ec2 = this.#subnet(subnet ?? Math.floor(index / NODES_PER_SUBNET));
    ec2.addNode(name, this.#enis);
    const node = new FakeNode({ name, clock: this.clock, ec2, seed: index + 1 });
    this.nodes.push(node);
    return node;
  }

  /** A pod on the node: the n-th of its subnet, on the node's ENIs in turn. */
  addPod(node: FakeNode, serial: number): void {
    const inSubnet = serial % 12_000;
    const address = `10.0.${16 + Math.floor(inSubnet / 250)}.${2 + (inSubnet % 250)}`;
    node.add(`pod-${serial}`, address, { eni: 1 + (serial % this.#enis) });
  }

  /** Calls that arrived at EC2, with those that were refused. */
  calls() {
    return this.#subnets.flatMap(({ calls }) => calls);
  }

  /** The ENI that has an address in EC2, of whichever subnet. */
  holderOf(address: IpAddress): EniId | undefined {
    return this.#subnets.map((ec2) => ec2.holderOf(address)).find((eni) => eni !== undefined);
  }

  /** Ends all agents. */
  close(): void {
    for (const node of this.nodes) if (node.isRunning) node.kill();
  }

  #subnet(index: number): FakeEc2 {
    const known = this.#subnets[index];
    if (known !== undefined) return known;
    const ec2 = new FakeEc2({ clock: this.clock });
    ec2.faults = ({ action }) => (this.throttle.admits(ACTIONS[action], FILTERED) ? undefined : 'throttle');
    this.#subnets[index] = ec2;
    return ec2;
  }
}

export interface Converged {
  /** Virtual seconds until the last node has all its addresses; also of each node, in order of time. */
  readonly seconds: number;
  readonly secondsByNode: readonly number[];
  /** Calls that EC2 took, and calls that it refused for the rate. */
  readonly assigns: number;
  readonly reads: number;
  readonly refused: number;
}

/** Lets time pass until every running node has all its addresses. @throws when that takes more than six hours. */
export async function converge(region: Region, watched: readonly FakeNode[], everyMs = 1_000): Promise<Converged> {
  const { clock } = region;
  const began = clock.now();
  const before = region.calls().length;
  const open = new Set(watched);
  const secondsByNode: number[] = [];
  while (open.size > 0) {
    await clock.advance(everyMs);
    for (const node of open) {
      if (!node.allAssigned) continue;
      open.delete(node);
      secondsByNode.push((clock.now() - began) / 1_000);
    }
    if (clock.now() - began > 6 * 3_600_000) throw new Error(`${open.size} nodes are not served after six hours`);
  }
  const calls = region.calls().slice(before);
  const taken = calls.filter(({ outcome }) => outcome === 'ok');
  return {
    seconds: secondsByNode.at(-1) ?? 0,
    secondsByNode,
    assigns: taken.filter(({ action }) => action === 'assign').length,
    reads: taken.filter(({ action }) => action === 'describe' || action === 'find').length,
    refused: calls.length - taken.length,
  };
}
