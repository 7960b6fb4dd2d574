import type { EipMetadata, EipStatus, PodDialect } from '../model/elastic-ips/claim.ts';
import type { Pod } from '../model/pod.ts';
import { handover } from './handover.ts';
import { own } from './own.ts';
import { podEipController } from './pod-eip-controller.ts';

/** Every dialect in which a pod may ask for an Elastic IP. Where two ask for the same address, the earlier one here counts. */
export const podDialects: readonly PodDialect[] = [own, handover, podEipController];

/** What each dialect wants written on a pod whose Elastic IPs stand like this. */
export function metadataOf(pod: Pod, eips: readonly EipStatus[]): readonly EipMetadata[] {
  return podDialects.map((dialect) =>
    dialect.metadata(
      pod,
      eips.filter(({ claim }) => claim.dialect === dialect.name),
    ),
  );
}
