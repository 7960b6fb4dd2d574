import { diagnoseAws } from './diagnose-aws.ts';
import { diagnoseCluster } from './diagnose-cluster.ts';
import { diagnoseHost } from './diagnose-host.ts';
import type { Check, Evidence } from './evidence.ts';

/** One check for each prerequisite, in the order in which a reader should fix them. Pure. */
export function diagnose(evidence: Evidence): readonly Check[] {
  return [...diagnoseAws(evidence), ...diagnoseHost(evidence), ...diagnoseCluster(evidence)];
}

/** Checks for people: a line each, the fix below what needs one. */
export function renderChecks(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, verdict, finding, fix }) => [
    `${verdict.padEnd(7)}  ${name.padEnd(width)}  ${finding}`,
    ...(fix === undefined ? [] : [`${' '.repeat(11 + width)}→ ${fix}`]),
  ]);
  const failed = checks.filter(({ verdict }) => verdict === 'fail').length;
  return [...lines, '', failed === 0 ? 'All checks passed.' : `${failed} of ${checks.length} checks failed.`, ''].join(
    '\n',
  );
}
