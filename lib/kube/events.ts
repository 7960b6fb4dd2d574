import type { Clock } from '../runtime/clock.ts';
import type { KubeClient } from './client.ts';
import { isKubeError } from './kube-error.ts';

/** The object that an Event is about. */
export interface EventTarget {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface EventContent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Why an Event was not written. */
export type DropCause = 'spam' | 'queue-full' | 'failed';

export interface EventRecorder {
  /** Reports the object's owner what happened. Returns at once; an Event that cannot be written is dropped and counted. */
  record(target: EventTarget, content: EventContent): void;
  /** Resolves when nothing waits to be written any more. */
  drained(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly component: string;
  /** The node on which the reporting process runs. */
  readonly host: string;
  readonly onDrop: (cause: DropCause, error?: unknown) => void;
}

/** client-go's defaults: a repeated Event counts up for 10 minutes; an object may have 25 at once and one more each 5 minutes. */
const REPEAT_MS = 10 * 60_000;
const BURST = 25;
const REFILL_MS = 5 * 60_000;
const QUEUE_LIMIT = 1_000;
const MEMORY_LIMIT = 1_024;

interface Written {
  readonly name: string;
  readonly count: number;
  readonly at: number;
}

interface Waiting {
  readonly target: EventTarget;
  readonly content: EventContent;
  readonly at: number;
}

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new QueuedRecorder(options);
}

class QueuedRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #written = new Map<string, Written>();
  readonly #buckets = new Map<string, { tokens: number; at: number }>();
  readonly #queue: Waiting[] = [];
  #draining: Promise<void> | undefined;
  #serial = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  async drained(): Promise<void> {
    await this.#draining;
  }

  record(target: EventTarget, content: EventContent): void {
    if (this.#options.signal.aborted) return;
    if (!this.#takeToken(target)) return this.#options.onDrop('spam');
    if (this.#queue.length >= QUEUE_LIMIT) return this.#options.onDrop('queue-full');
    this.#queue.push({ target, content, at: this.#options.clock.now() });
    this.#draining ??= this.#drain();
  }

  /** One after the other: Events are worth one connection, no more. It cannot reject. */
  async #drain(): Promise<void> {
    for (
      let next = this.#queue.shift();
      next !== undefined && !this.#options.signal.aborted;
      next = this.#queue.shift()
    ) {
      await this.#write(next).catch((error: unknown) => this.#options.onDrop('failed', error));
    }
    this.#draining = undefined;
  }

  async #write(event: Waiting): Promise<void> {
    const key = [event.target.uid, event.content.type, event.content.reason, event.content.message].join('\n');
    const earlier = this.#written.get(key);
    const repeated = earlier !== undefined && event.at - earlier.at < REPEAT_MS;
    const name = (repeated && (await this.#countUp(earlier, event))) || (await this.#create(event));
    remember(this.#written, key, { name, count: name === earlier?.name ? earlier.count + 1 : 1, at: event.at });
  }

  /** The Event's name, or undefined when the server has already forgotten it (they live an hour). */
  async #countUp(earlier: Written, { target, at }: Waiting): Promise<string | undefined> {
    try {
      await this.#options.client.request({
        method: 'PATCH',
        path: `${eventsPath(target)}/${earlier.name}`,
        contentType: 'application/strategic-merge-patch+json',
        body: { count: earlier.count + 1, lastTimestamp: seconds(at) },
        signal: this.#options.signal,
      });
      return earlier.name;
    } catch (error) {
      if (isKubeError(error) && error.status === 404) return undefined;
      throw error;
    }
  }

  async #create(event: Waiting): Promise<string> {
    const name = this.#nameFor(event);
    await this.#options.client.request({
      method: 'POST',
      path: eventsPath(event.target),
      body: eventBody(event, name, this.#options),
      signal: this.#options.signal,
    });
    return name;
  }

  /** Unique among the agent's restarts and nodes in practice: time, and a number within it. */
  #nameFor({ target, at }: Waiting): string {
    this.#serial = (this.#serial + 1) % 0x10000;
    return `${target.name.slice(0, 220)}.${at.toString(16)}${this.#serial.toString(16).padStart(4, '0')}`;
  }

  #takeToken(target: EventTarget): boolean {
    const key = target.uid || `${target.namespace}/${target.name}`;
    const now = this.#options.clock.now();
    const bucket = this.#buckets.get(key) ?? { tokens: BURST, at: now };
    const tokens = Math.min(BURST, bucket.tokens + (now - bucket.at) / REFILL_MS);
    remember(this.#buckets, key, { tokens: Math.max(0, tokens >= 1 ? tokens - 1 : tokens), at: now });
    return tokens >= 1;
  }
}

function eventBody({ target, content, at }: Waiting, name: string, reporter: EventRecorderOptions): object {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name, namespace: namespaceFor(target) },
    involvedObject: target.namespace === '' ? { ...target, namespace: undefined } : target,
    ...content,
    // The limit of events.k8s.io/v1, through which the same Event can be read: 1 KiB.
    message: content.message.slice(0, 1_000),
    count: 1,
    firstTimestamp: seconds(at),
    lastTimestamp: seconds(at),
    source: { component: reporter.component, host: reporter.host },
    reportingComponent: reporter.component,
    reportingInstance: reporter.host,
  };
}

/** Events about cluster-scoped objects live in `default`. */
function namespaceFor(target: EventTarget): string {
  return target.namespace === '' ? 'default' : target.namespace;
}

function eventsPath(target: EventTarget): string {
  return `/api/v1/namespaces/${namespaceFor(target)}/events`;
}

function seconds(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** Sets a key and forgets the ones untouched for longest, so that memory stays bounded however many pods come and go. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= MEMORY_LIMIT) break;
    map.delete(oldest);
  }
}
