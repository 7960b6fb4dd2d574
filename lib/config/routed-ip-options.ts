import { type Cidr, hostPrefixLength, parseCidr, parseIp } from '../model/ip.ts';
import { parseTableSelector, type TableSelector } from '../model/routed-ips/declaration.ts';
import type { Option } from './option.ts';
import { listOf, Mistake, text, toggle, type ValueType } from './value-type.ts';

const IN_POD = ['init', 'sidecar'] as const;

/** Options about addresses that VPC route tables lead here; part of the table in options.ts. */
export const ROUTED_IP_OPTIONS = {
  routeTableTag: {
    flag: 'route-table-tag',
    type: tag(),
    commands: ['node', 'plan', 'doctor'],
    default: 'eni-agent.io/routed-ips',
    help: 'tag, as KEY or KEY=VALUE, of the route tables that lead routed IPs here where a pod or FloatingIP names none: tables of the VPC that carry it and are used by a subnet, and those of subnets that carry it',
  },
  routeTables: {
    flag: 'route-tables',
    type: listOf(tableSelector()),
    commands: IN_POD,
    aliases: ['VPCRTTag'],
    help: 'route tables that lead addresses of this pod here: rtb-ID, tag:KEY, tag:KEY=VALUE, or ALL; KEY and KEY=VALUE are tags, too. Without it no route is written',
  },
  routedIps: {
    flag: 'routed-ips',
    type: listOf(addressOrNetwork()),
    commands: IN_POD,
    help: 'addresses and CIDRs of this pod that --route-tables lead here; without it, all that lie outside the subnets of the ENIs',
  },
  useSbr: {
    flag: 'use-sbr',
    type: toggle(),
    commands: IN_POD,
    aliases: ['UseSBR'],
    default: 'false',
    help: "source-based routing in the pod: packets from a routed address leave by its own interface, through the gateway of the ENI's subnet. Needs the capability NET_ADMIN",
  },
  interface1Peers: {
    flag: 'interface1-peers',
    type: listOf(addressOrNetwork()),
    commands: IN_POD,
    aliases: ['Intf1Peers'],
    help: "addresses and networks that the pod reaches by its first Multus interface, through the gateway of the ENI's subnet. Needs the capability NET_ADMIN",
  },
  interface2Peers: {
    flag: 'interface2-peers',
    type: listOf(addressOrNetwork()),
    commands: IN_POD,
    aliases: ['Intf2Peers'],
    help: 'the same for its second Multus interface',
  },
  podStateDir: {
    flag: 'pod-state-dir',
    type: text('DIR'),
    commands: ['sidecar'],
    default: '/dev/shm',
    help: 'folder that lives as long as the pod, not the container: it says after a restart which routes were written already',
  },
} as const satisfies Record<string, Option>;

/** As in `eni-agent.io/route-tables`; a bare tag and `ALL` are the words of AWS's Multi-AZ sample. */
function tableSelector(): ValueType<TableSelector> {
  return {
    placeholder: 'TABLE',
    parse: (given) => {
      const written = given.toUpperCase() === 'ALL' ? '*' : /^(?:rtb-|tag:|\*$)/.test(given) ? given : `tag:${given}`;
      return (
        parseTableSelector(written) ?? new Mistake('is not a route table; write rtb-ID, tag:KEY, tag:KEY=VALUE or ALL')
      );
    },
  };
}

function addressOrNetwork(): ValueType<Cidr> {
  return {
    placeholder: 'ADDRESS|CIDR',
    parse: (given) => {
      const address = parseIp(given);
      const network = address === undefined ? parseCidr(given) : parseCidr(`${address}/${hostPrefixLength(address)}`);
      return network ?? new Mistake('is neither an address nor a CIDR');
    },
  };
}

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
