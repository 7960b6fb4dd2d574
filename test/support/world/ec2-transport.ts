import { Readable } from 'node:stream';
import type { Clock } from '../../../lib/runtime/clock.ts';
import { Ec2Fault, requestLimitExceeded, unauthorized } from '../../../sim/ec2/ec2-fault.ts';
import type { Answer, Ec2Endpoint } from '../../../sim/ec2/endpoint.ts';
import { errorXml, successXml } from '../../../sim/ec2/xml.ts';
import { never, type VirtualProcess } from './process.ts';

/**
 * What goes wrong with one call, seen from its caller:
 * - `kill-before`, `kill-after`: the process dies as the call arrives, or when its effect is there and the reply has not come;
 * - `lost-request`, `lost-reply`: the connection breaks before or after EC2 acted; the caller cannot tell which;
 * - `hang`, `hang-acted`: no answer until the caller's own time-out, EC2 did nothing or acted;
 * - `unavailable`, `error-acted`: 503 before, 500 after acting (FACTS §1.9);
 * - `throttled` 503 RequestLimitExceeded (FACTS §1.10), `denied` 403 UnauthorizedOperation (FACTS §1.0);
 * - `garbage`, `garbage-acted`: HTTP 200 with a page of HTML, as a proxy in between gives; `empty`, `empty-acted`: HTTP 200 without a body;
 * - `lagging`: the call itself goes well, but for a while describes show the past (FACTS §1.0, eventual consistency).
 */
export const CALL_FAULTS = [
  'kill-before',
  'kill-after',
  'lost-request',
  'lost-reply',
  'hang',
  'hang-acted',
  'unavailable',
  'error-acted',
  'throttled',
  'denied',
  'garbage',
  'garbage-acted',
  'empty',
  'empty-acted',
  'lagging',
] as const;

export type CallFault = (typeof CALL_FAULTS)[number];

/** One call as it arrived at EC2. */
export interface WorldCall {
  readonly process: string;
  readonly action: string;
  /** When it left the process. */
  readonly sentAt: number;
  /** When it came to EC2. */
  readonly at: number;
  readonly parameters: ReadonlyMap<string, string>;
  fault: CallFault | undefined;
}

export interface Ec2TransportOptions {
  readonly clock: Clock;
  readonly endpoint: Ec2Endpoint;
  /** Round trip, ms; half before the effect, half after. */
  readonly latencyMs: () => number;
  /** Asked for each call as it arrives. */
  readonly fault: (call: WorldCall) => CallFault | undefined;
  readonly kill: (process: VirtualProcess) => void;
  readonly onCall: (call: WorldCall) => void;
  /** Asked right before EC2 acts on a call: what it would do wrong, in words. */
  readonly beforeAct: (call: WorldCall) => void;
}

interface HttpRequest {
  readonly body?: unknown;
}

/** The agent's own time-out for a request, ms; see `openEc2Client`. */
const REQUEST_TIMEOUT_MS = 10_000;
/** How long `lagging` lasts and how far it looks back, ms. */
const LAG_MS = 8_000;

/** Faults after which EC2 has done what was asked. */
const ACTED: ReadonlySet<CallFault> = new Set([
  'kill-after',
  'lost-reply',
  'hang-acted',
  'error-acted',
  'garbage-acted',
  'empty-acted',
  'lagging',
]);

/** The wire between the AWS SDK and the simulated EC2 without sockets, so that time can be virtual: real requests, real XML. */
export class Ec2Transport {
  readonly metadata = { handlerProtocol: 'http/1.1' };
  readonly #options: Ec2TransportOptions;
  readonly #process: VirtualProcess;

  constructor(options: Ec2TransportOptions, process: VirtualProcess) {
    this.#options = options;
    this.#process = process;
  }

  async handle(request: HttpRequest, { abortSignal }: { readonly abortSignal?: unknown } = {}) {
    const signal = abortSignal instanceof AbortSignal ? abortSignal : new AbortController().signal;
    const response = await this.#process.whileAlive(this.#exchange(String(request.body), signal));
    return { response };
  }

