import { multiEniControllerStatus, sameMultiEniControllerStatus } from '../../lib/dialect/multi-eni-controller.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { patchObject } from '../../lib/kube/custom-resources.ts';
import { annotateNode, MULTI_ENI_TYPE, NODE_ENI_TYPE, nodeEniPath } from '../../lib/kube/node-enis.ts';
import type { NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import type { NodeEniPlan } from '../../lib/model/node-enis/plan.ts';
import { nodeEniStatusBody, sameNodeEniStatus } from '../../lib/model/node-enis/status.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { Topic } from '../../lib/runtime/topic.ts';
import { ThrottledWriter } from './throttled-writer.ts';

export interface NodeEniPublisherParts {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called when something waits, or a write failed. */
  readonly changed: Topic;
}

/** Between two writes of one object's status, ms: a fleet that joins changes it many times a second. */
const STATUS_INTERVAL_MS = 1_000;
/** Between two annotations of one node, ms. */
const NOTICE_INTERVAL_MS = 50;

type Announced = NodeEniPlan['notices'][number];
type Wanted = NodeEniPlan['statuses'][number];

/** Writes what the plan has to say: statuses to NodeENIs, announcements to Nodes. */
export class NodeEniPublisher {
  readonly #parts: NodeEniPublisherParts;
  readonly #signal: AbortSignal;
  readonly #statuses: ThrottledWriter;
  readonly #notices: ThrottledWriter;

  constructor(parts: NodeEniPublisherParts, signal: AbortSignal) {
    const { clock, log, changed } = parts;
    const writes = { clock, log, trigger: () => changed.publish() };
    this.#parts = parts;
    this.#signal = signal;
    this.#statuses = new ThrottledWriter({
      ...writes,
      minIntervalMs: STATUS_INTERVAL_MS,
      what: 'the status of a NodeENI',
    });
    this.#notices = new ThrottledWriter({
      ...writes,
      minIntervalMs: NOTICE_INTERVAL_MS,
      what: 'the announcement to a node',
    });
  }

  /** Returns when to look again, ms since the epoch, if a write must wait. */
  publish({ statuses, notices }: Pick<NodeEniPlan, 'statuses' | 'notices'>): number | undefined {
    const times = [
      ...notices.map((announced) => this.#announce(announced)),
      ...statuses.map((wanted) => this.#report(wanted)),
    ].filter((time) => time !== undefined);
    this.#statuses.keep(new Set(statuses.map(({ object }) => object.uid)));
    return times.length === 0 ? undefined : Math.min(...times);
  }

  async idle(): Promise<void> {
    await Promise.all([this.#statuses.idle(), this.#notices.idle()]);
  }

  #announce({ node, text }: Announced): number | undefined {
    const say = () => ({ current: node.announced ?? '', text: text ?? '' });
    const said = { key: node.name, version: node.resourceVersion, say };
    return this.#notices.write(said, () => annotateNode(this.#parts.kube, node, text, this.#signal)).retryAt;
  }

  #report({ object, status }: Wanted): number | undefined {
    const isOwn = object.dialect === 'own';
    const isSame = isOwn ? sameNodeEniStatus : sameMultiEniControllerStatus;
    // Comparing whole statuses is left to the model; here only whether this one was written already counts.
    const say = () => {
      const text = JSON.stringify(bodyOf({ object, status }, 0));
      return { current: isSame(object.status, status) ? text : '', text };
    };
    const said = { key: object.uid, version: object.resourceVersion, say };
    return this.#statuses.write(said, () => this.#writeStatus({ object, status })).retryAt;
  }

  #writeStatus({ object, status }: Wanted) {
    const { kube, clock } = this.#parts;
    // No version: the status is ours alone, and the spec may change meanwhile.
    const target = { path: nodeEniPath(typeOf(object), object.name), uid: object.uid, resourceVersion: undefined };
    return patchObject(kube, target, { status: bodyOf({ object, status }, clock.now()) }, this.#signal, '/status');
  }
}

/** The resource that an object of this dialect is of. */
export function typeOf({ dialect }: Pick<NodeEni, 'dialect'>) {
  return dialect === 'own' ? NODE_ENI_TYPE : MULTI_ENI_TYPE;
}

function bodyOf({ object, status }: Wanted, now: number) {
  return object.dialect === 'own' ? nodeEniStatusBody(object, status, now) : multiEniControllerStatus(status, now);
}
