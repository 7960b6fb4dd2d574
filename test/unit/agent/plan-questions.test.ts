import { describe, expect, it } from 'vitest';
import { PlanAnswers } from '../../../agent/node/plan-answers.ts';
import { type Known, missingAnswers } from '../../../agent/node/plan-questions.ts';

const ELASTIC_IPS = 'the Elastic IPs of the cluster (EC2)';
const ROUTES = 'the route tables of the VPC (EC2)';

function known(change: Partial<Known> = {}): Known & { readonly answers: PlanAnswers } {
  const sources = { pods: { synced: true }, observers: { faults: () => [] }, clusterName: 'test' };
  return { ...sources, ...change, answers: new PlanAnswers() };
}

function answerInstance({ identity, enis }: PlanAnswers): void {
  identity.publish({ instanceId: 'i-1', instanceType: 'm5.large', region: 'us-east-1' });
  enis.publish({ describedAt: 1, lastError: undefined });
}

function answerAddresses({ addresses }: PlanAnswers): void {
  const nothing = { statuses: [], leftOut: [], refusals: new Map(), enis: [], actions: [] };
  addresses.publish({ ...nothing, at: 1, complete: true });
}

describe('what a plan still waits for', () => {
  it('is everything but the routes at first, in the order of the questions', () => {
    const nothing = known({ pods: { synced: false }, observers: { faults: () => ['the CNI cache is missing'] } });

    expect(missingAnswers(nothing)).toEqual([
      'the pods of this node (API server)',
      'the EC2 instance of this node (instance metadata, Node object)',
      'the ENIs of this node (EC2)',
      'the CNI cache is missing',
      ELASTIC_IPS,
    ]);
  });

  it('names what EC2 says against describing the ENIs', () => {
    const asked = known();
    answerInstance(asked.answers);
    const lastError = { reason: 'Unauthorized', message: 'no permission' } as const;
    asked.answers.enis.publish({ describedAt: undefined, lastError });

    expect(missingAnswers(asked)[0]).toBe('the ENIs of this node (EC2: no permission)');
  });

  it('leaves out the Elastic IPs of a cluster without a name', () => {
    const asked = known({ clusterName: undefined });
    answerInstance(asked.answers);

    expect(missingAnswers(asked)).toEqual([]);
  });

  it('has the routes in it once the addresses are known', () => {
    const asked = known();
    answerInstance(asked.answers);
    answerAddresses(asked.answers);

    expect(missingAnswers(asked)).toEqual([ELASTIC_IPS, ROUTES]);
  });
});

describe('the answers of a plan', () => {
  it('are complete with addresses, Elastic IPs and routes, not before', async () => {
    const { answers } = known();
    const seen: string[] = [];
    const complete = answers.complete(new AbortController().signal).then(() => seen.push('complete'));

    answerAddresses(answers);
    answers.routes.publish({ statuses: [], steps: [] });
    await Promise.resolve();
    seen.push('without Elastic IPs');
    answers.elasticIps.publish({ statuses: [], steps: [], refusals: new Map(), complete: true, pods: new Set() });
    await complete;

    expect(seen).toEqual(['without Elastic IPs', 'complete']);
  });

  it.each([
    ['before', true],
    ['while', false],
  ])('are waited for no longer when the time is over %s somebody waits', async (_, isEarly) => {
    const stop = new AbortController();
    if (isEarly) stop.abort();
    const complete = known().answers.complete(stop.signal);
    stop.abort();

    await expect(complete).resolves.toBeUndefined();
  });
});
