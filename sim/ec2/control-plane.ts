import type { Cloud } from './cloud.ts';
import { Ec2Fault } from './ec2-fault.ts';
import type { Ec2Endpoint } from './endpoint.ts';
import type { FaultRule } from './faults.ts';
import type { BucketSize } from './throttle.ts';
import { Throttle } from './throttle.ts';
import type { Knobs } from './visibility.ts';

export interface ControlRequest {
  readonly method: string;
  readonly url: URL;
  readonly body: string;
}

export interface ControlReply {
  readonly status: number;
  readonly json: unknown;
}

/**
 * What other processes may see and do, as JSON under `/_sim/`:
 *
 * | | |
 * |---|---|
 * | `GET state` | everything that exists now, under wire names |
 * | `GET calls?action=…` · `DELETE calls` | the log of calls · forget it |
 * | `POST faults {action?, match?, times?, probability?, effect}` · `DELETE faults` | see {@link FaultRule} · forget all, latency too |
 * | `POST latency {ms, action?}` | added to every call, or to those of an action |
 * | `POST knobs {…}` | see {@link Knobs} |
 * | `POST throttle {action, capacity, refillPerSecond}` | another bucket for an action |
 * | `POST topology/<addVpc…> {…}` | see the functions of the topology |
 */
export function controlPlane(endpoint: Ec2Endpoint, request: ControlRequest): ControlReply {
  const route = `${request.method} ${request.url.pathname.slice('/_sim/'.length)}`;
  const handler = routes[route] ?? topologyRoute(route);
  if (handler === undefined) return { status: 404, json: { error: `no route ${route}` } };
  try {
    const body = request.body === '' ? {} : (JSON.parse(request.body) as object);
    return { status: 200, json: handler(endpoint, body, request.url.searchParams) };
  } catch (error) {
    const code = error instanceof Ec2Fault ? error.code : 'BadRequest';
    return { status: 400, json: { error: error instanceof Error ? error.message : String(error), code } };
  }
}

type Handler = (endpoint: Ec2Endpoint, body: object, query: URLSearchParams) => unknown;

const done = { ok: true };

const routes: Readonly<Record<string, Handler>> = {
  'GET state': ({ cloud }) => dump(cloud),
  'GET calls': ({ calls }, _body, query) => {
    const action = query.get('action');
    return calls.filter((call) => action === null || call.action === action);
  },
  'DELETE calls': (endpoint) => {
    endpoint.resetCalls();
    return done;
  },
  'POST faults': ({ faults }, body) => {
    faults.inject(readRule(body));
    return done;
  },
  'DELETE faults': ({ faults }) => {
    faults.clear();
    return done;
  },
  'POST latency': ({ faults }, body) => {
    const { ms, action } = body as { ms: number; action?: string };
    if (typeof ms !== 'number') throw new TypeError('latency needs ms');
    if (action === undefined) faults.latencyMs = ms;
    else faults.latencyByAction.set(action, ms);
    return done;
  },
  'POST knobs': ({ cloud }, body) => {
    const unknown = Object.keys(body).find((name) => !Object.hasOwn(cloud.knobs, name));
    if (unknown !== undefined) throw new TypeError(`no knob ${unknown}`);
    return Object.assign(cloud.knobs, body as Partial<Knobs>);
  },
  'POST throttle': ({ throttle }, body) => {
    if (!(throttle instanceof Throttle)) throw new TypeError('this server has no throttle');
    const { action, ...size } = body as BucketSize & { action: string };
    throttle.override(action, size);
    return done;
  },
};

/** Everything that exists now, under the names of the wire and unaffected by describe lag. */
function dump(cloud: Cloud) {
  const { knobs } = cloud;
  const lag = knobs.describeLagMs;
  knobs.describeLagMs = 0;
  try {
    return {
      instances: cloud.describeInstances().reservationSet.flatMap((reservation) => reservation.instancesSet),
      networkInterfaces: cloud.describeNetworkInterfaces().networkInterfaceSet,
      addresses: cloud.describeAddresses().addressesSet,
      subnets: cloud.describeSubnets().subnetSet,
      routeTables: cloud.describeRouteTables().routeTableSet,
      pools: cloud.describePublicIpv4Pools().publicIpv4PoolSet,
    };
  } finally {
    knobs.describeLagMs = lag;
  }
}

const topologyFunctions = [
  'addVpc',
  'addSubnet',
  'addInstance',
  'addInterface',
  'addPool',
  'addRouteTable',
  'addSecurityGroup',
] as const;

function topologyRoute(route: string): Handler | undefined {
  if (route === 'POST topology/setInstanceState') {
    return ({ cloud }, body) => {
      const { instanceId, state } = body as { instanceId: string; state: Parameters<Cloud['setInstanceState']>[1] };
      cloud.setInstanceState(instanceId, state);
      return done;
    };
  }
  const name = topologyFunctions.find((known) => route === `POST topology/${known}`);
  // Each function validates its own input; what comes over HTTP is as trusted as what a test passes in-process.
  return name === undefined ? undefined : ({ cloud }, body) => cloud[name](body as never);
}

function readRule(body: object): FaultRule {
  const rule = body as FaultRule;
  if (!['error', 'lost-reply', 'hang', 'foreign-answer', 'latency'].includes(rule.effect?.kind)) {
    throw new TypeError('a fault needs effect.kind: error, lost-reply, hang, foreign-answer or latency');
  }
  // JSON has no Infinity: null stands for it.
  return { ...rule, times: rule.times === null ? Number.POSITIVE_INFINITY : (rule.times ?? 1) };
}
