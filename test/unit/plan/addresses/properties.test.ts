import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { Claim } from '../../../../lib/model/addresses/claim.ts';
import type { LedgerEntry } from '../../../../lib/model/addresses/ledger.ts';
import type { Plan } from '../../../../lib/model/addresses/plan.ts';
import type { NodeSnapshot } from '../../../../lib/model/addresses/snapshot.ts';
import { addressOn, carries, slotLimit, usedSlots, withoutAddresses } from '../../../../lib/model/eni.ts';
import { familyOf, type IpAddress, ip } from '../../../../lib/model/ip.ts';
import { dateClaims } from '../../../../lib/plan/addresses/appearance.ts';
import { plan } from '../../../../lib/plan/addresses/plan.ts';
import { carriedOut, claim, eni, entry, inWords, macOf, NOW, snapshot } from './snapshots.ts';

// Hundreds of runs on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000 });

const ENIS = ['eni-1', 'eni-22', 'eni-333'] as const;
const ADDRESSES = [
  ...Array.from({ length: 8 }, (_, index) => `10.0.1.${10 + index}`),
  ...Array.from({ length: 4 }, (_, index) => `2001:db8::${10 + index}`),
  '10.0.2.10',
  '10.0.1.2',
];

const address = fc.constantFrom(...ADDRESSES);
const eniId = fc.constantFrom(...ENIS);
const time = fc.integer({ min: NOW - 60_000, max: NOW });

const anyClaim: fc.Arbitrary<Claim> = fc
  .record({
    address,
    on: fc.option(eniId, { nil: undefined, freq: 4 }),
    kind: fc.constantFrom('ipam' as const, 'floating' as const, 'live' as const),
    since: time,
    pod: fc.constantFrom('p', 'q', 'r'),
  })
  .map(({ address: text, ...about }) => claim(text, about));

const anyEntry: fc.Arbitrary<LedgerEntry> = fc
  .record({
    address,
    on: eniId,
    state: fc.constantFrom('assigning' as const, 'held' as const, 'found' as const, 'lost' as const),
    pod: fc.constantFrom('p', 'q', 'r'),
    claimedAt: time,
  })
  .map(({ address: text, on, state, ...about }) => entry(text, on, state, about));

/** Each address is on at most one ENI, as EC2 guarantees. */
const anySnapshot: fc.Arbitrary<NodeSnapshot> = fc
  .record({
    claims: fc.uniqueArray(anyClaim, {
      maxLength: 14,
      selector: ({ holder, address: text }) => `${holder.uid} ${text}`,
    }),
    ledger: fc.uniqueArray(anyEntry, { maxLength: 8, selector: (each) => each.address }),
    holds: fc.uniqueArray(fc.tuple(address, eniId), { maxLength: 10, selector: ([text]) => text }),
    limit: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    describedAt: time,
    complete: fc.boolean(),
    hiddenSince: fc.option(time, { nil: undefined }),
    missing: fc.array(fc.tuple(address, fc.integer({ min: NOW - 100_000_000, max: NOW })), { maxLength: 8 }),
    takeover: fc.constantFrom('declared' as const, 'any' as const),
    idle: fc.array(fc.tuple(address, time), { maxLength: 8 }),
    knownFree: fc.subarray(ADDRESSES, { maxLength: 3 }),
    inFlight: fc.subarray(ADDRESSES, { maxLength: 2 }),
  })
  .map((parts) =>
    snapshot({
      enis: ENIS.map((id) =>
        eni(id, { limit: parts.limit, holds: parts.holds.filter(([, on]) => on === id).map(([text]) => text) }),
      ),
      claims: parts.claims,
      ledger: parts.ledger,
      describedAt: parts.describedAt,
      claimsComplete: parts.complete,
      hiddenSince: parts.complete ? undefined : parts.hiddenSince,
      missingSince: Object.fromEntries(parts.missing),
      policy: { takeover: parts.takeover, allowPrimary: false, release: 'after-delay', releaseDelayMs: 30_000 },
      idleSince: Object.fromEntries(parts.idle),
      knownFree: parts.knownFree.map(ip),
      inFlight: parts.inFlight.map(ip),
    }),
  );

function always(holds: (snapshot: NodeSnapshot, plan: Plan) => void): void {
  fc.assert(
    fc.property(anySnapshot, (given) => holds(given, plan(given))),
    { numRuns: 400 },
  );
}

