import type { Option } from './option.ts';
import { Mistake, type ValueType } from './value-type.ts';

/** Options about addresses that VPC route tables lead here; part of the table in options.ts. */
export const ROUTED_IP_OPTIONS = {
  routeTableTag: {
    flag: 'route-table-tag',
    type: tag(),
    commands: ['node', 'plan'],
    default: 'eni-agent.io/routed-ips',
    help: 'tag, as KEY or KEY=VALUE, of the route tables that lead routed IPs here where a pod or FloatingIP names none: tables of the VPC that carry it and are used by a subnet, and those of subnets that carry it',
  },
} as const satisfies Record<string, Option>;

/** `KEY` or `KEY=VALUE` of an EC2 tag. */
function tag(): ValueType<{ readonly key: string; readonly value: string | undefined }> {
  return {
    placeholder: 'KEY[=VALUE]',
    parse: (given) => {
      const [, key, value] = /^([^=]{1,128})(?:=(.{0,256}))?$/.exec(given) ?? [];
      return key === undefined ? new Mistake('is not a tag; write KEY or KEY=VALUE') : { key, value };
    },
  };
}
