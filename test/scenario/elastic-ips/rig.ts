import { onTestFinished } from 'vitest';
import type { ElasticIp } from '../../../lib/model/elastic-ips/elastic-ip.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { EipNode } from './eip-node.ts';
import { Region } from './region.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

const PEC = 'aws-samples.github.com/aws-pod-eip-controller';

/** The annotations of aws-pod-eip-controller, by the last part of their keys. */
export function pec(annotations: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [`${PEC}-${key}`, value]));
}

/** Our own annotation. */
export function own(text: string): Record<string, string> {
  return { 'eni-agent.io/eip': text };
}

/** As the controller tags the EIP of an `Eip` object that is assigned to a pod. */
export function objectTags(pod: string, namespace = 'default'): Record<string, string> {
  return {
    'eip.materialize.cloud/eip_uid': 'uid-of-eip',
    'eip.materialize.cloud/eip_name': 'web',
    'eip.materialize.cloud/namespace': namespace,
    'eip.materialize.cloud/cluster_name': 'test',
    'eip.materialize.cloud/pod_name': pod,
  };
}

export const FLOATING = '10.0.9.50';

/** One way to ask for an EIP, in whatever language, with what somebody prepared for it. */
export interface Mode {
  readonly name: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly target: 'primary' | 'net1' | 'floating';
  /** Tags of EIPs that exist beforehand; `{}` means the one that the annotation names by its id. */
  readonly prepared?: Readonly<Record<string, string>>;
}

export const MODES: readonly Mode[] = [
  { name: 'auto', annotations: pec({ type: 'auto' }), target: 'primary' },
  {
    name: 'auto from a pool',
    annotations: pec({ type: 'auto', 'public-ipv4-pool': 'ipv4pool-ec2-1' }),
    target: 'primary',
  },
  {
    name: 'fixed-tag',
    annotations: pec({ type: 'fixed-tag', 'fixed-tag': 'game' }),
    target: 'primary',
    prepared: { game: 'a' },
  },
  {
    name: 'fixed-tag-value',
    annotations: pec({ type: 'fixed-tag-value', 'fixed-tag-value': 'who' }),
    target: 'primary',
    prepared: { who: 'default/pod' },
  },
  { name: 'own auto', annotations: own('auto'), target: 'primary' },
  { name: 'own pool', annotations: own('auto:ipv4pool-ec2-1'), target: 'primary' },
  { name: 'own tag', annotations: own('tag:game'), target: 'primary', prepared: { game: 'a' } },
  { name: 'own tag value', annotations: own('tag:game=a'), target: 'primary', prepared: { game: 'a' } },
  { name: 'own allocation id', annotations: own('eipalloc-1'), target: 'primary', prepared: {} },
  {
    name: "an object's, handed over",
    annotations: { 'eni-agent.io/eip-handover': 'eipalloc-1' },
    target: 'primary',
    prepared: objectTags('pod'),
  },
  { name: 'auto on net1', annotations: own('net1=auto'), target: 'net1' },
  { name: 'tag on net1', annotations: own('net1=tag:game'), target: 'net1', prepared: { game: 'a' } },
  { name: 'auto on a floating address', annotations: own(`${FLOATING}=auto`), target: 'floating' },
  {
    name: 'allocation id on a floating address',
    annotations: own(`${FLOATING}=eipalloc-1`),
    target: 'floating',
    prepared: {},
  },
];

/** A region with nodes `a` and `b` on one virtual clock; agents are killed at the end of the test. */
export function rig() {
  const world = openRig();
  onTestFinished(() => world.killAll());
  return world;
}

function openRig() {
  const clock = new VirtualClock();
  const region = new Region(clock);
  const [a, b] = [new EipNode('a', clock, region), new EipNode('b', clock, region)];
  const killAll = () => {
    for (const node of [a, b]) if (node.isRunning) node.kill();
  };
  return { clock, region, a, b, killAll };
}

export type Rig = ReturnType<typeof openRig>;

/** A rig in which the mode's EIPs are prepared, and a stranger has one EIP in use and one free. */
export function rigFor(mode: Mode) {
  const world = openRig();
  const { region } = world;
  const prepared = mode.prepared === undefined ? undefined : region.prepare(mode.prepared);
  const annotations = Object.fromEntries(
    Object.entries(mode.annotations).map(([key, value]) => [
      key,
      value.replace('eipalloc-1', prepared?.allocationId ?? ''),
    ]),
  );
  const strangers = [region.prepare({ Name: 'stranger' }), region.prepare({ Name: 'stranger 2' })];
  region.assign('eni-b', '10.0.7.7');
  region.associate(strangers[0]?.allocationId ?? '', 'eni-b', '10.0.7.7');
  const untouched = JSON.stringify(strangers.map(({ allocationId }) => region.eip(allocationId)));

  const scheduled = (node: EipNode, name: string) => node.schedule(name, annotations);
  /** The pod gets the address of the mode's target. */
  const addressed = (node: EipNode, name: string, index: number) => {
    node.address(name, `10.0.8.${index}`);
    if (mode.target === 'net1') node.attach(name, `10.0.9.${index}`);
    if (mode.target === 'floating') node.attach(name, FLOATING, 'floating');
  };
  return { ...world, prepared, untouched, strangers, scheduled, addressed };
}

/** What is wrong between pods and EIPs, in words: nothing may be leaked, doubled, missing or taken from another owner. */
export function disagreements(world: ReturnType<typeof rigFor>, mode: Mode): string[] {
  const { region, a, b, prepared, untouched, strangers } = world;
  const faults: string[] = [];
  const living = [a, b].flatMap((node) => node.statuses);
  for (const status of living)
    if (status.state !== 'bound') faults.push(`${status.claim.id} is ${JSON.stringify(status)}`);
  const bound = living.flatMap((status) => (status.state === 'bound' ? [status] : []));
  for (const { allocationId, privateIp, eni, claim } of bound) {
    const eip = region.eips().find((other) => other.allocationId === allocationId);
    if (eip?.association?.privateIp !== privateIp || eip.association.eni !== eni)
      faults.push(`${claim.id}: EC2 says ${JSON.stringify(eip)}`);
    const missing = Object.entries(claim.tags).filter(([key, value]) => eip?.tags[key] !== value);
    if (missing.length > 0) faults.push(`${claim.id}: tags ${JSON.stringify(missing)} are missing`);
  }
  const pods = new Set([...a.pods, ...b.pods].map(({ name }) => name));
  for (const name of pods)
    if (!bound.some(({ claim }) => claim.owner.name === name)) faults.push(`${name} has no EIP (${mode.name})`);
  const used = new Set(bound.map(({ allocationId }) => allocationId));
  const known = new Set([...strangers, ...(prepared ? [prepared] : [])].map(({ allocationId }) => allocationId));
  for (const eip of region.eips()) {
    if (used.has(eip.allocationId) || strangers.some(({ allocationId }) => allocationId === eip.allocationId)) continue;
    if (!known.has(eip.allocationId)) faults.push(`leaked ${describe(eip)}`);
    else if (eip.association) faults.push(`still associated ${describe(eip)}`);
    else if (Object.keys(eip.tags).some((key) => /eni-agent|aws-samples/.test(key)))
      faults.push(`still tagged ${describe(eip)}`);
  }
  const now = JSON.stringify(strangers.map(({ allocationId }) => region.eip(allocationId)));
  if (now !== untouched) faults.push(`a stranger's EIP changed: ${now}`);
  return faults;
}

function describe({ allocationId, association, tags }: ElasticIp): string {
  return `${allocationId} ${association?.privateIp ?? 'free'} ${JSON.stringify(tags)}`;
}
