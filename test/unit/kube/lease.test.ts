import { describe, expect, it } from 'vitest';
import type { KubeClient, KubeRequest } from '../../../lib/kube/client.ts';
import { KubeError } from '../../../lib/kube/kube-error.ts';
import { createLeaseElector, type LeaseElectorOptions } from '../../../lib/kube/lease.ts';
import type { Lease } from '../../../lib/kube/lease-record.ts';
import { type ManualClock, manualClock } from './time.ts';

/** One Lease with the API server's compare-and-set, and an outage switch for each client. */
class LeaseApi {
  lease: Lease | undefined;
  readonly calls: string[] = [];
  #version = 0;

  client(link: { up: boolean } = { up: true }): KubeClient {
    return {
      request: async <T>(request: KubeRequest) => {
        await Promise.resolve();
        if (!link.up) throw new KubeError({ status: 0, reason: 'Network', message: 'down' });
        this.calls.push(request.method);
        return this.#answer(request) as T;
      },
      stream: () => Promise.reject(new Error('not used')),
      close: () => Promise.resolve(),
    };
  }

  #answer({ method, body }: KubeRequest): Lease {
    if (method === 'GET') {
      if (this.lease === undefined) throw new KubeError({ status: 404, reason: 'NotFound', message: '' });
      return this.lease;
    }
    const wanted = body as Lease;
    const current = this.lease?.metadata.resourceVersion;
    if (wanted.metadata.resourceVersion !== current)
      throw new KubeError({ status: 409, reason: 'Conflict', message: '' });
    this.#version += 1;
    this.lease = { ...wanted, metadata: { ...wanted.metadata, resourceVersion: String(this.#version) } };
    return this.lease;
  }
}

function candidate(api: LeaseApi, clock: ManualClock, identity: string, options: Partial<LeaseElectorOptions> = {}) {
  const log: string[] = [];
  const link = { up: true };
  const elector = createLeaseElector({
    client: api.client(link),
    clock,
    random: () => 0,
    lock: { namespace: 'kube-system', name: 'eni-agent', identity },
    callbacks: {
      onStartedLeading: (signal) => {
        log.push('started');
        signal.addEventListener('abort', () => log.push('signal'));
      },
      onStoppedLeading: () => void log.push('stopped'),
    },
    ...options,
  });
  const stop = new AbortController();
  return { elector, log, link, stop, running: elector.run(stop.signal) };
}

describe('createLeaseElector', () => {
  it('creates the Lease, leads, and renews each retry period by one write without a read', async () => {
    const api = new LeaseApi();
    const clock = manualClock();
    const a = candidate(api, clock, 'a');
    await clock.advance(0);
    expect(a.elector.isLeader()).toBe(true);
    expect(api.lease?.spec).toEqual({
      holderIdentity: 'a',
      leaseDurationSeconds: 15,
      acquireTime: '2026-11-21T10:00:00.000000Z',
      renewTime: '2026-11-21T10:00:00.000000Z',
      leaseTransitions: 0,
    });

    api.calls.length = 0;
    await clock.advance(6_000);
    expect(api.calls).toEqual(['PUT', 'PUT', 'PUT']);
    expect(api.lease?.spec?.renewTime).toBe('2026-11-21T10:00:06.000000Z');
  });

  it('lets only one of two lead and hands over at once when the leader stops', async () => {
    const api = new LeaseApi();
    const clock = manualClock();
    const a = candidate(api, clock, 'a');
    await clock.advance(0);
    const b = candidate(api, clock, 'b');
    await clock.advance(60_000);
    expect([a.elector.isLeader(), b.elector.isLeader(), b.elector.holder()]).toEqual([true, false, 'a']);

    a.stop.abort();
    await a.running;
    expect(a.log).toEqual(['started', 'signal', 'stopped']);
    expect(api.lease?.spec).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    await clock.advance(2_000);
    expect(b.elector.isLeader()).toBe(true);
    expect(api.lease?.spec).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1, leaseDurationSeconds: 15 });
  });

  it('stops leading at the renew deadline during an outage, before another one may start', async () => {
    const api = new LeaseApi();
    const clock = manualClock();
    const a = candidate(api, clock, 'a');
    await clock.advance(0);
    const b = candidate(api, clock, 'b');
    await clock.advance(4_000);
    a.link.up = false;
    await clock.advance(9_900);
    expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([true, false]);
    await clock.advance(100);
    expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([false, false]);
    await clock.advance(5_500);
    expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([false, true]);

    a.link.up = true;
    await clock.advance(30_000);
    expect([a.elector.isLeader(), b.elector.isLeader()]).toEqual([false, true]);
    expect(a.log).toEqual(['started', 'signal', 'stopped']);
  });

  it('leads on through an outage that is shorter than the renew deadline', async () => {
    const api = new LeaseApi();
    const clock = manualClock();
    const a = candidate(api, clock, 'a');
    await clock.advance(0);
    a.link.up = false;
    await clock.advance(7_000);
    a.link.up = true;
    await clock.advance(20_000);

    expect(a.elector.isLeader()).toBe(true);
    expect(a.log).toEqual(['started']);
  });

  it('is not the leader any more the moment a paused process wakes up', async () => {
    const api = new LeaseApi();
    const clock = manualClock();
    const a = candidate(api, clock, 'a');
    await clock.advance(0);
    clock.jump(11_000);
    expect(a.elector.isLeader()).toBe(false);
    api.calls.length = 0;
    await clock.advance(0);

    expect(a.log).toEqual(['started', 'signal', 'stopped', 'started']);
    expect(api.calls).toEqual(['GET', 'PUT']);
    expect(api.lease?.spec?.leaseTransitions).toBe(0);
  });

  it('is not the leader when the clock was set back', async () => {
    const api = new LeaseApi();
    const clock = manualClock();
    const a = candidate(api, clock, 'a');
    await clock.advance(0);
    clock.jump(-3_600_000);

    expect(a.elector.isLeader()).toBe(false);
  });

  it('judges expiry by its own clock, not by the times in the record', async () => {
    const api = new LeaseApi();
    const clock = manualClock();
    const ancient = '2001-01-01T00:00:00.000000Z';
    api.lease = {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: 'kube-system', name: 'eni-agent', resourceVersion: '7' },
      spec: {
        holderIdentity: 'other',
        leaseDurationSeconds: 15,
        acquireTime: ancient,
        renewTime: ancient,
        leaseTransitions: 3,
      },
    };
    const stuck = candidate(api, clock, 'a');
    await clock.advance(14_900);
    expect(stuck.elector.isLeader()).toBe(false);
    api.lease = { ...api.lease, spec: { ...api.lease.spec, renewTime: '2001-01-01T00:00:05.000000Z' } };
    await clock.advance(14_000);
    expect(stuck.elector.isLeader()).toBe(false);
    await clock.advance(5_000);
    expect(stuck.elector.isLeader()).toBe(true);
    expect(api.lease.spec).toMatchObject({ holderIdentity: 'a', leaseTransitions: 4 });
  });

