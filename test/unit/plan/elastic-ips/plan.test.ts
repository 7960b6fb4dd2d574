import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EipSource, ElasticIpClaim } from '../../../../lib/model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../../../lib/model/elastic-ips/elastic-ip.ts';
import { type EipPlace, type EipPlan, type EipSnapshot, NODE_TAG } from '../../../../lib/model/elastic-ips/plan.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { findOwn, isSuitable } from '../../../../lib/plan/elastic-ips/candidates.ts';
import { planElasticIps } from '../../../../lib/plan/elastic-ips/plan.ts';
import { at, claim, eip, NOW, ownedAmong, placed, READY, snapshot } from './snapshots.ts';

const AUTO: EipSource = { kind: 'allocate', pool: 'amazon' };
const TAGGED: EipSource = { kind: 'tagged', key: 'game', value: undefined };
const FIXED: EipSource = { kind: 'fixed', allocationId: 'eipalloc-1' };
const auto = claim('p', AUTO);
const tagged = claim('p', TAGGED);
const fixed = claim('p', FIXED);
const mine = { ...auto.tags, [NODE_TAG]: 'n' };
const here = at('eni-1', '10.0.0.1');

/** A plan in a line: its steps, then where the claims stand. */
function shown({ steps, statuses, readEips }: EipPlan): string {
  const acts = steps.map((step) => {
    if (step.kind === 'allocate') return `allocate ${step.pool}`;
    const how = step.kind === 'associate' ? (step.allowReassociation ? ' by force' : ' if free') : '';
    return `${step.kind} ${step.eip.allocationId}${how}`;
  });
  const states = statuses.map((status) =>
    status.state === 'refused' ? `refused ${status.refusal.reason}` : status.state,
  );
  return [...acts, ...states, ...(readEips ? ['read'] : [])].join(', ');
}

interface Row {
  readonly name: string;
  readonly given: Partial<EipSnapshot>;
  readonly plan: string;
}

const OBTAINING: readonly Row[] = [
  {
    name: 'before the first eips',
    given: { claims: [placed(auto)], eipsAt: undefined },
    plan: 'pending, read',
  },
  {
    name: 'on a list of Elastic IPs older than the claim',
    given: { claims: [{ ...placed(auto), eipsAfter: NOW }] },
    plan: 'pending, read',
  },
  { name: 'an auto claim without an EIP', given: { claims: [placed(auto)] }, plan: 'allocate amazon, pending' },
  {
    name: 'an auto claim before its address',
    given: { claims: [placed(auto, { state: 'awaited' })] },
    plan: 'allocate amazon, pending',
  },
  {
    name: 'its own EIP, free',
    given: { claims: [placed(auto)], eips: [eip('eipalloc-1', { tags: mine })] },
    plan: 'associate eipalloc-1 if free, pending',
  },
  {
    name: 'its own EIP on its old address',
    given: {
      claims: [placed(auto)],
      eips: [eip('eipalloc-1', { tags: mine, association: at('eni-2', '10.0.0.9') })],
    },
    plan: 'associate eipalloc-1 by force, pending',
  },
  {
    name: 'an association that is right',
    given: { claims: [placed(auto)], eips: [eip('eipalloc-1', { tags: mine, association: here })] },
    plan: 'bound',
  },
  {
    name: 'an association that is right, whose tags name another node',
    given: { claims: [placed(auto)], eips: [eip('eipalloc-1', { tags: auto.tags, association: here })] },
    plan: 'tag eipalloc-1, bound',
  },
  {
    name: 'a surplus twin, free',
    given: {
      claims: [placed(auto)],
      eips: [eip('eipalloc-1', { tags: mine }), eip('eipalloc-2', { tags: mine, association: here })],
      unclaimedSince: new Map([['eipalloc-1', 0]]),
    },
    plan: 'release eipalloc-1, bound',
  },
  {
    name: 'a pool EIP that is free',
    given: { claims: [placed(tagged)], eips: [eip('eipalloc-1', { tags: { game: '' } })] },
    plan: 'associate eipalloc-1 if free, pending',
  },
  {
    name: 'a pool EIP before the address',
    given: { claims: [placed(tagged, { state: 'awaited' })], eips: [eip('eipalloc-1', { tags: { game: '' } })] },
    plan: 'pending',
  },
  {
    name: 'a pool all in use',
    given: {
      claims: [placed(tagged)],
      eips: [eip('eipalloc-1', { tags: { game: '' }, association: at('eni-9', '10.0.0.9') })],
    },
    plan: 'refused EipPoolEmpty',
  },
  {
    name: 'a pool EIP held by a service',
    given: { claims: [placed(tagged)], eips: [eip('eipalloc-1', { tags: { game: '' }, serviceManaged: true })] },
    plan: 'refused EipPoolEmpty',
  },
  {
    name: 'a pool EIP that is another pod’s',
    given: { claims: [placed(tagged)], eips: [eip('eipalloc-1', { tags: { game: '', pod: 'default/q' } })] },
    plan: 'refused EipPoolEmpty',
  },
  {
    name: 'a pool EIP that is there already',
    given: { claims: [placed(tagged)], eips: [eip('eipalloc-1', { tags: { game: '' }, association: here })] },
    plan: 'tag eipalloc-1, bound',
  },
  { name: 'an EIP by id that does not exist', given: { claims: [placed(fixed)] }, plan: 'refused EipNotFound' },
  {
    name: 'an EIP by id in use elsewhere',
    given: { claims: [placed(fixed)], eips: [eip('eipalloc-1', { association: at('eni-9', '10.0.0.9') })] },
    plan: 'refused EipInUse',
  },
  {
    name: 'somebody else’s EIP on the address',
    given: { claims: [placed(auto)], eips: [eip('eipalloc-9', { association: here })] },
    plan: 'refused TargetHasOtherEip',
  },
  {
    name: 'a floating address that another holds',
    given: { claims: [placed(auto, { state: 'elsewhere' })] },
    plan: '',
  },
  {
    name: 'a list of Elastic IPs that cannot be read',
    given: {
      claims: [placed(auto)],
      eipsAt: undefined,
      eipsError: { reason: 'Unauthorized', message: 'no' },
    },
    plan: 'refused Unauthorized, read',
  },
  {
    name: 'a backoff that is not over',
    given: {
      claims: [placed(auto)],
      backoffs: new Map([[auto.id, { reason: 'EipQuotaReached', message: 'full', until: NOW + 1, failures: 1 }]]),
    },
    plan: 'refused EipQuotaReached',
  },
];

