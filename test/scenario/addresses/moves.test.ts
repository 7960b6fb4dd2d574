import { describe, expect, it } from 'vitest';
import { ip } from '../../../lib/model/ip.ts';
import { eniOf } from '../../support/fake-ec2.ts';
import { MINUTE, rig, SECOND } from './rig.ts';

const VIPS = { 4: ip('10.0.9.9'), 6: ip('2001:db8:0:1::99') };

/** One pod after the other adds the address; ms until the next. None lets go of it but where it adds it again. */
type Additions = readonly (readonly [node: 'a' | 'b' | 'c', pauseMs: number])[];

async function added(family: 4 | 6, lagMs: number, additions: Additions) {
  const world = rig();
  const { clock, ec2, node } = world;
  const nodes = { a: node('a'), b: node('b'), c: node('c') };
  for (const each of Object.values(nodes)) each.start();
  await clock.advance(SECOND);
  ec2.cloud.knobs.describeLagMs = lagMs;
  for (const [name, pauseMs] of additions) {
    nodes[name].add('keepalived', VIPS[family], { kind: 'floating' });
    await clock.advance(pauseMs);
  }
  await clock.advance(lagMs);
  ec2.cloud.knobs.describeLagMs = 0;
  return { ...world, nodes, holder: () => ec2.holderOf(VIPS[family]) };
}

describe('a floating address that moves over three nodes sooner than describes show', () => {
  const cases: [name: string, lagMs: number, additions: Additions][] = [
    ['the look shows the holder before the last', 1_430, [['a', 2_825], ['c', 1_012], ['b', 1_643]]], // biome-ignore format: a table
    ['two wait for the same view at once', 3_437, [['a', 932], ['b', 892], ['c', 336]]], // biome-ignore format: a table
    ['it comes back to a node that has not seen it leave', 25, [['a', 310], ['b', 826], ['a', 197], ['b', 848], ['c', 672], ['b', 703]]], // biome-ignore format: a table
    ['the same, and describes lag', 4_000, [['a', 3_000], ['b', 3_000], ['c', 3_000], ['a', 3_000]]], // biome-ignore format: a table
  ];
  const both = cases.flatMap(([name, lagMs, additions]) =>
    ([4, 6] as const).map((family) => ({ name, lagMs, additions, family })),
  );

  it.each(both)('is with the pod that added it last: $name (IPv$family)', async ({ family, lagMs, additions }) => {
    const { clock, holder } = await added(family, lagMs, additions);
    await clock.advance(15 * SECOND);
    const last = eniOf(additions.at(-1)?.[0] ?? '', 1);
    expect(holder()).toBe(last);

    await clock.advance(15 * MINUTE);
    expect(holder()).toBe(last);
  });

  it.each([4, 6] as const)('costs few calls while EC2 contradicts itself (IPv%i)', async (family) => {
    const { clock, ec2 } = await added(family, 4_000, [['a', 3_000], ['b', 3_000], ['c', 3_000], ['a', 3_000]]); // biome-ignore format: a table
    await clock.advance(15 * MINUTE);

    expect(ec2.writes().length).toBeLessThanOrEqual(30);
  });
});
