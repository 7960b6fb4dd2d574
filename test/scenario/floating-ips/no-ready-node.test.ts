import { afterEach, describe, expect, it } from 'vitest';
import { Rig, VIP } from './rig.ts';

const SPEC = { addresses: [VIP], nodeSelector: { ingress: 'yes' } };
let rig: Rig;

afterEach(() => rig.close());

async function served(): Promise<string> {
  rig = new Rig(1);
  for (const node of rig.nodes) node.start();
  rig.apply('web', SPEC);
  await rig.untilServedBy(() => true, 5_000);
  await rig.clock.advance(500);
  return rig.serving() ?? '';
}

function setReady(ready: 'True' | 'False' | 'Unknown', names = rig.nodes.map(({ name }) => name)): void {
  for (const name of names) rig.node(name).ready = ready;
  rig.trigger();
}

/** Looks each 50 ms: who serves, each node once in a row. */
async function servers(ms: number): Promise<(string | undefined)[]> {
  const seen = [rig.serving()];
  for (let time = 0; time < ms; time += 50) {
    await rig.clock.advance(50);
    if (rig.serving() !== seen.at(-1)) seen.push(rig.serving());
  }
  return seen;
}

describe('a floating IP of which no selected node is ready', () => {
  it.each(['False', 'Unknown'] as const)('stays with its holder without a gap (Ready=%s)', async (ready) => {
    const first = await served();
    setReady(ready);

    expect(await servers(120_000)).toEqual([first]);
    expect(rig.objects[0]?.status.conditions).toMatchObject([{ status: 'True', reason: 'Serving' }]);
  });

  it('moves once when another node is ready again', async () => {
    const first = await served();
    setReady('False');
    await rig.clock.advance(30_000);
    const other = rig.nodes.find(({ name }) => name !== first)?.name ?? '';
    setReady('True', [other]);
    await rig.untilServedBy((node) => node === other, 7_000);

    setReady('True');
    expect(await servers(60_000)).toEqual([other]);
  });

  it('is taken by another node whose agent lives when its holder dies, and stays there', async () => {
    const first = await served();
    setReady('Unknown');
    await rig.clock.advance(30_000);
    rig.node(first).die();
    await rig.untilServedBy((node) => node !== first, 12_000);
    const second = rig.serving();

    expect(await servers(60_000)).toEqual([second]);
  });

  it('is served although the agents start only then', async () => {
    rig = new Rig(2);
    setReady('False');
    for (const node of rig.nodes) node.start();
    rig.apply('web', SPEC);
    await rig.untilServedBy(() => true, 12_000);
    const [first] = await servers(60_000);

    expect(await servers(60_000)).toEqual([first]);
  });

  it('does not come and go when the only ready node has no agent: it is dark once', async () => {
    const first = await served();
    const others = rig.nodes.filter(({ name }) => name !== first);
    for (const other of others) other.kill();
    setReady('False', [first]);

    expect(await servers(300_000)).toEqual([first, undefined, first]);
  });

  it('leaves a node that is cordoned besides', async () => {
    const first = await served();
    setReady('False');
    await rig.clock.advance(30_000);
    rig.node(first).cordoned = true;
    rig.trigger();

    await rig.untilServedBy((node) => node !== first, 10_000);
    expect(rig.hosts()).toEqual([rig.serving()]);
  });
});
