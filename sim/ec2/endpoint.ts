import { actions } from './actions.ts';
import type { Cloud } from './cloud.ts';
import { dryRunSucceeded, Ec2Fault, requestLimitExceeded, unauthorized } from './ec2-fault.ts';
import type { FaultScript, Mishap } from './faults.ts';
import { Query } from './query.ts';
import type { RateLimit } from './throttle.ts';

/** One call as it arrived. */
export interface Ec2Request {
  readonly action: string;
  /** Wire parameters without `Action` and `Version`. */
  readonly parameters: ReadonlyMap<string, string>;
  readonly accessKey?: string | undefined;
  readonly userAgent?: string | undefined;
  /** The SDK's attempt number: above one for its retries. */
  readonly attempt?: number | undefined;
}

/** One call in the log. Signatures and session tokens never get here. */
export interface CallRecord {
  /** Epoch ms of arrival. */
  readonly at: number;
  readonly requestId: string;
  readonly action: string;
  readonly params: Readonly<Record<string, string>>;
  readonly accessKey: string | undefined;
  readonly userAgent: string | undefined;
  readonly attempt: number;
  /** `ok`, an EC2 error code, `lost-reply` (done), `hung`, `foreign-answer`; `pending` until answered. */
  outcome: string;
  /** EC2's text of a refusal. */
  message?: string;
  /** Epoch ms of the answer's departure; undefined until then. */
  answeredAt?: number;
}

export type Answer =
  | { readonly kind: 'result'; readonly result: object }
  | { readonly kind: 'fault'; readonly fault: Ec2Fault }
  /** The connection drops without an answer. */
  | { readonly kind: 'drop' }
  /** No answer ever. */
  | { readonly kind: 'hang' }
  /** HTTP 200 with a body that is not EC2's. */
  | { readonly kind: 'foreign'; readonly body: string };

/** A call between its arrival and its answer. */
export interface Arrival {
  readonly record: CallRecord;
  /** How long the network and EC2 take, ms: the caller waits, on its own clock. */
  readonly latencyMs: number;
  answer(): Answer;
}

/**
 * EC2's front door without HTTP: log, throttle, scripted faults, then the action. Synchronous, so that a simulation on a virtual
 * clock can use it: call `arrive`, let `latencyMs` pass, call `answer()`.
 */
export class Ec2Endpoint {
  readonly cloud: Cloud;
  readonly throttle: RateLimit;
  readonly faults: FaultScript;
  /** Every call since the start or the last reset, in order of arrival. */
  readonly calls: CallRecord[] = [];
  #requests = 0;

  constructor(parts: { cloud: Cloud; throttle: RateLimit; faults: FaultScript }) {
    this.cloud = parts.cloud;
    this.throttle = parts.throttle;
    this.faults = parts.faults;
  }

  /** The calls of the actions that change something. */
  mutations(): CallRecord[] {
    return this.calls.filter((call) => !/^(Describe|Get)/.test(call.action));
  }

  resetCalls(): void {
    this.calls.length = 0;
  }

  nextRequestId(): string {
    this.#requests += 1;
    return `00000000-0000-4000-8000-${this.#requests.toString(16).padStart(12, '0')}`;
  }

  /** Takes a call in: it costs a token now and is performed when the answer is fetched. */
  arrive(request: Ec2Request): Arrival {
    const record: CallRecord = {
      at: this.cloud.state.now(),
      requestId: this.nextRequestId(),
      action: request.action,
      params: Object.fromEntries(request.parameters),
      accessKey: request.accessKey,
      userAgent: request.userAgent,
      attempt: request.attempt ?? 1,
      outcome: 'pending',
    };
    this.calls.push(record);
    const admitted = this.throttle.admits(request.action, request.parameters);
    const mishap = this.faults.next(request);
    return { record, latencyMs: mishap.latencyMs, answer: () => this.#answer(request, record, admitted, mishap) };
  }

  #answer(request: Ec2Request, record: CallRecord, admitted: boolean, mishap: Mishap): Answer {
    const answer = this.#decide(request, admitted, mishap);
    record.outcome = outcomeOf(answer);
    if (answer.kind === 'fault') record.message = answer.fault.message;
    record.answeredAt = this.cloud.state.now();
    return answer;
  }

  #decide(request: Ec2Request, admitted: boolean, { effect }: Mishap): Answer {
    if (effect?.kind === 'hang' && effect.performed !== true) return { kind: 'hang' };
    if (effect?.kind === 'foreign-answer' && effect.performed !== true) return { kind: 'foreign', body: effect.body };
    if (!admitted) return { kind: 'fault', fault: requestLimitExceeded() };
    if (effect?.kind === 'error') {
      return { kind: 'fault', fault: new Ec2Fault(effect.code, effect.message ?? effect.code, effect.status) };
    }
    const answer = this.#perform(request);
    if (effect?.kind === 'lost-reply') return { kind: 'drop' };
    if (effect?.kind === 'foreign-answer') return { kind: 'foreign', body: effect.body };
    return effect?.kind === 'hang' ? { kind: 'hang' } : answer;
  }

  #perform(request: Ec2Request): Answer {
    try {
      return { kind: 'result', result: perform(this.cloud, request) };
    } catch (error) {
      if (error instanceof Ec2Fault) return { kind: 'fault', fault: error };
      throw error;
    }
  }
}

/**
 * Reads and performs one Query call. DryRun changes nothing: it answers DryRunOperation or UnauthorizedOperation.
 * @throws {Ec2Fault}
 */
export function perform(cloud: Cloud, request: Ec2Request): object {
  const { action, parameters } = request;
  const known = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (known === undefined) {
    throw new Ec2Fault('InvalidAction', `The action ${action} is not valid for this web service.`);
  }
  const query = new Query(parameters);
  const dryRun = known.dryRun && query.flag('DryRun') === true;
  const run = known.read(query);
  const [unknown] = query.unknown();
  if (unknown !== undefined && cloud.knobs.unknownParameters === 'error') {
    throw new Ec2Fault('UnknownParameter', `The parameter ${unknown} is not recognized`);
  }
  if (cloud.knobs.deniedActions.includes(action)) throw unauthorized();
  if (dryRun) throw dryRunSucceeded();
  return run(cloud);
}

function outcomeOf(answer: Answer): string {
  if (answer.kind === 'fault') return answer.fault.code;
  return ({ result: 'ok', drop: 'lost-reply', hang: 'hung', foreign: 'foreign-answer' } as const)[answer.kind];
}
