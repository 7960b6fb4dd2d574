import { expect, it } from 'vitest';
import { plan } from '../../../../lib/plan/addresses/plan.ts';
import { claim, eni, NOW, snapshot } from './snapshots.ts';

const twins = [eni('eni-1'), eni('eni-22')];

it.each([
  ['waits a moment for the source that knows what is under the interface', 999, 'pending', NOW + 1],
  ['refuses to guess when none has told it', 1_000, 'refused', undefined],
])('%s', (_name, age, state, retryAt) => {
  const planned = plan(snapshot({ enis: twins, claims: [claim('10.0.1.10', { since: NOW - age })] }));

  expect(planned.actions).toEqual([]);
  expect(planned.statuses.map((status) => status.state)).toEqual([state]);
  expect(planned.retryAt).toBe(retryAt);
});