const gone = { livePods: new Set<string>() };
const prepared = { ...tagged.tags, game: '', [NODE_TAG]: 'n' };
const old = (id: string) => ({ unclaimedSince: new Map([[id, NOW - 40_000]]) });

const GIVING_BACK: readonly Row[] = [
  {
    name: 'within the grace',
    given: {
      ...gone,
      eips: [eip('eipalloc-1', { tags: mine, association: here })],
      unclaimedSince: new Map([['eipalloc-1', NOW - 1_000]]),
    },
    plan: '',
  },
  {
    name: 'after the grace, on our ENI',
    given: { ...gone, eips: [eip('eipalloc-1', { tags: mine, association: here })], ...old('eipalloc-1') },
    plan: 'disassociate eipalloc-1',
  },
  {
    name: 'after the grace, free',
    given: { ...gone, eips: [eip('eipalloc-1', { tags: mine })], ...old('eipalloc-1') },
    plan: 'release eipalloc-1',
  },
  {
    name: 'a prepared one, free',
    given: { ...gone, eips: [eip('eipalloc-1', { tags: prepared })], ...old('eipalloc-1') },
    plan: 'untag eipalloc-1',
  },
  {
    name: 'on a list of Elastic IPs older than its end',
    given: { ...gone, eipsAt: NOW - 20_000, eips: [eip('eipalloc-1', { tags: mine })], ...old('eipalloc-1') },
    plan: 'read',
  },
  {
    name: 'while pods are loading',
    given: { ...gone, claimsComplete: false, eips: [eip('eipalloc-1', { tags: mine })], ...old('eipalloc-1') },
    plan: '',
  },
  {
    name: 'another node’s',
    given: { ...gone, eips: [eip('eipalloc-1', { tags: { ...mine, [NODE_TAG]: 'm' } })], ...old('eipalloc-1') },
    plan: '',
  },
  {
    name: 'on another node’s ENI',
    given: {
      ...gone,
      eips: [eip('eipalloc-1', { tags: mine, association: at('eni-9', '10.0.0.9') })],
      ...old('eipalloc-1'),
    },
    plan: '',
  },
  {
    name: 'the pod lives on without its annotation',
    given: {
      livePods: new Set(['default/p']),
      eips: [eip('eipalloc-1', { tags: mine, association: here })],
      unclaimedSince: new Map([['eipalloc-1', NOW - 2]]),
    },
    plan: 'disassociate eipalloc-1',
  },
  {
    name: 'its address is another pod’s by now',
    given: {
      ...gone,
      liveAddresses: new Map([[ip('10.0.0.1'), 'default/q']]),
      eips: [eip('eipalloc-1', { tags: mine, association: here })],
      unclaimedSince: new Map([['eipalloc-1', NOW - 2]]),
    },
    plan: 'disassociate eipalloc-1',
  },
];

