import { describe, expect, test } from 'vitest';
import { FaultScript, seededRandom } from '../../../sim/ec2/faults.ts';

const allocate = { action: 'AllocateAddress', parameters: new Map([['Domain', 'vpc']]) };
const describeAddresses = { action: 'DescribeAddresses', parameters: new Map<string, string>() };
const hang = { kind: 'hang' } as const;
const lost = { kind: 'lost-reply' } as const;

describe('FaultScript', () => {
  test('a rule hits once unless told otherwise', () => {
    const script = new FaultScript();
    script.inject({ effect: hang });
    script.inject({ effect: lost, times: 2 });
    const effects = [1, 2, 3, 4].map(() => script.next(allocate).effect?.kind);
    expect(effects).toEqual(['hang', 'lost-reply', 'lost-reply', undefined]);
  });

  test('a rule may ask for an action, for parameters, or anything about the call', () => {
    const script = new FaultScript();
    script.inject({ effect: hang, action: 'ReleaseAddress' });
    script.inject({ effect: hang, match: { Domain: 'standard' } });
    script.inject({ effect: hang, when: (call) => call.parameters.size > 1 });
    script.inject({ effect: lost, action: 'AllocateAddress', match: { Domain: 'vpc' }, when: () => true });
    expect(script.next(describeAddresses).effect).toBeUndefined();
    expect(script.next(allocate).effect).toEqual(lost);
  });

  test('a rule can be taken back; clear forgets everything', () => {
    const script = new FaultScript({ latencyMs: 5 });
    script.inject({ effect: hang, times: Number.POSITIVE_INFINITY })();
    expect(script.next(allocate)).toEqual({ latencyMs: 5, effect: undefined });
    script.inject({ effect: hang });
    script.clear();
    expect(script.next(allocate)).toEqual({ latencyMs: 0, effect: undefined });
  });

  test('latencies add up: of the script, of the action, of rules; a rule of latency leaves room for another effect', () => {
    const script = new FaultScript({ latencyMs: 50 });
    script.latencyByAction.set('AllocateAddress', 7);
    script.inject({ effect: { kind: 'latency', ms: 100 } });
    script.inject({ effect: lost });
    expect(script.next(allocate)).toEqual({ latencyMs: 157, effect: lost });
    expect(script.next(describeAddresses)).toEqual({ latencyMs: 50, effect: undefined });
  });

  test('chance is repeatable and about right', () => {
    const run = () => {
      const script = new FaultScript({ random: seededRandom(42) });
      script.inject({ effect: hang, times: Number.POSITIVE_INFINITY, probability: 0.2 });
      return Array.from({ length: 1000 }, () => script.next(allocate).effect !== undefined);
    };
    const hits = run().filter(Boolean).length;
    expect(run()).toEqual(run());
    expect(Math.abs(hits - 200)).toBeLessThan(40);
  });
});
