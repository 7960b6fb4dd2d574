import { describe, expect, it } from 'vitest';
import { CALL_FAULTS } from '../support/world/ec2-transport.ts';
import { stories } from './stories.ts';
import { live } from './story.ts';

/**
 * Every story × every call of its undisturbed life × every fault: generated, so that a call nobody thought of is in it, too. After
 * whatever single call went wrong, everybody has what they should, nothing is leaked, and nothing of anybody else was touched.
 */
describe.each(stories)('$name', (story) => {
  it('ends well when nothing goes wrong', async () => {
    const { wrong, calls } = await live(story);
    expect(wrong).toEqual([]);
    expect(calls.length).toBeGreaterThan(3);
  });

  it.each(CALL_FAULTS)('ends well whichever single call meets %s', async (fault) => {
    const { calls } = await live(story);
    const failures: string[] = [];
    for (let nth = 1; nth <= calls.length; nth += 1) {
      const { wrong } = await live(story, { nth, fault });
      if (wrong.length > 0)
        failures.push(`call ${nth} of ${calls.length}, ${calls[nth - 1]?.action}: ${wrong.join('; ')}`);
    }
    expect(failures).toEqual([]);
  });
});