/** A call under way for a claim. */
function associating(of: ElasticIpClaim, one: ElasticIp, privateIp: string): EipSnapshot['flying'] {
  const place = { eni: 'eni-1', privateIp: ip(privateIp), allowReassociation: true };
  return new Map([[of.id, { kind: 'associate', key: of.id, claim: of, eip: one, ...place }]]);
}

const settled = eip('eipalloc-1', { tags: mine, association: here });
const UNDER_WAY: readonly Row[] = [
  {
    name: 'for the pod of this name before, which had another address',
    given: { claims: [placed(auto)], eips: [settled], flying: associating(auto, settled, '10.0.0.2') },
    plan: 'pending',
  },
  {
    name: 'that brings another pod’s EIP to this address',
    given: {
      claims: [placed(auto)],
      eips: [settled, eip('eipalloc-2')],
      flying: associating(claim('q', AUTO), eip('eipalloc-2'), '10.0.0.1'),
    },
    plan: 'pending',
  },
  {
    name: 'that makes the pairing which is there already',
    given: { claims: [placed(auto)], eips: [settled], flying: associating(auto, settled, '10.0.0.1') },
    plan: 'bound',
  },
  {
    name: 'that has ended without an answer',
    given: {
      claims: [{ ...placed(auto), eipsAfter: NOW }],
      eips: [settled],
      backoffs: new Map([[auto.id, { reason: 'RejectedByEc2', message: 'lost', until: NOW, failures: 1 }]]),
    },
    plan: 'pending, read',
  },
];

describe('planElasticIps', () => {
  it.each(UNDER_WAY)('believes a pairing beside a call $name: $plan', ({ given, plan }) => {
    expect(shown(planElasticIps(snapshot(given)))).toBe(plan);
  });

  it.each(OBTAINING)('obtains: $name', ({ given, plan }) => {
    expect(shown(planElasticIps(snapshot(given)))).toBe(plan);
  });

  it.each(GIVING_BACK)('gives back: $name', ({ given, plan }) => {
    expect(shown(planElasticIps(snapshot(given)))).toBe(plan);
  });

  it('refuses the second of two claims on one address', () => {
    expect(shown(planElasticIps(snapshot({ claims: [placed(auto), placed(claim('q', AUTO))] })))).toBe(
      'allocate amazon, pending, refused TargetHasOtherEip',
    );
  });
});

const places: fc.Arbitrary<EipPlace> = fc.oneof(
  fc
    .tuple(fc.constantFrom('eni-1', 'eni-2'), fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3'))
    .map(([eni, address]) => ({ ...READY, eni, privateIp: ip(address) }) as EipPlace),
  fc.constantFrom<EipPlace>({ state: 'awaited' }, { state: 'elsewhere' }),
);
const sources = fc.constantFrom<EipSource>(AUTO, TAGGED, FIXED, { kind: 'tagged', key: 'game', value: 'a' });
const claims = fc
  .uniqueArray(fc.record({ pod: fc.constantFrom('p', 'q', 'r', 's'), source: sources, place: places }), {
    selector: ({ pod }) => pod,
  })
  .map((list) => list.map(({ pod, source, place }) => placed(claim(pod, source), place)));
const addresses = fc.constantFrom('10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.9');
const eips = fc
  .uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 8 }),
      owner: fc.option(
        fc.record({ pod: fc.constantFrom('p', 'q', 'r', 's'), source: sources, node: fc.constantFrom('n', 'm') }),
      ),
      game: fc.constantFrom(undefined, '', 'a'),
      on: fc.option(fc.tuple(fc.constantFrom('eni-1', 'eni-2', 'eni-9'), addresses)),
    }),
    { selector: ({ id }) => id },
  )
  .map((list) => {
    const used = new Set<string>();
    return list.map(({ id, owner, game, on }): ElasticIp => {
      const place = on?.join(' ');
      const association = on !== null && !used.has(place ?? '') ? at(on[0], on[1]) : undefined;
      if (place) used.add(place);
      const tags = {
        ...(owner && { ...claim(owner.pod, owner.source).tags, [NODE_TAG]: owner.node }),
        ...(game !== undefined && { game }),
      };
      return eip(`eipalloc-${id}`, { tags, association });
    });
  });
