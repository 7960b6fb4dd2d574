import type { PodDialect } from '../model/eip-claim.ts';
import { handover } from './handover.ts';
import { own } from './own.ts';
import { podEipController } from './pod-eip-controller.ts';

/** Every language in which a pod may ask for an Elastic IP. Where two ask for the same address, the earlier one here is heard. */
export const podDialects: readonly PodDialect[] = [own, handover, podEipController];
