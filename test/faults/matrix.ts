import { describe, expect, it } from 'vitest';
import { CALL_FAULTS, type CallFault, type WorldCall } from '../support/world/ec2-transport.ts';
import { type FaultStory, live, type Outcome } from './story.ts';

/** Every fault at every call: `FAULT_MATRIX=full npm run test:faults`, more than an hour. Otherwise each call meets some, in turn. */
const FULL = process.env['FAULT_MATRIX'] === 'full';

/** A read changes nothing, so whether EC2 acted on it before it failed, or its process died, makes no difference. */
const READ_FAULTS: readonly CallFault[] = CALL_FAULTS.filter(
  (fault) => !fault.endsWith('-acted') && fault !== 'lost-reply' && fault !== 'kill-after',
);
/** How many each call meets unless {@link FULL}. */
const FAULTS_PER_READ = 1;
const FAULTS_PER_WRITE = 3;
/** The same question asked again and again is disturbed so many times. */
const REPETITIONS = 2;

/**
 * Tests of every story: faults at every changing call of its undisturbed life, and at the reads in between. Generated, so that a
 * call nobody thought of is in it, too. After whatever single call went wrong, everybody has what they should, nothing is leaked, and
 * nothing of anybody else was touched.
 */
export function describeStories(stories: readonly FaultStory[]): void {
  describe.each(stories)('$name', (story) => {
    let undisturbed: Promise<Outcome> | undefined;
    const once = () => (undisturbed ??= live(story));

    it('ends well when nothing goes wrong', async () => {
      const { wrong, calls } = await once();
      expect(wrong).toEqual([]);
      expect(calls.length).toBeGreaterThan(3);
    });

    it.each(CALL_FAULTS)('ends well whichever single call meets %s', async (fault) => {
      const { calls, told } = await once();
      const failures: string[] = [];
      for (const nth of victims(calls.slice(0, told), fault)) {
        const { wrong } = await live(story, { nth, fault });
        if (wrong.length > 0)
          failures.push(`call ${nth} of ${calls.length}, ${calls[nth - 1]?.action}: ${wrong.join('; ')}`);
      }
      expect(failures).toEqual([]);
    });
  });
}

/** Numbers, from 1 on, of the calls that meet this fault. */
function victims(calls: readonly WorldCall[], fault: CallFault): number[] {
  const seen = new Map<string, number>();
  return calls.flatMap((call, index) => {
    const question = `${call.process} ${call.action} ${JSON.stringify([...call.parameters])}`;
    const times = (seen.get(question) ?? 0) + 1;
    seen.set(question, times);
    if (times > REPETITIONS) return [];
    const meets = call.action.startsWith('Describe')
      ? isTurnOf(fault, index, READ_FAULTS, FAULTS_PER_READ)
      : isTurnOf(fault, index, CALL_FAULTS, FAULTS_PER_WRITE);
    return meets ? [index + 1] : [];
  });
}

/** Whether this fault is among the few of all that the call with this number meets: the next call meets those that follow. */
function isTurnOf(fault: CallFault, index: number, faults: readonly CallFault[], few: number): boolean {
  const position = faults.indexOf(fault);
  if (position < 0) return false;
  const turn = (position - index * few) % faults.length;
  return FULL || (turn + faults.length) % faults.length < few;
}
