import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askNamespaces } from '../../../../agent/doctor/host-questions.ts';
import { diagnoseHost } from '../../../../lib/plan/doctor/diagnose-host.ts';
import type { Evidence } from '../../../../lib/plan/doctor/evidence.ts';

function verdictOf(namespaces: Evidence['namespaces']) {
  const capabilities = { kind: 'known', value: ~0n } as const;
  const observe = 'live';
  const checks = diagnoseHost({ folders: [], namespaces, capabilities, observe } as unknown as Evidence);
  return checks.find(({ name }) => name === 'network namespaces');
}

describe('the network namespaces that doctor sees', () => {
  it.each([
    [0, 0, 'pass'],
    [3, 3, 'pass'],
    [3, 1, 'pass'],
    [3, 0, 'warn'],
  ])('%i files, %i mounted: %s', (files, mounted, verdict) => {
    expect(verdictOf({ kind: 'known', value: { dir: '/run/netns', files, mounted } })).toMatchObject({ verdict });
  });

  it('names the fix when no file is mounted, as without mount propagation', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'netns-'));
    writeFileSync(join(dir, 'cni-1'), '');
    writeFileSync(join(dir, '2f1c4f7e-0000-4000-8000-000000000000'), '');
    const check = verdictOf(await askNamespaces(dir));

    expect(check?.finding).toBe(`0 of 2 files in ${dir} are mounted namespaces`);
    expect(check?.fix).toContain('mountPropagation: HostToContainer');
  });

  it('does not claim anything about a folder that is not there', async () => {
    expect(verdictOf(await askNamespaces('/nowhere'))).toMatchObject({ verdict: 'skipped' });
  });
});
