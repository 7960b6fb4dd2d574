import { Ec2Fault } from './ec2-fault.ts';

/** Network limits of an instance type, as DescribeInstanceTypes tells them (facts §1.5). */
export interface InstanceTypeLimits {
  readonly type: string;
  /** Interfaces each network card takes; the sum is the instance's maximum. */
  readonly cards: readonly number[];
  /** Addresses per interface, the primary IPv4 included; a delegated prefix takes one of them. */
  readonly ipv4PerInterface: number;
  readonly ipv6PerInterface: number;
}

type Row = readonly [type: string, cards: readonly number[], addressesPerInterface: number];

const rows: readonly Row[] = [
  ['t3.micro', [2], 2],
  ['t3.small', [3], 4],
  ['t3.medium', [3], 6],
  ['t3.large', [3], 12],
  ['m5.large', [3], 10],
  ['c5.large', [3], 10],
  ['m6i.large', [3], 10],
  ['m7i.large', [3], 10],
  ['m7g.large', [3], 10],
  ['m5.xlarge', [4], 15],
  ['m5.2xlarge', [4], 15],
  ['m5.4xlarge', [8], 30],
  ['m5.8xlarge', [8], 30],
  ['c5.9xlarge', [8], 30],
  ['m6i.8xlarge', [8], 30],
  ['m5.24xlarge', [15], 50],
  ['c5n.18xlarge', [15], 50],
  ['c6in.32xlarge', [8, 8], 50],
  ['p4d.24xlarge', [15, 15, 15, 15], 50],
];

export const instanceTypes: ReadonlyMap<string, InstanceTypeLimits> = new Map(
  rows.map(([type, cards, perInterface]) => [
    type,
    { type, cards, ipv4PerInterface: perInterface, ipv6PerInterface: perInterface },
  ]),
);

/** @throws {Ec2Fault} InvalidInstanceType */
export function limitsOf(type: string): InstanceTypeLimits {
  const limits = instanceTypes.get(type);
  if (limits === undefined) {
    throw new Ec2Fault('InvalidInstanceType', `The following supplied instance types do not exist: [${type}]`);
  }
  return limits;
}

export function interfaceLimit(limits: InstanceTypeLimits): number {
  return limits.cards.reduce((sum, perCard) => sum + perCard, 0);
}
