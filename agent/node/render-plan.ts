import type { Action } from '../../lib/model/addresses/action.ts';
import type { Claim } from '../../lib/model/addresses/claim.ts';
import type { EipStep } from '../../lib/model/elastic-ips/plan.ts';
import { podKey } from '../../lib/model/pod.ts';
import type { RouteStep } from '../../lib/model/routed-ips/route-plan.ts';
import type { NodeSnapshotView, SnapshotClaim, SnapshotElasticIp } from '../../lib/model/status/agent-snapshot.ts';
import type { FloatingIpState, RouteStatus } from '../../lib/model/status/cluster-status.ts';
import type { Paint } from '../text/paint.ts';
import { routeTexts } from '../text/routes.ts';

/** Names the shape that `eni-agent plan -o json` prints. */
export const PLAN_SCHEMA = 'eni-agent.io/plan/v1';

/** What one node's agent would do now, and where everything stands. */
export interface PlanView {
  readonly schema: typeof PLAN_SCHEMA;
  readonly steps: readonly PlanStep[];
  readonly snapshot: NodeSnapshotView;
  /** Addresses on networks that are not part of the VPC, each a sentence. */
  readonly leftOut: readonly string[];
  /** Of the whole cluster. */
  readonly floatingIps: readonly FloatingIpState[];
  /** False when EC2 did not show the Elastic IPs in time. */
  readonly elasticIpsKnown: boolean;
}

export interface PlanStep {
  readonly kind: Action['kind'] | `${EipStep['kind']}-elastic-ip` | `${RouteStep['kind']}-route`;
  readonly address: string;
  readonly eni?: string;
  readonly pod?: string;
  readonly text: string;
}

export function addressStep(action: Action): PlanStep {
  const { address, eni } = action;
  if (action.kind === 'unassign')
    return {
      kind: 'unassign',
      address,
      eni,
      text: `unassign ${address} from ${eni}: assigned by us, and no pod uses it any more`,
    };
  const { claim, takeover } = action;
  const pod = podKey(claim.holder);
  const how = takeover ? ', taking it over if another ENI holds it' : ', only if it is free';
  const text = `assign ${address} to ${eni}: ${claim.kind} address of ${pod} on ${claim.interface}${how}`;
  return { kind: 'assign', address, eni, pod, text };
}

export function elasticIpStep(step: EipStep): PlanStep {
  const kind = `${step.kind}-elastic-ip` as const;
  switch (step.kind) {
    case 'allocate': {
      const pod = podKey(step.claim.owner);
      return { kind, address: '', pod, text: `allocate an Elastic IP from ${step.pool} for ${pod}` };
    }
    case 'associate': {
      const pod = podKey(step.claim.owner);
      const { publicIp } = step.eip;
      const text = `bind Elastic IP ${publicIp} to ${step.privateIp} on ${step.eni} for ${pod}`;
      return { kind, address: publicIp, eni: step.eni, pod, text };
    }
    case 'tag': {
      const pod = podKey(step.claim.owner);
      return { kind, address: step.eip.publicIp, pod, text: `tag Elastic IP ${step.eip.publicIp} as that of ${pod}` };
    }
    case 'disassociate':
      return {
        kind,
        address: step.eip.publicIp,
        text: `take Elastic IP ${step.eip.publicIp} off: ${step.owner} does not ask for it any more`,
      };
    case 'release':
      return {
        kind,
        address: step.eip.publicIp,
        text: `release Elastic IP ${step.eip.publicIp}: nobody asks for it any more`,
      };
    case 'untag':
      return {
        kind,
        address: step.eip.publicIp,
        text: `give the prepared Elastic IP ${step.eip.publicIp} back to its pool`,
      };
  }
}

