import type { EventRecorder } from '../../lib/kube/events.ts';
import {
  type CustomObject,
  type EipObjectDialectName,
  type ObjectClaim,
  objectKey,
  type ResourceType,
} from '../../lib/model/eip-objects/eip-object.ts';
import type { ObjectVerdict } from '../../lib/model/eip-objects/plan.ts';
import type { ElasticIp } from '../../lib/model/elastic-ips/elastic-ip.ts';
import type { Refusal } from '../../lib/model/refusal.ts';
import type { Logger } from '../../lib/runtime/logger.ts';

/** Reports people what changed about an object: one log line and one Event per change, nothing while things stay as they are. */
export class EipObjectReporter {
  readonly #recorder: Pick<EventRecorder, 'record'>;
  readonly #log: Logger;
  readonly #resourceOf: (dialect: EipObjectDialectName) => ResourceType;
  readonly #said = new Map<string, string>();

  constructor(
    recorder: Pick<EventRecorder, 'record'>,
    log: Logger,
    resourceOf: (dialect: EipObjectDialectName) => ResourceType,
  ) {
    this.#recorder = recorder;
    this.#log = log;
    this.#resourceOf = resourceOf;
  }

  verdict({ claim, outcome }: ObjectVerdict): void {
    const { object, dialect } = claim;
    const { state, eip, bound, refusal } = outcome;
    if (refusal !== undefined) return this.refuse(object, dialect, refusal);
    if (state !== 'assigned' || bound === undefined || eip === undefined) {
      this.#said.delete(object.uid);
      return;
    }
    const message = `Elastic IP ${eip.publicIp} associated with ${bound.privateIp}${bound.holder === undefined ? '' : ` of ${bound.holder}`}`;
    if (!this.#isNews(object, message)) return;
    this.#log.info('Elastic IP of an object is assigned', {
      object: objectKey(object),
      publicIp: eip.publicIp,
      allocationId: eip.allocationId,
      ...bound,
    });
    this.#record(object, dialect, 'Normal', 'EIPAssociated', message);
  }

  /** The object goes and its Elastic IP stays. The Event cannot be written in a namespace that is being deleted; the log has it, too. */
  retained({ object, dialect }: ObjectClaim, { publicIp, allocationId }: ElasticIp, why: string): void {
    const message = `Elastic IP ${publicIp} (${allocationId}) stays allocated although its object goes: ${why}. An object of the same kind, namespace and name gets it again; release it in EC2 if nobody needs it`;
    this.#log.warn('an Elastic IP outlives its object', {
      object: objectKey(object),
      dialect,
      publicIp,
      allocationId,
      why,
    });
    this.#record(object, dialect, 'Normal', 'EIPRetained', message);
  }

  refuse(object: CustomObject, dialect: EipObjectDialectName, { reason, message }: Refusal): void {
    if (!this.#isNews(object, `${reason}: ${message}`)) return;
    this.#log.warn('an object cannot have what it asks for', { object: objectKey(object), dialect, reason, message });
    this.#record(object, dialect, 'Warning', reason, message);
  }

  /** Forgets objects that are gone. */
  keep(uids: ReadonlySet<string>): void {
    for (const uid of this.#said.keys()) if (!uids.has(uid)) this.#said.delete(uid);
  }

  #isNews({ uid }: CustomObject, text: string): boolean {
    if (this.#said.get(uid) === text) return false;
    this.#said.set(uid, text);
    return true;
  }

  #record(
    object: CustomObject,
    dialect: EipObjectDialectName,
    type: 'Normal' | 'Warning',
    reason: string,
    message: string,
  ): void {
    const { group, version, kind } = this.#resourceOf(dialect);
    const { namespace, name, uid } = object;
    this.#recorder.record({ apiVersion: `${group}/${version}`, kind, namespace, name, uid }, { type, reason, message });
  }
}
