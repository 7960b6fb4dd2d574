import { describe, expect, it } from 'vitest';
import { diagnoseAgent } from '../../../../lib/plan/doctor/diagnose-agent.ts';
import type { Evidence } from '../../../../lib/plan/doctor/evidence.ts';

function checkOf(agent: Evidence['agent']) {
  return diagnoseAgent({ agent } as Evidence);
}

describe('what the agent says of itself', () => {
  it.each([
    [{ reasons: ['EC2 is away', 'IMDS is away'], notes: ['x'] }, 'fail', 'not ready: EC2 is away; IMDS is away'],
    [{ reasons: [], notes: ['a pod is hidden'] }, 'warn', 'ready, but: a pod is hidden'],
    [{ reasons: [], notes: [] }, 'pass', 'ready'],
  ])('%o: %s', (value, verdict, finding) => {
    expect(checkOf({ kind: 'known', value })).toMatchObject({ verdict, finding });
  });

  it('is no finding where no agent answers', () => {
    expect(checkOf({ kind: 'skipped', message: 'no agent' })).toMatchObject({
      verdict: 'skipped',
      finding: 'no agent',
    });
  });
});
