import type { PlanAnswers } from './plan-answers.ts';
import type { PlanSources } from './plan-sources.ts';
import { unless } from './readiness.ts';

/** What is known so far of what a plan rests on. */
export interface Known {
  readonly answers: Pick<PlanAnswers, 'identity' | 'enis' | 'addresses' | 'elasticIps' | 'routes'>;
  readonly pods: Pick<PlanSources['pods'], 'synced'>;
  readonly observers: Pick<PlanSources['observers'], 'faults'>;
  readonly clusterName: string | undefined;
}

/** What `eni-agent plan` looks at: each question says what it waits for, and nothing once it is answered. */
const QUESTIONS: Readonly<Record<string, (known: Known) => readonly string[]>> = {
  pods: ({ pods }) => unless(pods.synced, 'the pods of this node (API server)'),
  instance: ({ answers: { identity } }) =>
    unless(identity.value !== undefined, 'the EC2 instance of this node (instance metadata, Node object)'),
  enis: ({ answers: { enis } }) =>
    unless(enis.value?.describedAt !== undefined, `the ENIs of this node (${ec2Of(enis)})`),
  interfaces: ({ observers }) => observers.faults(),
  // Without the name of a cluster, no Elastic IP is this agent's.
  elasticIps: ({ answers: { elasticIps }, clusterName }) =>
    unless(clusterName === undefined || elasticIps.value !== undefined, 'the Elastic IPs of the cluster (EC2)'),
  // Asked once the addresses of pods are known.
  routes: ({ answers: { addresses, routes } }) =>
    unless(addresses.value === undefined || routes.value !== undefined, 'the route tables of the VPC (EC2)'),
};

/** The answers that are still missing, in the order of the questions. */
export function missingAnswers(known: Known): readonly string[] {
  return Object.values(QUESTIONS).flatMap((question) => question(known));
}

function ec2Of({ value }: Known['answers']['enis']): string {
  return value?.lastError === undefined ? 'EC2' : `EC2: ${value.lastError.message}`;
}
