import type { Check } from '../../lib/plan/doctor/evidence.ts';
import { paragraphOf } from '../../lib/plan/doctor/topics.ts';
import { wrapped } from '../text/columns.ts';
import type { Paint } from '../text/paint.ts';

/** Names the shape that `eni-agent doctor -o json` prints. */
export const DOCTOR_SCHEMA = 'eni-agent.io/doctor/v1';

/** The checks of one node, each with the place of its paragraph in the repository. */
export interface DoctorView {
  readonly schema: typeof DOCTOR_SCHEMA;
  readonly node: string;
  readonly checks: readonly (Check & { readonly paragraph: string })[];
}

export function viewOf(node: string, checks: readonly Check[]): DoctorView {
  return {
    schema: DOCTOR_SCHEMA,
    node,
    checks: checks.map((check) => ({ ...check, paragraph: paragraphOf(check.name) })),
  };
}

/** True for what somebody should look at. */
export function isFault({ verdict }: Pick<Check, 'verdict'>): boolean {
  return verdict === 'fail' || verdict === 'warn';
}

export function hasFailed({ checks }: Pick<DoctorView, 'checks'>): boolean {
  return checks.some(({ verdict }) => verdict === 'fail');
}

export interface DoctorText {
  readonly paint: Paint;
  readonly columns: number | undefined;
  /** Leaves out what passed or was skipped. @default false */
  readonly onlyFaults?: boolean;
}

/** Checks for people: a line each; below what needs one, the fix and where to read about it. */
export function renderDoctor({ checks }: DoctorView, options: DoctorText): string {
  const { paint, onlyFaults = false } = options;
  const shown = onlyFaults ? checks.filter(isFault) : checks;
  const width = Math.max(...shown.map(({ name }) => name.length));
  const lines = shown.flatMap(({ name, verdict, finding, fix, paragraph }) => [
    `${colour(verdict, paint)(verdict.padEnd(7))}  ${name.padEnd(width)}  ${hanging(finding, options.columns, width + 11)}`,
    ...(fix === undefined ? [] : wrapped(`→ ${fix}`, options.columns, 9).map((line) => `${' '.repeat(9)}${line}`)),
    ...(fix === undefined || verdict === 'pass' ? [] : [`${' '.repeat(9)}${paint.dim(paragraph)}`]),
  ]);
  const count = (verdict: Check['verdict']) => checks.filter((check) => check.verdict === verdict).length;
  const [failed, warned, skipped] = [count('fail'), count('warn'), count('skipped')];
  const warnings = warned === 0 ? '' : ` ${warned} warning${warned === 1 ? '' : 's'}.`;
  const summary = failed === 0 ? 'No check failed.' : `${failed} of ${checks.length} checks failed.`;
  return [
    ...lines,
    '',
    failed + warned === 0
      ? `All checks passed${skipped === 0 ? '' : `; ${skipped} skipped`}.`
      : `${summary}${warnings}`,
    '',
  ].join('\n');
}

function colour(verdict: Check['verdict'], paint: Paint): (text: string) => string {
  const colours = { pass: paint.good, warn: paint.warn, fail: paint.bad, skipped: paint.dim } as const;
  return colours[verdict];
}

/** A text that begins where the line has got to; its further lines stand below its first. */
function hanging(text: string, columns: number | undefined, indent: number): string {
  return wrapped(text, columns, indent).join(`\n${' '.repeat(indent)}`);
}
