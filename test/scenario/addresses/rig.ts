import { onTestFinished } from 'vitest';
import { type IpAddress, ip } from '../../../lib/model/ip.ts';
import { FakeEc2 } from '../../support/fake-ec2.ts';
import { FakeNode, type FakeNodeOptions } from '../../support/fake-node.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** A rig whose agents are killed at the end of the test. */
export function rig(options: { readonly latencyMs?: number } = {}) {
  const world = openRig(options);
  onTestFinished(world.killAll);
  return world;
}

/** An EC2 with nodes `a` and `b` (and more on demand), everything on one virtual clock. */
export function openRig(options: { readonly latencyMs?: number } = {}) {
  const clock = new VirtualClock();
  const ec2 = new FakeEc2({ clock, ...options });
  const nodes: FakeNode[] = [];
  const killAll = () => {
    for (const node of nodes) if (node.isRunning) node.kill();
  };
  const node = (
    name: string,
    about: Omit<Partial<FakeNodeOptions>, 'name'> & { enis?: number; type?: string } = {},
  ): FakeNode => {
    const { enis = 1, type, ...rest } = about;
    ec2.addNode(name, enis, type);
    const made = new FakeNode({ name, clock, ec2, seed: nodes.length + 1, ...rest });
    nodes.push(made);
    return made;
  };
  return { clock, ec2, node, killAll };
}

/** The n-th pod address of the rig's subnet. */
export function address(index: number): IpAddress {
  return ip(`10.0.${8 + Math.floor(index / 200)}.${10 + (index % 200)}`);
}
