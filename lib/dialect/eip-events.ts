import type { EipEvent, EipEventKind } from '../model/elastic-ips/claim.ts';

/** Events with the reasons of aws-pod-eip-controller; alerts and scripts of its users look for them. Our own dialect uses the same. */
export function eipEvent(event: EipEventKind): EipEvent {
  switch (event.kind) {
    case 'associated': {
      const message = `Elastic IP ${event.publicIp} associated with ${event.privateIp}`;
      return { type: 'Normal', reason: 'EIPAssociated', message };
    }
    case 'association-failed':
      return { type: 'Warning', reason: 'EIPAssociationFailed', message: event.message };
    case 'disassociated':
      return {
        type: 'Normal',
        reason: 'EIPDisassociated',
        message: `Elastic IP ${event.publicIp} disassociated`,
      };
    case 'disassociation-failed':
      return { type: 'Warning', reason: 'EIPDisassociationFailed', message: event.message };
  }
}