export function routeStep(step: RouteStep): PlanStep {
  const kind = `${step.kind}-route` as const;
  switch (step.kind) {
    case 'move': {
      const { claim, destination, table, eni, from } = step;
      const pod = podKey(claim.holder);
      const now = from === undefined || from === eni ? '' : `, from ${from}`;
      const text = `lead ${destination} to ${eni} in ${table}${now}: ${claim.address} of ${pod} on ${claim.interface}`;
      return { kind, address: claim.address, eni, pod, text };
    }
    case 'release': {
      const { address, destination, table, eni } = step.record;
      const text = `remove the route to ${destination} from ${table}: written by us, and no pod uses ${address} any more`;
      return { kind, address, eni, text };
    }
    case 'uncheck': {
      const { eni } = step;
      return { kind, address: '', eni, text: `turn off the source/destination check of ${eni}: a route leads to it` };
    }
  }
}

export function leftOutText({ address, kind, holder, interface: on }: Claim): string {
  return `${address} ${kind} ${podKey(holder)} ${on}: left out, no subnet of the VPC has it`;
}

/** A plan for people: what would be done, where every address stands, and everything that is refused. */
export function renderPlan({ steps, snapshot, leftOut, floatingIps, elasticIpsKnown }: PlanView, paint: Paint): string {
  const { claims, elasticIps, inputFaults, node } = snapshot;
  return [
    paint.bold(steps.length === 0 ? 'Nothing to do.' : `Would do ${steps.length}:`),
    ...indented(steps.map(({ text }) => text)),
    '',
    paint.bold(claims.length + leftOut.length === 0 ? 'No pod of this node claims an address.' : 'Claims:'),
    ...indented([...claims.map((claim) => claimText(claim, paint)), ...leftOut]),
    ...section(
      'Elastic IPs:',
      elasticIps.map((eip) => elasticIpText(eip, paint)),
      paint,
    ),
    ...(elasticIpsKnown ? [] : ['', paint.warn('Elastic IPs are not known: EC2 did not show them in time.')]),
    ...section(
      'FloatingIPs:',
      floatingIps.map((one) => floatingIpText(one, node, paint)),
      paint,
    ),
    ...section(
      'Not understood:',
      inputFaults.map(({ subject, reason, message }) => `${subject}: ${paint.bad(reason)}: ${message}`),
      paint,
    ),
    '',
  ].join('\n');
}

function section(title: string, lines: readonly string[], paint: Paint): string[] {
  return lines.length === 0 ? [] : ['', paint.bold(title), ...indented(lines)];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function claimText(
  { address, kind, pod, interface: name, state, eni, routes, reason, message }: SnapshotClaim,
  paint: Paint,
): string {
  const where = `${address} ${kind} ${pod} ${name}`;
  return `${where}: ${coloured(state, paint)}${eni === undefined ? '' : ` on ${eni}`}${by(routes)}${why(reason, message)}`;
}

/** Which route tables lead an address to its ENI, or should. */
function by(routes: readonly RouteStatus[] | undefined): string {
  if (routes === undefined) return '';
  return ` by ${routeTexts(routes).join(', ') || 'no route table'}`;
}

function elasticIpText(
  { pod, target, state, publicIp, privateIp, eni, reason, message }: SnapshotElasticIp,
  paint: Paint,
): string {
  const bound = publicIp === undefined ? '' : ` ${publicIp} on ${privateIp} of ${eni}`;
  return `${pod} ${target}: ${coloured(state, paint)}${bound}${why(reason, message)}`;
}

function floatingIpText(
  { name, addresses, node, served, routes, reason, message }: FloatingIpState,
  here: string,
  paint: Paint,
): string {
  const holder = node === '' ? 'nobody' : node === here ? 'this node' : node;
  const state = served ? paint.good(`served by ${holder}`) : paint.bad(`not served, holder ${holder}`);
  return `${name} ${addresses.join(', ')}: ${state}${by(routes)}${served ? '' : why(reason, message)}`;
}

function coloured(state: string, paint: Paint): string {
  if (state === 'refused') return paint.bad(state);
  return state === 'pending' ? paint.warn(state) : paint.good(state);
}

function why(reason: string | undefined, message: string | undefined): string {
  return reason === undefined ? '' : ` (${reason}: ${message})`;
}
