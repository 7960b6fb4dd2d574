import { OPTIONS } from '../../lib/config/options.ts';
import { FakeEc2 } from '../../test/support/fake-ec2.ts';
import { FakeNode } from '../../test/support/fake-node.ts';
import { VirtualClock } from '../../test/support/virtual-clock.ts';
import type { Row } from '../measurement.ts';

const HOUR = 3_600_000;

/** EC2 reads of a node with 30 addresses on which nothing changes, over a day of virtual time with the agent's own defaults. */
export const idleEc2: Row = {
  name: 'idle-ec2',
  beside: true,
  run: async () => {
    const { type, default: written } = OPTIONS.ec2ResyncMs;
    const resyncMs = type.parse(written);
    if (typeof resyncMs !== 'number') throw new Error(`--ec2-resync has no usable default: ${written}`);
    const clock = new VirtualClock();
    const ec2 = new FakeEc2({ clock });
    ec2.addNode('quiet', 3);
    const node = new FakeNode({ name: 'quiet', clock, ec2, resyncMs });
    node.start();
    for (let index = 0; index < 30; index += 1)
      node.add(`pod-${index}`, `10.0.8.${10 + index}`, { eni: 1 + (index % 3) });
    await clock.until(() => node.allAssigned, 60_000, 'everything assigned');
    const perHour: number[] = [];
    for (let hour = 0; hour < 24; hour += 1) {
      const before = ec2.calls.length;
      await clock.advance(HOUR);
      perHour.push(ec2.calls.length - before);
    }
    await node.stop();
    const title = 'EC2 calls per hour when nothing changes';
    return [{ name: 'idle-ec2', title, unit: 'calls', samples: perHour, bar: { max: 12 }, note: 'virtual time' }];
  },
};
