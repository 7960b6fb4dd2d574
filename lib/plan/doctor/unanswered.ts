import type { Answer, Check } from './evidence.ts';

/** The check for a question that has no answer; a reader must know that nothing was found out. */
export function unanswered(name: string, answer: Exclude<Answer<unknown>, { kind: 'known' }>, fix?: string): Check {
  const advice = fix === undefined ? {} : { fix };
  switch (answer.kind) {
    case 'denied':
      return { name, verdict: 'skipped', finding: `not allowed to look: ${answer.message}`, ...advice };
    case 'failed':
      return { name, verdict: 'fail', finding: answer.message, ...advice };
    case 'skipped':
      return { name, verdict: 'skipped', finding: answer.message };
  }
}
