import type { EipSource, ElasticIpClaim } from '../../../../lib/model/elastic-ips/claim.ts';
import type { ElasticIp } from '../../../../lib/model/elastic-ips/elastic-ip.ts';
import type { EipPlace, EipSnapshot, OwnedEip, PlacedEipClaim } from '../../../../lib/model/elastic-ips/plan.ts';
import { ip } from '../../../../lib/model/ip.ts';
import { elasticIp } from '../../../support/builders.ts';

export const NOW = 1_000_000;

export const READY: EipPlace = { state: 'ready', eni: 'eni-1', privateIp: ip('10.0.0.1'), since: undefined };

export function claim(
  pod: string,
  source: EipSource,
  target: ElasticIpClaim['target'] = { kind: 'primary' },
): ElasticIpClaim {
  const tags = { cluster: 'c', pod: `default/${pod}`, source: JSON.stringify(source) };
  const owner = { namespace: 'default', name: pod, uid: `uid-${pod}` };
  return { id: `own|default/${pod}|eth0`, dialect: 'own', owner, source, target, tags, identity: Object.keys(tags) };
}

export function placed(of: ElasticIpClaim, place: EipPlace = READY): PlacedEipClaim {
  return { claim: of, place, eipsAfter: 0, refusedSince: undefined };
}

export function eip(id: string, about: Partial<ElasticIp> = {}): ElasticIp {
  const number = Number(id.replace(/\D/g, '') || 0);
  return elasticIp({ allocationId: id, publicIp: ip(`198.18.0.${number + 1}`), ...about });
}

export function at(
  eni: string,
  privateIp: string,
  id = `eipassoc-${eni}-${privateIp}`,
): NonNullable<ElasticIp['association']> {
  return { associationId: id, eni, privateIp: ip(privateIp) };
}

/** Owned as the dialects of the tests say it: the tag `pod` names the owner, `source` whether it was allocated. */
export function ownedAmong(eips: readonly ElasticIp[]): OwnedEip[] {
  return eips.flatMap((one) => {
    const { pod, source } = one.tags;
    if (pod === undefined) return [];
    const allocatedByUs = source?.includes('"allocate"') === true;
    return [{ eip: one, owner: pod, allocatedByUs, ownTags: ['cluster', 'pod', 'source'], eipsAfter: 0 }];
  });
}

/** The same tags, as everybody's word on whose it is. */
function ownersAmong(eips: readonly ElasticIp[]): EipSnapshot['owners'] {
  return new Map(
    eips.map(({ allocationId, tags: { pod, object, cluster } }) => [
      allocationId,
      [
        ...(pod === undefined ? [] : [{ kind: 'pod' as const, isHere: cluster !== 'other', name: pod, keys: ['pod'] }]),
        ...(object === undefined
          ? []
          : [{ kind: 'object' as const, isHere: cluster !== 'other', name: object, keys: ['object'] }]),
      ],
    ]),
  );
}

export function snapshot(change: Partial<EipSnapshot> = {}): EipSnapshot {
  const eips = change.eips ?? [];
  return {
    now: NOW,
    nodeName: 'n',
    releaseDelayMs: 30_000,
    claims: [],
    claimsComplete: true,
    livePods: new Set((change.claims ?? []).map((one) => `default/${one.claim.owner.name}`)),
    liveAddresses: new Map(),
    leaving: new Set(),
    ourEnis: new Set(['eni-1', 'eni-2']),
    eips,
    eipsAt: NOW - 1,
    eipsError: undefined,
    owned: ownedAmong(eips),
    owners: ownersAmong(eips),
    unclaimedSince: new Map(),
    backoffs: new Map(),
    flying: new Map(),
    ...change,
  };
}
