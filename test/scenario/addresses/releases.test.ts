import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type IpAddress, ip } from '../../../lib/model/ip.ts';
import { eniOf, type FakeEc2 } from '../../support/fake-ec2.ts';
import type { FakeNode } from '../../support/fake-node.ts';
import { address, HOUR, MINUTE, openRig, rig, SECOND } from './rig.ts';

const ENI = eniOf('a', 1);

/** A namespace appears, its pod gets its address, some ms later it has been read: what goes on when pods come ten times a second. */
class Churn {
  readonly #node: FakeNode;
  readonly #now: () => number;
  /** Addresses in namespaces that have been read. */
  readonly live = new Set<IpAddress>();
  readonly #hidden: { readonly since: number; readonly index: number | undefined }[] = [];

  constructor(node: FakeNode, now: () => number) {
    this.#node = node;
    this.#now = now;
  }

  /** Without an index: a pod of the cluster's network only. */
  create(index?: number): void {
    this.#hidden.push({ since: this.#now(), index });
    this.#tell();
  }

  /** Namespaces that appeared so long ago have been read by now. */
  read(afterMs: number): void {
    while ((this.#hidden[0]?.since ?? Number.POSITIVE_INFINITY) <= this.#now() - afterMs) {
      const index = this.#hidden.shift()?.index;
      if (index !== undefined) this.live.add(address(index));
      this.#tell();
      if (index !== undefined) this.#node.add(`pod-${index}`, address(index), { uid: `${index}-${this.#now()}` });
    }
  }

  end(index: number): void {
    this.live.delete(address(index));
    this.#node.remove(`pod-${index}`, address(index));
  }

  #tell(): void {
    this.#node.complete = this.#hidden.length === 0;
    this.#node.hiddenSince = this.#hidden[0]?.since;
    this.#node.trigger();
  }
}

describe('releases while pods come and go', () => {
  it('come after the cool-down at ten pods a second for two minutes, in few calls, with a namespace unread at any time', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { enis: 2 });
    a.start();
    for (let index = 1_000; index < 1_040; index += 1) a.add(`job-${index}`, address(index), { eni: 2 });
    await clock.advance(10 * SECOND);
    for (let index = 1_000; index < 1_040; index += 1) a.remove(`job-${index}`, address(index));
    const churn = new Churn(a, () => clock.now());
    const before = ec2.calls.length;
    const endedAt = clock.now();
    let freedAt: number | undefined;

    for (let tick = 0; tick < 1_200; tick += 1) {
      churn.create();
      churn.read(250);
      await clock.advance(100);
      if (ec2.secondariesOf(eniOf('a', 2)).length === 0) freedAt ??= clock.now();
    }

    expect(freedAt).toBeDefined();
    expect((freedAt ?? 0) - endedAt).toBeLessThanOrEqual(36 * SECOND);
    expect(a.released).toHaveLength(40);
    const calls = ec2.calls.slice(before);
    expect(calls.filter(({ action }) => action === 'unassign').length).toBeLessThanOrEqual(3);
    // At most one describe in 5 s for releases.
    expect(calls.filter(({ action }) => action === 'describe').length).toBeLessThanOrEqual(26);
  });

  it('never take an address that a pod uses, for any order of events', { timeout: 120_000 }, async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('create' as const), index: fc.nat(5), ms: fc.nat(400) }),
      fc.record({ kind: fc.constant('end' as const), index: fc.nat(5), ms: fc.nat(400) }),
      fc.record({ kind: fc.constant('wait' as const), index: fc.nat(5), ms: fc.nat(20_000) }),
    );
    const sequence = fc.array(step, { minLength: 10, maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(sequence, async (steps) => {
        const { clock, ec2, node, killAll } = openRig();
        const a = node('a');
        a.start();
        const churn = new Churn(a, () => clock.now());
        const taken: IpAddress[] = [];
        ec2.faults = ({ action, addresses }) => {
          if (action === 'unassign') taken.push(...addresses.filter((each) => churn.live.has(each)));
          return undefined;
        };
        for (const { kind, index, ms } of steps) {
          if (kind === 'create') churn.create(index);
          if (kind === 'end') churn.end(index);
          for (let passed = 0; passed < ms; passed += 100) {
            await clock.advance(100);
            churn.read(200);
          }
        }
        await clock.advance(SECOND);
        churn.read(200);
        await clock.advance(2 * MINUTE);
        const held = ec2.secondariesOf(ENI).toSorted();
        killAll();
        expect(taken).toEqual([]);
        // And nothing is left behind.
        expect(held).toEqual([...churn.live].toSorted());
      }),
      { numRuns: 40 },
    );
  });
});