  destroy(): void {}
  updateHttpClientConfig(): void {}
  httpHandlerConfigs(): Record<string, never> {
    return {};
  }

  async #exchange(body: string, signal: AbortSignal) {
    const { clock, endpoint, fault: faultOf, kill, onCall, beforeAct } = this.#options;
    const { Action: action = '', Version: _version, ...rest } = Object.fromEntries(new URLSearchParams(body));
    const parameters = new Map(Object.entries(rest));
    const sentAt = clock.now();
    await this.#travel(signal);
    const at = clock.now();
    const call: WorldCall = { process: this.#process.name, action, sentAt, at, parameters, fault: undefined };
    call.fault = faultOf(call);
    onCall(call);
    const { fault } = call;
    if (fault === 'kill-before') kill(this.#process);
    const acts = fault === undefined || ACTED.has(fault);
    if (acts) beforeAct(call);
    const arrival = acts ? endpoint.arrive({ action, parameters }) : undefined;
    const answer = arrival?.answer();
    if (fault === 'kill-after') kill(this.#process);
    if (fault === 'lagging') this.#lag();
    if (this.#process.dead) return never<never>();
    if (fault === 'hang' || fault === 'hang-acted') {
      await clock.sleep(REQUEST_TIMEOUT_MS, signal);
      throw signal.aborted ? aborted() : timedOut();
    }
    await this.#travel(signal);
    if (fault === 'lost-request' || fault === 'lost-reply') throw connectionLost();
    const requestId = arrival?.record.requestId ?? 'none';
    const replaced = fault === undefined ? undefined : REPLACED[fault];
    return replaced?.(requestId) ?? respond(action, requestId, answer);
  }

  async #travel(signal: AbortSignal): Promise<void> {
    if (!signal.aborted) await this.#options.clock.sleep(this.#options.latencyMs() / 2, signal);
    if (signal.aborted) throw aborted();
  }

  #lag(): void {
    const { clock, endpoint } = this.#options;
    endpoint.cloud.knobs.describeLagMs = LAG_MS;
    clock.after(LAG_MS, () => (endpoint.cloud.knobs.describeLagMs = 0));
  }
}

/** What comes back instead of EC2's answer; faults that are missing here let the answer through, or none at all. */
const REPLACED: Partial<Record<CallFault, (requestId: string) => ReturnType<typeof http>>> = {
  unavailable: (id) => refused(new Ec2Fault('Unavailable', 'The server is overloaded.', 503), id),
  'error-acted': (id) => refused(new Ec2Fault('InternalError', 'An internal error has occurred', 500), id),
  throttled: (id) => refused(requestLimitExceeded(), id),
  denied: (id) => refused(unauthorized(), id),
  garbage: signInPage,
  'garbage-acted': signInPage,
  empty: () => http(200, {}, ''),
  'empty-acted': () => http(200, {}, ''),
};

function respond(action: string, requestId: string, answer: Answer | undefined) {
  if (answer?.kind === 'result') return http(200, headers(requestId), successXml(action, requestId, answer.result));
  if (answer?.kind === 'fault') return refused(answer.fault, requestId);
  throw new Error(`no answer to ${action}: the world breaks calls by its own faults only`);
}

function refused(fault: Ec2Fault, requestId: string) {
  return http(fault.status, headers(requestId), errorXml(fault, requestId));
}

function signInPage() {
  return http(200, { 'content-type': 'text/html' }, '<html><body>Sign in to the guest network</body></html>');
}

function headers(requestId: string) {
  return { 'content-type': 'text/xml;charset=UTF-8', 'x-amzn-requestid': requestId };
}

function http(statusCode: number, headers: Record<string, string>, body: string) {
  return { statusCode, headers, body: Readable.from([Buffer.from(body)]) };
}

function connectionLost(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' });
}

function timedOut(): Error {
  return Object.assign(new Error('the request took too long'), { name: 'TimeoutError', code: 'ETIMEDOUT' });
}

function aborted(): Error {
  return Object.assign(new Error('Request aborted'), { name: 'AbortError' });
}
