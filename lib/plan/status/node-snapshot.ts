import type { ClaimStatus } from '../../model/addresses/plan.ts';
import type { EipStatus, ElasticIpClaim } from '../../model/elastic-ips/claim.ts';
import { type Eni, slotLimit, usedSlots } from '../../model/eni.ts';
import { protectionOf } from '../../model/eni-protection.ts';
import { podKey } from '../../model/pod.ts';
import type { Refusal } from '../../model/refusal.ts';
import {
  type NodeSnapshotView,
  type SlotUse,
  SNAPSHOT_SCHEMA,
  type SnapshotClaim,
  type SnapshotElasticIp,
  type SnapshotEni,
} from '../../model/status/agent-snapshot.ts';

/** What a node agent knows at the moment in which it is asked. */
export interface NodeKnowledge
  extends Pick<
    NodeSnapshotView,
    | 'version'
    | 'node'
    | 'instanceId'
    | 'region'
    | 'at'
    | 'startedAt'
    | 'observe'
    | 'takeover'
    | 'release'
    | 'dryRun'
    | 'complete'
    | 'notReady'
    | 'notes'
    | 'ec2'
  > {
  readonly instanceType: string | undefined;
  readonly describedAt: number | undefined;
  readonly enis: readonly Eni[];
  readonly statuses: readonly ClaimStatus[];
  readonly refusals: ReadonlyMap<string, readonly Refusal[]>;
  readonly elasticIps: readonly EipStatus[];
}

/** The answer to `/v1/snapshot`: plain values only, in a shape that does not follow every change of ours. */
export function nodeSnapshot(knowledge: NodeKnowledge): NodeSnapshotView {
  const { instanceType, describedAt, enis, statuses, refusals, elasticIps, ...rest } = knowledge;
  return {
    schema: SNAPSHOT_SCHEMA,
    kind: 'node',
    ...rest,
    instanceType: instanceType ?? null,
    describedAt: describedAt ?? null,
    enis: enis.map(eniView),
    claims: statuses.map(claimView),
    inputFaults: Array.from(refusals, ([subject, list]) =>
      list.map(({ reason, message }) => ({ subject, reason, message })),
    ).flat(),
    elasticIps: elasticIps.map(elasticIpView),
  };
}

function eniView(eni: Eni): SnapshotEni {
  const protection = protectionOf(eni);
  return {
    id: eni.id,
    deviceIndex: eni.deviceIndex,
    networkCard: eni.networkCard,
    subnetId: eni.subnetId,
    mac: eni.mac,
    cidrs: eni.cidrs,
    ...(protection !== undefined && { protection }),
    ipv4: slots(eni, 4),
    ipv6: slots(eni, 6),
    prefixes: eni.prefixes,
    addresses: eni.addresses.map(({ ip, primary, association }) => ({
      address: ip,
      primary,
      ...(association !== undefined && { publicIp: association.publicIp }),
    })),
  };
}

function slots(eni: Eni, family: 4 | 6): SlotUse {
  return { used: usedSlots(eni, family), limit: slotLimit(eni, family) ?? null };
}

function claimView({ claim, state, eni, tables, refusal }: ClaimStatus): SnapshotClaim {
  return {
    address: claim.address,
    kind: claim.kind,
    pod: podKey(claim.holder),
    interface: claim.interface,
    state,
    ...(eni !== undefined && { eni }),
    ...(tables !== undefined && {
      routes: tables.map(({ table, state, refusal }) => ({ table, state, ...(refusal && { reason: refusal.reason }) })),
    }),
    ...(refusal !== undefined && { reason: refusal.reason, message: refusal.message }),
  };
}

function elasticIpView(status: EipStatus): SnapshotElasticIp {
  const { claim, state } = status;
  const known = { pod: podKey(claim.owner), target: targetText(claim), state };
  if (status.state === 'bound') {
    const { publicIp, allocationId, privateIp, eni } = status;
    return { ...known, publicIp, allocationId, privateIp, eni };
  }
  const { refusal } = status;
  return { ...known, ...(refusal !== undefined && { reason: refusal.reason, message: refusal.message }) };
}

function targetText({ target }: ElasticIpClaim): string {
  return target.kind === 'primary' ? 'primary' : target.kind === 'interface' ? target.name : target.address;
}
