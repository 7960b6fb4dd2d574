/** What goes wrong with a call. */
export type FaultEffect =
  /** Refused with this code; nothing is done. */
  | { readonly kind: 'error'; readonly code: string; readonly message?: string; readonly status?: number }
  /** Done, but the connection drops instead of an answer. */
  | { readonly kind: 'lost-reply' }
  /** No answer ever; with `performed` the call is done all the same. */
  | { readonly kind: 'hang'; readonly performed?: boolean }
  /** HTTP 200 with this body (`''`, a proxy's HTML) in place of EC2's answer; with `performed` the call is done all the same. */
  | { readonly kind: 'foreign-answer'; readonly body: string; readonly performed?: boolean }
  /** Answered this much later than usual. */
  | { readonly kind: 'latency'; readonly ms: number };

export interface FaultRule {
  readonly effect: FaultEffect;
  /** Only this action. @default every action */
  readonly action?: string;
  /** Only calls with these wire parameters, e.g. `{ NetworkInterfaceId: 'eni-1' }`. */
  readonly match?: Readonly<Record<string, string>>;
  /** Only calls that this says yes to. */
  readonly when?: (call: FaultableCall) => boolean;
  /** How many calls it hits; `Infinity` for all. @default 1 */
  readonly times?: number;
  /** Chance to hit a call that matches, by the script's own random numbers. @default 1 */
  readonly probability?: number;
}

export interface FaultableCall {
  readonly action: string;
  readonly parameters: ReadonlyMap<string, string>;
}

export interface Mishap {
  readonly latencyMs: number;
  /** The first rule that hit, other than latency. */
  readonly effect: Exclude<FaultEffect, { kind: 'latency' }> | undefined;
}

export interface FaultScriptOptions {
  /** 0 ≤ x < 1. @default a fixed seed, the same in every run */
  readonly random?: () => number;
  /** Added to every call, ms. @default 0 */
  readonly latencyMs?: number;
}

/** Faults laid out in advance, consumed as calls arrive; rules are tried in the order in which they were injected. */
export class FaultScript {
  /** Added to every call, ms. */
  latencyMs: number;
  /** Added on top, by action, ms. */
  readonly latencyByAction = new Map<string, number>();
  readonly #random: () => number;
  #rules: { rule: FaultRule; left: number }[] = [];

  constructor(options: FaultScriptOptions = {}) {
    this.latencyMs = options.latencyMs ?? 0;
    this.#random = options.random ?? seededRandom(1);
  }

  /** Adds a rule; the returned function takes it out again. */
  inject(rule: FaultRule): () => void {
    const entry = { rule, left: rule.times ?? 1 };
    this.#rules.push(entry);
    return () => {
      this.#rules = this.#rules.filter((other) => other !== entry);
    };
  }

  /** Forgets all rules and latencies. */
  clear(): void {
    this.#rules = [];
    this.latencyMs = 0;
    this.latencyByAction.clear();
  }

  /** What happens to this call; rules that hit it have one hit less. */
  next(call: FaultableCall): Mishap {
    let latencyMs = this.latencyMs + (this.latencyByAction.get(call.action) ?? 0);
    let effect: Mishap['effect'];
    for (const entry of this.#rules) {
      const candidate = entry.rule.effect;
      if (candidate.kind !== 'latency' && effect !== undefined) continue;
      if (!applies(entry.rule, call) || this.#random() >= (entry.rule.probability ?? 1)) continue;
      entry.left -= 1;
      if (candidate.kind === 'latency') latencyMs += candidate.ms;
      else effect = candidate;
    }
    this.#rules = this.#rules.filter((entry) => entry.left > 0);
    return { latencyMs, effect };
  }
}

/** A small generator (mulberry32) for repeatable chance: 0 ≤ x < 1. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function applies(rule: FaultRule, call: FaultableCall): boolean {
  if (rule.action !== undefined && rule.action !== call.action) return false;
  const matches = Object.entries(rule.match ?? {}).every(([key, value]) => call.parameters.get(key) === value);
  return matches && (rule.when?.(call) ?? true);
}
