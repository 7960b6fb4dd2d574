import type { Clock } from '../runtime/clock.ts';
import type { KubeClient, Query } from './client.ts';
import { errorFromStatus, KubeError, type StatusObject } from './kube-error.ts';
import { createLineSplitter } from './line-splitter.ts';
import type { RawObject } from './object-store.ts';

/** What one watch request notifies of. */
interface WatchListener {
  readonly open: () => void;
  readonly byte: () => void;
  /** ADDED, MODIFIED, DELETED or BOOKMARK (of which only the resource version means anything). */
  readonly event: (type: string, object: RawObject) => void;
}

export interface WatchOptions {
  readonly collection: { readonly client: KubeClient; readonly path: string; readonly query: Query };
  /** Resource version after which events are wanted. */
  readonly from: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: () => number;
  /** Longest silence between two signs of life, ms; before the first it is {@link FIRST_SIGN} times that. */
  readonly silenceMs: number;
  readonly on: WatchListener;
}

/** The watch gives no account of the collection any more, though the server may be well: resuming it would not help. */
export class WatchLost extends KubeError {
  constructor(message: string) {
    super({ status: 0, reason: 'Timeout', message });
  }
}

const MINUTE_MS = 60_000;
/** 150 s instead of 90: the first bookmark of a quiet custom resource takes up to 120 s, later ones 60 s (facts §12). */
const FIRST_SIGN = 5 / 3;
/** A server that does not even accept the watch in this time is away, ms. */
const OPEN_MS = 20_000;

/**
 * One watch request. Resolves when the server ends it in order (each asks for 4–8 minutes, so that the watches of a cluster do not
 * come back together).
 * @throws {KubeError} for an ERROR event of any code, a refused or broken connection, a line that is not an event, and silence.
 */
export async function watchOnce(options: WatchOptions): Promise<void> {
  const { collection, from, clock, random, silenceMs, on } = options;
  const { client, path } = collection;
  const timeoutSeconds = Math.round((4 + 4 * random()) * 60);
  const query = {
    ...collection.query,
    watch: 'true',
    allowWatchBookmarks: 'true',
    resourceVersion: from,
    timeoutSeconds,
  };
  const watchdog = startWatchdog(clock, silenceMs);
  const lines = createLineSplitter((line) => deliver(line, on.event));
  const signal = AbortSignal.any([options.signal, watchdog.signal]);
  try {
    await client.stream({
      path,
      query,
      signal,
      onOpen() {
        watchdog.opened();
        on.open();
      },
      onData(chunk) {
        watchdog.touch();
        on.byte();
        lines.push(chunk);
      },
    });
  } finally {
    watchdog.stop();
  }
}

function deliver(line: string, onEvent: WatchListener['event']): void {
  const event = parseEvent(line);
  if (event.type === 'ERROR') throw errorFromStatus(event.object as StatusObject);
  onEvent(event.type, event.object as RawObject);
}

function parseEvent(line: string): { type: string; object: unknown } {
  try {
    const event = JSON.parse(line) as { type?: unknown; object?: { metadata?: unknown } };
    if (typeof event.type === 'string' && event.object && (event.type === 'ERROR' || event.object.metadata)) {
      return { type: event.type, object: event.object };
    }
  } catch {
    // Reported below, as any other line that is not an event.
  }
  throw new KubeError({ status: 0, reason: 'Network', message: `a watch line is not an event: ${line.slice(0, 100)}` });
}

/** Aborts when nothing touches it for a while. A touch only notes the time: no timer is rescheduled on the event path. */
function startWatchdog(clock: Clock, silenceMs: number) {
  const controller = new AbortController();
  let touchedAt = clock.now();
  let limitMs = OPEN_MS;
  let isOpen = false;
  let cancel = clock.after(OPEN_MS, check);

  function check(): void {
    const leftMs = touchedAt + limitMs - clock.now();
    if (leftMs > 0) cancel = clock.after(Math.min(leftMs, MINUTE_MS), check);
    else controller.abort(isOpen ? new WatchLost(`the watch was silent for ${limitMs / 1000} s`) : notAccepted());
  }

  return {
    signal: controller.signal,
    opened: () => {
      isOpen = true;
      touchedAt = clock.now();
      limitMs = silenceMs * FIRST_SIGN;
      cancel();
      cancel = clock.after(silenceMs, check);
    },
    touch: () => {
      touchedAt = clock.now();
      limitMs = silenceMs;
    },
    stop: () => cancel(),
  };
}

function notAccepted(): KubeError {
  return new KubeError({ status: 0, reason: 'Timeout', message: `the watch was not accepted in ${OPEN_MS / 1000} s` });
}
