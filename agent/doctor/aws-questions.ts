import type { AddressApi } from '../../lib/ec2/api.ts';
import type { Ec2Probe } from '../../lib/ec2/probe.ts';
import { PROBED_ACTIONS } from '../../lib/ec2/probe.ts';
import type { QuotaApi } from '../../lib/ec2/service-quotas.ts';
import { Ec2Error } from '../../lib/model/ec2-error.ts';
import type { Eni } from '../../lib/model/eni.ts';
import { protectionOf } from '../../lib/model/eni-protection.ts';
import { isOfVpcCni } from '../../lib/plan/doctor/diagnose-networks.ts';
import type {
  Answer,
  Evidence,
  PermissionFound,
  ReservationFound,
  SubnetFound,
} from '../../lib/plan/doctor/evidence.ts';

export type AwsEvidence = Pick<
  Evidence,
  'permissions' | 'enis' | 'gateway' | 'elasticIps' | 'sourceChecks' | 'subnets' | 'reservations'
>;

/** When it is not even known which instance this is. */
export const UNASKED = {
  ...unasked('the instance is unknown'),
  routes: { kind: 'skipped', message: 'the instance is unknown' },
} as const satisfies Partial<Evidence>;

function unasked(message: string): AwsEvidence {
  const skipped = { kind: 'skipped', message } as const;
  return {
    permissions: skipped,
    enis: skipped,
    gateway: skipped,
    elasticIps: skipped,
    sourceChecks: skipped,
    subnets: skipped,
    reservations: skipped,
  };
}

/** Asks EC2 what can be asked without changing anything. Dry runs go one after the other: they share buckets with real calls. */
export async function askAws(
  {
    addresses,
    probe,
    instanceId,
    quota,
  }: {
    readonly addresses: AddressApi;
    readonly probe: Ec2Probe;
    readonly instanceId: string;
    readonly quota: QuotaApi;
  },
  signal: AbortSignal,
): Promise<AwsEvidence> {
  const enis = await asked(() => addresses.describeEnis(instanceId, { signal }));
  if (enis.kind === 'failed') return { ...unasked('EC2 did not answer, see credentials'), enis };
  const vpcId = enis.kind === 'known' ? enis.value[0]?.vpcId : undefined;
  const permissions = new Map<string, PermissionFound>();
  for (const action of PROBED_ACTIONS) permissions.set(action, await probe.permission(action, signal));
  return {
    enis,
    subnets: await askSubnets(enis, (ids) => probe.freeAddresses(ids, signal)),
    reservations: await askReservations(enis, (id) => probe.reservations(id, signal)),
    sourceChecks: await asked(() => probe.sourceChecks(instanceId, signal)),
    permissions: { kind: 'known', value: permissions },
    gateway: vpcId === undefined ? noVpc(enis) : await asked(() => probe.hasInternetGateway(vpcId, signal)),
    elasticIps: await asked(async () => {
      const limit = await quota.elasticIps({ signal }).catch(() => undefined);
      return { used: await probe.elasticIpsUsed(signal), limit };
    }),
  };
}

async function askSubnets(
  enis: Answer<readonly Eni[]>,
  ask: (ids: readonly string[]) => Promise<readonly SubnetFound[]>,
): Promise<Answer<readonly SubnetFound[]>> {
  if (enis.kind !== 'known') return { kind: 'skipped', message: 'the ENIs are unknown' };
  const usable = enis.value.filter((eni) => protectionOf(eni) === undefined);
  const ids = [...new Set(usable.map(({ subnetId }) => subnetId))];
  return ids.length === 0 ? { kind: 'known', value: [] } : asked(() => ask(ids));
}

/** Of the subnets that Multus may share with ordinary pods. */
async function askReservations(
  enis: Answer<readonly Eni[]>,
  ask: (subnetId: string) => Promise<readonly ReservationFound[]>,
): Promise<Answer<readonly ReservationFound[]>> {
  if (enis.kind !== 'known') return { kind: 'skipped', message: 'the ENIs are unknown' };
  const ids = [...new Set(enis.value.filter(isOfVpcCni).map(({ subnetId }) => subnetId))];
  return asked(async () => (await Promise.all(ids.map(ask))).flat());
}

function noVpc(enis: Answer<readonly Eni[]>): Answer<boolean> {
  return { kind: 'skipped', message: enis.kind === 'known' ? 'the instance has no ENI' : 'the ENIs are unknown' };
}

async function asked<T>(ask: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { kind: 'known', value: await ask() };
  } catch (error) {
    if (!(error instanceof Ec2Error)) throw error;
    return {
      kind: error.kind === 'unauthorized' ? 'denied' : 'failed',
      message: `${error.action}: ${error.message} (${error.code})`,
    };
  }
}
