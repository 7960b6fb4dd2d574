import { describe, expect, it } from 'vitest';
import { diagnoseCluster } from '../../../../lib/plan/doctor/diagnose-cluster.ts';
import type { Answer, Check, Evidence, TenantsFound } from '../../../../lib/plan/doctor/evidence.ts';

const UNASKED = { kind: 'skipped', message: 'not asked here' } as const;

function checkOf(name: string, evidence: Partial<Evidence>): Check | undefined {
  const nothing = { apiServer: UNASKED, access: UNASKED, vpcCni: UNASKED, rivals: UNASKED };
  const versions = { agent: '1', node: '22', kernel: '6', images: undefined };
  const rest = { ownNodeOnly: UNASKED, tenants: UNASKED, clusterName: undefined, versions };
  return diagnoseCluster({ ...nothing, ...rest, ...evidence } as Evidence).find((check) => check.name === name);
}

describe('own node only', () => {
  const verdictOf = (ownNodeOnly: Answer<boolean>) => checkOf('own node only', { ownNodeOnly });

  it('passes where the dry run on a pod of another node was refused', () => {
    expect(verdictOf({ kind: 'known', value: true })).toMatchObject({ verdict: 'pass' });
  });

  it('warns, and names the component that limits the agent, where it was let through', () => {
    const check = verdictOf({ kind: 'known', value: false });

    expect(check).toMatchObject({ verdict: 'warn', finding: expect.stringContaining('pods of other nodes') });
    expect(check?.fix).toContain('daemonset/components/own-node-only');
  });

  it.each([
    { kind: 'skipped', message: 'there is no pod on another node to try it with' },
    { kind: 'denied', message: 'pods is forbidden' },
    { kind: 'failed', message: 'the server is gone' },
  ] as const)('claims nothing where it was not tried ($kind), and says why', (answer) => {
    expect(verdictOf(answer)).toMatchObject({
      verdict: 'skipped',
      finding: expect.stringContaining(answer.message),
    });
  });
});

describe('tenant policy', () => {
  const open: TenantsFound = { closed: false, faults: [], namespaces: [], others: false };
  const verdictOf = (found: Partial<TenantsFound>) =>
    checkOf('tenant policy', { tenants: { kind: 'known', value: { ...open, ...found } } });

  it.each([
    ['nothing is restricted', {}, 'every namespace may ask for everything'],
    [
      'some are listed',
      { closed: true, namespaces: ['bank', 'shop'] },
      'in force for bank, shop; all others get nothing',
    ],
    ['others have a list, too', { closed: true, namespaces: ['bank'], others: true }, 'others get what _others lists'],
    ['nobody is named', { closed: true, others: true }, 'in force for no namespace by name'],
  ])('passes and says who may ask for what where %s', (_where, found, finding) => {
    expect(verdictOf(found)).toMatchObject({ verdict: 'pass', finding: expect.stringContaining(finding) });
  });

  it('fails with each faulty entry, which grants nothing, and names the ConfigMap', () => {
    const check = verdictOf({ closed: true, faults: ['bank.floating-ips: no address', 'shop.eips: no aspect'] });

    expect(check).toMatchObject({ verdict: 'fail', finding: 'bank.floating-ips: no address; shop.eips: no aspect' });
    expect(check?.fix).toContain('ConfigMap eni-agent-tenants');
  });

  it('fails where the folder cannot be read, and names the option', () => {
    const check = checkOf('tenant policy', { tenants: { kind: 'failed', message: 'EACCES: permission denied' } });

    expect(check).toMatchObject({ verdict: 'fail', finding: 'EACCES: permission denied' });
    expect(check?.fix).toContain('--tenant-policy-dir');
  });
});