describe('plan, for any snapshot', () => {
  it('asks for nothing again that has been carried out', () => {
    always((given, first) => {
      const done = new Set(first.actions.map(({ kind, address: text }) => `${kind} ${text}`));

      const next = plan({ ...carriedOut(given, first), inFlight: new Set() }).actions;

      expect(next.filter(({ kind, address: text }) => done.has(`${kind} ${text}`))).toEqual([]);
    });
  });

  it('comes to rest within a few rounds', () => {
    always((given) => {
      let current: NodeSnapshot = { ...given, describedAt: given.now, inFlight: new Set<IpAddress>() };
      for (let round = 0; round < 6; round += 1)
        current = { ...carriedOut(current, plan(current)), inFlight: new Set() };

      const rest = plan(current);
      expect({ actions: rest.actions, ledger: rest.ledger, describe: rest.describe }).toEqual({
        actions: [],
        ledger: { put: [], forget: [] },
        describe: false,
      });
    });
  });

  it('never releases an address that is claimed, in a call, not ours, or elsewhere', () => {
    always((given, { actions }) => {
      const claimed = new Set(given.claims.map((each) => each.address));
      for (const action of actions.filter(({ kind }) => kind === 'unassign')) {
        const recorded = given.ledger.get(action.address);
        expect(claimed.has(action.address) || given.inFlight.has(action.address)).toBe(false);
        // Nothing could be hidden when its cool-down ended (or it was evicted), nor is hidden for long.
        const seenUntil = given.claimsComplete ? given.now : (given.hiddenSince ?? Number.NEGATIVE_INFINITY);
        expect(given.now - seenUntil).toBeLessThanOrEqual(5_000);
        expect(given.idleSince.get(action.address) ?? given.now).toBeLessThanOrEqual(seenUntil);
        expect(['held', 'assigning', 'lost']).toContain(recorded?.state);
        expect(recorded?.notOurs).toBeUndefined();
        expect(recorded?.eni).toBe(action.eni);
        const on = given.enis.find(({ id }) => id === action.eni);
        expect(on !== undefined && addressOn(on, action.address)?.primary).toBe(false);
      }
    });
  });

  it('never touches a primary address, nor plans one address twice', () => {
    always((given, { actions }) => {
      const planned = actions.map((action) => action.address);
      expect(new Set(planned).size).toBe(planned.length);
      for (const each of given.enis) {
        expect(planned.some((text) => addressOn(each, text)?.primary === true)).toBe(false);
      }
    });
  });

  it('stays within the limits of every ENI', () => {
    always((given, { actions }) => {
      for (const each of given.enis) {
        for (const family of [4, 6] as const) {
          const limit = slotLimit(each, family);
          const added = actions.filter(
            ({ kind, eni: on, address: text }) =>
              kind === 'assign' && on === each.id && familyOf(text) === family && !carries(each, text),
          );
          const room = Math.max(0, (limit ?? Number.POSITIVE_INFINITY) - usedSlots(each, family));
          expect(added.length).toBeLessThanOrEqual(room);
        }
      }
    });
  });

  it('does not depend on the order of its input', () => {
    fc.assert(
      fc.property(anySnapshot, fc.nat(), (given, seed) => {
        const shuffled = {
          ...given,
          claims: shuffle(given.claims, seed),
          enis: shuffle(given.enis, seed),
          ledger: new Map(shuffle([...given.ledger], seed)),
        };
        expect(inWords(plan(shuffled)).sort()).toEqual(inWords(plan(given)).sort());
        expect(plan(shuffled).actions).toEqual(plan(given).actions);
      }),
      { numRuns: 300 },
    );
  });

  it('never takes over for a claim that is undeclared, or that has had its takeover', () => {
    always((given, { actions }) => {
      for (const action of actions) {
        if (action.kind !== 'assign' || !action.takeover) continue;
        const recorded = given.ledger.get(action.address);
        const misplaced = recorded?.state === 'held' && recorded.eni !== action.eni;
        const anew = recorded === undefined || action.claim.since > recorded.claimedAt;
        expect(anew || misplaced || recorded.state === 'assigning').toBe(true);
        expect(action.claim.kind !== 'live' || given.policy.takeover === 'any').toBe(true);
      }
    });
  });

  it('says where each claim stands, each exactly once', () => {
    always((given, { statuses }) => {
      expect(statuses).toHaveLength(given.claims.length);
      expect(new Set(statuses.map((status) => status.claim))).toEqual(new Set(given.claims));
    });
  });
});

