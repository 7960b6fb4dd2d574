import type { Cidr } from '../ip.ts';

/** A subnet as DescribeSubnets shows it. */
export interface SubnetFacts {
  readonly id: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly cidrs: readonly Cidr[];
  readonly freeAddresses: number;
  readonly tags: Readonly<Record<string, string>>;
}

/** A security group as DescribeSecurityGroups shows it. */
export interface GroupFacts {
  readonly id: string;
  readonly name: string;
  readonly vpcId: string;
  readonly tags: Readonly<Record<string, string>>;
}