const worlds = fc.record({ claims, eips, age: fc.constantFrom(0, 60_000) }).map(({ claims: list, eips, age }) =>
  snapshot({
    claims: list,
    eips,
    owned: ownedAmong(eips),
    unclaimedSince: new Map(eips.map(({ allocationId }) => [allocationId, NOW - 1 - age])),
  }),
);

describe('planElasticIps, whatever the world looks like,', () => {
  const always = (property: (world: EipSnapshot, plan: EipPlan) => void) =>
    fc.assert(
      fc.property(worlds, (world) => property(world, planElasticIps(world))),
      { numRuns: 1_000 },
    );

  it('never pairs one EIP with two claims', () => {
    always((_world, { steps, statuses }) => {
      const paired = [
        ...steps.flatMap((step) => (step.kind === 'associate' ? [step.eip.allocationId] : [])),
        ...statuses.flatMap((status) => (status.state === 'bound' ? [status.allocationId] : [])),
      ];
      expect(paired).toHaveLength(new Set(paired).size);
    });
  });

  it('never associates with an address that has another EIP, unless that is on its way to another pod of this node', () => {
    always((world, { steps, statuses }) => {
      const { eips, claims: list } = world;
      const own = new Set(Array.from(findOwn(list, world).values(), ({ allocationId }) => allocationId));
      for (const step of steps) {
        if (step.kind !== 'associate') continue;
        const there = eips.filter(
          ({ association }) => association?.eni === step.eni && association.privateIp === step.privateIp,
        );
        for (const { allocationId } of there) {
          expect(own.has(allocationId)).toBe(true);
          expect(statuses.some((status) => status.state === 'bound' && status.allocationId === allocationId)).toBe(
            false,
          );
        }
      }
    });
  });

  it('takes an EIP that is in use only when its tags name the claim', () => {
    always((_world, { steps }) => {
      for (const step of steps) {
        if (step.kind !== 'associate' || step.eip.association === undefined) continue;
        expect(step.eip.tags).toMatchObject(step.claim.tags);
      }
    });
  });

  it('never gives back what a claim owns, nor what has no tags of ours or is another node’s', () => {
    always((world, { steps }) => {
      const { claims: list, ourEnis } = world;
      const own = new Set(Array.from(findOwn(list, world).values(), ({ allocationId }) => allocationId));
      for (const step of steps) {
        if (step.kind !== 'disassociate' && step.kind !== 'release' && step.kind !== 'untag') continue;
        expect(own.has(step.eip.allocationId)).toBe(false);
        expect(step.eip.tags).toHaveProperty('pod');
        const { association } = step.eip;
        expect(association ? ourEnis.has(association.eni ?? '') : step.eip.tags[NODE_TAG] === 'n').toBe(true);
      }
    });
  });

  it('releases only what was allocated for a pod, and only while it is free', () => {
    always((_world, { steps }) => {
      for (const step of steps) {
        if (step.kind !== 'release') continue;
        expect(step.eip.tags['source']).toContain('"allocate"');
        expect(step.eip.association).toBeUndefined();
      }
    });
  });

  it('says the same whatever the order of its input', () => {
    always((world, plan) => {
      const turned = planElasticIps({
        ...world,
        claims: world.claims.toReversed(),
        eips: world.eips.toReversed(),
        owned: world.owned.toReversed(),
      });
      const key = (one: EipPlan) =>
        JSON.stringify([
          one.statuses,
          one.steps.map((step) => JSON.stringify(step)).toSorted(),
          one.readEips,
          one.retryAt,
        ]);
      // Lists of alternatives in a message follow the list of Elastic IPs.
      const plain = (text: string) => text.replaceAll(/\(198[^)]*\)/g, '');
      expect(plain(key(turned))).toBe(plain(key(plan)));
    });
  });

  it('has exactly one status for each claim whose turn it is', () => {
    always((world, { statuses }) => {
      const expected = world.claims.filter(({ place }) => place.state !== 'elsewhere').map((one) => one.claim.id);
      expect(statuses.map((status) => status.claim.id)).toEqual(expected.toSorted());
    });
  });

  it('binds only EIPs of the kind that was asked for', () => {
    always(({ eips }, { statuses }) => {
      for (const status of statuses) {
        if (status.state !== 'bound') continue;
        const found = eips.find(({ allocationId }) => allocationId === status.allocationId);
        expect(found !== undefined && isSuitable(status.claim, found)).toBe(true);
      }
    });
  });
});