/** Two nodes whose pods hold one VIP, each planning for itself on what EC2 shows it; what happens in which order is arbitrary. */
describe('two nodes that hold one VIP', () => {
  const VIP = ip('10.0.1.99');
  type Step = { readonly node: 0 | 1; readonly what: 'round' | 'describe' | 'restart' | 'found free' | 'readd' };

  it('take over at most once for each appearance, forever', () => {
    const step: fc.Arbitrary<Step> = fc.record({
      node: fc.constantFrom(0 as const, 1 as const),
      what: fc.constantFrom(
        'round' as const,
        'round' as const,
        'describe' as const,
        'restart' as const,
        'found free' as const,
        'readd' as const,
      ),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const nodes = [new VipNode('eni-1'), new VipNode('eni-22')] as const;
        let holder: string | undefined;
        let now = NOW;
        for (const { node: index, what } of steps) {
          now += 1_000;
          const node = nodes[index];
          if (what === 'readd') node.readd(now);
          if (what === 'restart') node.restart();
          if (what === 'describe') node.look(holder, now);
          const wanted = node.round(now, what === 'found free' && holder === undefined);
          // EC2 moves it for a takeover, and gives it away when it is free.
          if (wanted !== undefined && (wanted.takeover || holder === undefined || holder === node.id)) {
            holder = node.id;
            node.got(now);
          } else if (wanted !== undefined) node.refused();
        }
        for (const node of nodes) expect(node.takeovers).toBeLessThanOrEqual(node.appearances);
      }),
      { numRuns: 300 },
    );
  });

  class VipNode {
    readonly id: string;
    takeovers = 0;
    appearances = 1;
    #seenSince = NOW;
    #appearancesKnown: Parameters<typeof dateClaims>[1]['known'] = new Map();
    #ledger = new Map<IpAddress, LedgerEntry>();
    #carries = false;
    #describedAt = NOW;
    #claim: Claim | undefined;

    constructor(id: string) {
      this.id = id;
    }

    readd(now: number): void {
      this.#seenSince = now;
      this.appearances += 1;
    }

    /** Appearances are lost, the kernel's times are reported again, the ledger stays. */
    restart(): void {
      this.#appearancesKnown = new Map();
    }

    look(holder: string | undefined, now: number): void {
      this.#carries = holder === this.id;
      this.#describedAt = now;
    }

    round(now: number, free: boolean) {
      const { since: _, ...about } = claim(VIP, { on: this.id, kind: 'floating' });
      const dated = dateClaims([{ ...about, seenSince: this.#seenSince }], {
        known: this.#appearancesKnown,
        ledger: this.#ledger,
        complete: true,
        settled: true,
        trusted: true,
        now,
      });
      this.#appearancesKnown = dated.appearances;
      [this.#claim] = dated.claims;
      const planned = plan(
        snapshot({
          now,
          enis: [eni(this.id, { holds: this.#carries ? [VIP] : [] })],
          claims: dated.claims,
          ledger: [...this.#ledger.values()],
          describedAt: this.#describedAt,
          knownFree: free ? [VIP] : [],
        }),
      );
      for (const each of planned.ledger.put) this.#ledger.set(VIP, each);
      const action = planned.actions.find(({ kind }) => kind === 'assign');
      if (action?.kind !== 'assign') return undefined;
      if (action.takeover) this.takeovers += 1;
      return action;
    }

    got(now: number): void {
      this.#carries = true;
      this.#describedAt = now;
      const claimedAt = Math.max(this.#claim?.since ?? 0, this.#ledger.get(VIP)?.claimedAt ?? 0);
      this.#ledger.set(VIP, entry(VIP, this.id, 'held', { claimedAt }));
    }

    refused(): void {
      // As the performer records a refusal: the right to a takeover is neither used up nor given back.
    }
  }
});

describe('a restart', () => {
  it('causes no call when the appearances are lost and the ledger is kept', () => {
    always((given) => {
      let before: NodeSnapshot = {
        ...given,
        describedAt: given.now,
        inFlight: new Set<IpAddress>(),
        knownFree: new Set(),
      };
      // One pod per address: which of two came first is not recorded.
      before = {
        ...before,
        claims: before.claims.filter(
          (each, index, all) => all.findIndex((other) => other.address === each.address) === index,
        ),
      };
      for (let round = 0; round < 6; round += 1) before = carriedOut(before, plan(before));
      fc.pre(plan(before).actions.length === 0);
      const refused = new Set(
        plan(before)
          .statuses.filter(({ state }) => state !== 'assigned')
          .map((status) => status.claim),
      );
      const drafts = before.claims
        .filter((each) => !refused.has(each))
        .map((each) => ({ ...each, seenSince: given.now }));

      const { claims } = dateClaims(drafts, {
        known: new Map(),
        ledger: before.ledger,
        complete: true,
        settled: true,
        trusted: true,
        now: given.now + 5,
      });

      expect(
        plan({
          ...before,
          claims,
          claimsComplete: false,
          hiddenSince: undefined,
          now: given.now + 5,
          describedAt: given.now + 6,
        }).actions,
      ).toEqual([]);
    });
  });

  it('does not bring a lost address back', () => {
    const drafts = [{ ...claim('10.0.1.10', { on: 'eni-1' }), seenSince: NOW }];
    const ledger = [entry('10.0.1.10', 'eni-1', 'lost')];

    const { claims } = dateClaims(drafts, {
      known: new Map(),
      ledger: snapshot({ ledger }).ledger,
      complete: true,
      settled: true,
      trusted: true,
      now: NOW,
    });

    expect(plan(snapshot({ claims, ledger, enis: [withoutAddresses(eni('eni-1'), [])] })).actions).toEqual([]);
    expect(macOf('eni-1')).toBe(claims[0]?.mac);
  });
});

function shuffle<T>(items: readonly T[], seed: number): T[] {
  return items
    .map((item, index) => ({ item, order: Math.imul(index + 1, (seed | 1) + 2_654_435) >>> 0 }))
    .toSorted((a, b) => a.order - b.order)
    .map(({ item }) => item);
}
