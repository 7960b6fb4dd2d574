import type { Check, Evidence } from './evidence.ts';
import { unanswered } from './unanswered.ts';

/** What the running agent says of itself: it sees what no look from outside shows, such as a namespace that is not mounted for it. */
export function diagnoseAgent({ agent }: Evidence): Check {
  const name = 'agent';
  if (agent.kind !== 'known') return unanswered(name, agent);
  const { reasons, notes } = agent.value;
  const fix = 'it goes on by itself as soon as this is over; docs/troubleshooting.md has the cause of each reason';
  if (reasons.length > 0) return { name, verdict: 'fail', finding: `not ready: ${reasons.join('; ')}`, fix };
  if (notes.length > 0) return { name, verdict: 'warn', finding: `ready, but: ${notes.join('; ')}`, fix };
  return { name, verdict: 'pass', finding: 'ready' };
}