describe('a held address that a describe does not show', () => {
  it('is released after a restart whose first describes lag behind', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    await clock.advance(10 * MINUTE);
    a.add('pod', address(0));
    await clock.advance(SECOND);
    ec2.cloud.knobs.describeLagMs = 50 * SECOND;
    a.kill();
    a.remove('pod', address(0));
    a.start();

    await clock.advance(5 * MINUTE);

    expect(ec2.secondariesOf(ENI)).toEqual([]);
    expect(a.released).toEqual([address(0)]);
  });

  it('is released when its pod lived for two seconds and describes lag by many more', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    ec2.cloud.knobs.describeLagMs = 45 * SECOND;
    a.start();
    await clock.advance(2 * MINUTE);

    a.add('job', address(0));
    await clock.advance(2 * SECOND);
    a.remove('job', address(0));
    a.invalidate();
    await clock.advance(8 * SECOND);
    a.invalidate();
    await clock.advance(5 * MINUTE);

    expect(ec2.secondariesOf(ENI)).toEqual([]);
  });

  it('is released when its ENI was away for an hour, and nothing is asked of an ENI that is not here', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a', { enis: 2 });
    a.start();
    a.add('pod', address(0));
    await clock.advance(MINUTE);

    const writes = ec2.writes().length;
    detach(ec2, ENI);
    a.remove('pod', address(0));
    await clock.advance(HOUR);
    expect(ec2.writes()).toHaveLength(writes);
    ec2.cloud.attachNetworkInterface({ networkInterfaceId: ENI, instanceId: 'i-a', deviceIndex: 1 });
    await clock.advance(30 * MINUTE);

    expect(ec2.secondariesOf(ENI)).toEqual([]);
    expect(a.ledger).toEqual([]);
  });

  it.each(['foreign', 'foreign-done'] as const)(
    'stays known when EC2 answers with a page of HTML (%s)',
    async (fault) => {
      const { clock, ec2, node } = rig();
      const a = node('a');
      a.start();
      a.add('pod', address(0));
      await clock.advance(MINUTE);
      a.remove('pod', address(0));
      ec2.faults = () => fault;
      a.invalidate();
      await clock.advance(5 * MINUTE);
      expect(a.ledger).toHaveLength(1);
      ec2.faults = () => undefined;

      await clock.advance(10 * MINUTE);

      expect(ec2.secondariesOf(ENI)).toEqual([]);
      expect(a.ledger).toEqual([]);
    },
  );

  it('is asked for again, not told as assigned, when the call for it was answered with a page of HTML', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    await clock.advance(MINUTE);
    ec2.faults = ({ action }) => (action === 'assign' ? 'foreign' : undefined);
    a.add('pod', address(0));
    await clock.advance(MINUTE);
    expect(a.statusOf(address(0))?.state).toBe('pending');
    ec2.faults = () => undefined;

    await clock.advance(MINUTE);

    expect(ec2.holderOf(address(0))).toBe(ENI);
    expect(a.statusOf(address(0))?.state).toBe('assigned');
  });
});

describe('whose an address is', () => {
  it('what somebody put on the ENI just before the pod came is never released', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.start();
    await clock.advance(MINUTE);
    // No describe has shown it yet.
    ec2.cloud.assignPrivateIpAddresses({ networkInterfaceId: ENI, privateIpAddresses: [address(0)] });
    a.add('pod', address(0));
    await clock.advance(MINUTE);
    expect(a.statusOf(address(0))?.state).toBe('assigned');

    a.remove('pod', address(0));
    await clock.advance(HOUR);

    expect(ec2.writes().map(({ action }) => action)).toEqual(['assign']);
    expect(ec2.holderOf(address(0))).toBe(ENI);
  });

  it('is ours when the answer does not say what it assigned: a describe confirms it, and it is released', async () => {
    const { clock, ec2, node } = rig();
    ec2.saysWhatItAssigned = false;
    const a = node('a');
    a.start();
    await clock.advance(MINUTE);
    const describes = () => ec2.calls.filter(({ action }) => action === 'describe').length;
    const before = describes();
    a.add('pod', address(0));
    await clock.advance(10_000);
    expect(describes()).toBe(before + 1);
    expect(a.statusOf(address(0))?.state).toBe('assigned');

    a.remove('pod', address(0));
    await clock.advance(HOUR);

    expect(ec2.writes().map(({ action }) => action)).toEqual(['assign', 'unassign']);
    expect(ec2.holderOf(address(0))).toBeUndefined();
  });

  it('is not told by a forged ledger: no call for a primary address, a foreign ENI, or what is found', async () => {
    const { clock, ec2, node } = rig();
    const [a, b] = [node('a'), node('b')];
    const [primary] = ec2.cloud.state.requireInterfaceNow(ENI).addresses;
    const foreign = { networkInterfaceId: eniOf('b', 1), privateIpAddresses: [address(1)] };
    ec2.cloud.assignPrivateIpAddresses(foreign);
    a.forge([
      { address: primary?.ip ?? address(9), eni: ENI },
      { address: address(1), eni: eniOf('b', 1) },
      { address: ip('192.168.7.7'), eni: ENI },
    ]);
    a.start();
    b.start();

    await clock.advance(2 * HOUR);

    expect(ec2.writes()).toEqual([]);
  });

  it('is known by a ledger from the future, which refuses no new pod: the clock was set back', async () => {
    const { clock, ec2, node } = rig();
    const a = node('a');
    a.forge([{ address: address(0), eni: ENI, claimedAt: clock.now() + 24 * HOUR }]);
    ec2.cloud.assignPrivateIpAddresses({ networkInterfaceId: ENI, privateIpAddresses: [address(0)] });
    a.forge([{ address: address(1), eni: ENI, claimedAt: clock.now() + 24 * HOUR }]);
    a.start();
    a.add('new', address(0), { uid: 'another' });
    a.add('newer', address(1), { uid: 'another' });

    await clock.until(() => a.allAssigned, 10 * SECOND, 'both pods');

    expect(ec2.secondariesOf(ENI).toSorted()).toEqual([address(0), address(1)]);
  });
});

function detach(ec2: FakeEc2, eni: string): void {
  const { attachment } = ec2.cloud.state.requireInterfaceNow(eni);
  ec2.cloud.detachNetworkInterface({ attachmentId: attachment?.id ?? '' });
}