  it('takes the loser of a race back to waiting', async () => {
    const api = new LeaseApi();
    const clock = manualClock();
    const contenders = ['a', 'b', 'c', 'd'].map((identity) => candidate(api, clock, identity));
    await clock.advance(5_000);

    expect(contenders.filter(({ elector }) => elector.isLeader())).toHaveLength(1);
    expect(new Set(contenders.map(({ elector }) => elector.holder())).size).toBe(1);
  });

  it('never has two leaders while links go up and down', async () => {
    const api = new LeaseApi();
    const clock = manualClock();
    let state = 12_345;
    const random = () => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state / 2_147_483_648;
    };
    const contenders = ['a', 'b', 'c'].map((identity) => candidate(api, clock, identity, { random }));
    const leaders = new Set<number>();
    for (let step = 0; step < 400; step += 1) {
      for (const { link } of contenders) if (random() < 0.08) link.up = !link.up;
      await clock.advance(random() * 3_000);
      const now = contenders.flatMap(({ elector }, index) => (elector.isLeader() ? [index] : []));
      expect(now.length).toBeLessThanOrEqual(1);
      for (const index of now) leaders.add(index);
    }
    expect(leaders.size).toBe(3);
  });

  it.each([
    [15_000, 15_000, 2_000],
    [15_000, 2_400, 2_000],
  ])(
    'refuses the durations %d, %d, %d, with which two could lead',
    (leaseDurationMs, renewDeadlineMs, retryPeriodMs) => {
      const durations = { leaseDurationMs, renewDeadlineMs, retryPeriodMs };
      expect(() => candidate(new LeaseApi(), manualClock(), 'a', { times: durations })).toThrow(RangeError);
    },
  );
});
