import { declares } from '../../model/addresses/floating-declaration.ts';
import type { Eni } from '../../model/eni.ts';
import { protectionOf } from '../../model/eni-protection.ts';
import { ip } from '../../model/ip.ts';
import type { RouteTable } from '../../model/routed-ips/route-table.ts';
import { selectTables } from '../routed-ips/select-tables.ts';
import type { Check, Evidence, PermissionFound, RoutedFound, RoutesFound } from './evidence.ts';
import { unanswered } from './unanswered.ts';

/** The ENIs to which routes may lead. */
export function routableEnis(enis: readonly Eni[], declared: readonly RoutedFound[]): readonly Eni[] {
  const anyEni = declared.some(({ namesInterface }) => namesInterface === true);
  return enis.filter((eni) => anyEni || protectionOf(eni) === undefined);
}

/** What keeps this node's routed addresses from working. One line where none is declared. */
export function diagnoseRoutes(evidence: Evidence): Check[] {
  const { routes: answer, enis } = evidence;
  if (answer.kind !== 'known')
    return [
      unanswered('routed IPs', answer, "allow ec2:DescribeRouteTables and ec2:DescribeSubnets in the agent's IAM role"),
    ];
  const found = answer.value;
  const usable = enis.kind === 'known' ? routableEnis(enis.value, found.declared) : [];
  const facts = { ...found, readIds: new Set(idsOf(found)), policy: found };
  const selections = usable.flatMap((eni) =>
    found.declared.map(({ where, tables }) => ({ where, ...selectTables(tables, eni, facts) })),
  );
  const chosen = new Map(selections.flatMap(({ tables }) => tables.map((table) => [table.id, table])));
  return [
    tables(selections, [...chosen.keys()].toSorted()),
    ...Array.from(found.permissions, ([action, permission]) => permissionCheck(action, permission)),
    ...(chosen.size === 0 ? [] : [blackholes(found, [...chosen.values()])]),
    sourceCheck(evidence, new Set(usable.map(({ id }) => id))),
  ];
}

function idsOf({ declared }: RoutesFound): string[] {
  return declared.flatMap(({ tables }) => tables.flatMap((selector) => (selector.kind === 'id' ? [selector.id] : [])));
}

type Selected = ReturnType<typeof selectTables> & { readonly where: string };

function tables(selections: readonly Selected[], chosen: readonly string[]): Check {
  const name = 'routed IPs: route tables';
  const faults = selections.flatMap(({ where, refusals, refused }) =>
    [...refusals, ...refused.flatMap(({ refusal }) => refusal ?? [])].map(({ message }) => `${where}: ${message}`),
  );
  if (faults.length > 0)
    return {
      name,
      verdict: 'fail',
      finding: [...new Set(faults)].join('; '),
      fix: 'tag the route tables, or name others in eni-agent.io/route-tables or spec.routeTables (docs/routed-ips.md)',
    };
  return { name, verdict: 'pass', finding: chosen.join(', ') };
}

function permissionCheck(action: string, found: PermissionFound): Check {
  const name = `IAM ${action}`;
  if (found === 'allowed') return { name, verdict: 'pass', finding: 'allowed' };
  if (found !== 'denied') return { name, verdict: 'skipped', finding: `EC2 gave no answer to this (${found.unknown})` };
  const fix = `allow ec2:${action} for the route tables in the agent's IAM role; where the role is confined by tag, tag the tables (daemonset/iam/routed-ips.json)`;
  return { name, verdict: 'fail', finding: 'denied', fix };
}

/** Routes of declared addresses on which nobody answers: packets are dropped until a pod adds the address. */
function blackholes({ declared }: RoutesFound, chosen: readonly RouteTable[]): Check {
  const name = 'routed IPs: routes';
  const isOurs = (destination: string) => {
    const address = ip(destination.split('/')[0] ?? '');
    return declared.some(({ addresses }) => declares(addresses, address));
  };
  const routes = chosen.flatMap(({ id, routes }) => routes.map((route) => ({ table: id, ...route })));
  const ours = routes.filter(({ destination }) => isOurs(destination));
  const dead = ours.filter(({ blackhole }) => blackhole);
  if (dead.length === 0) return { name, verdict: 'pass', finding: `${ours.length} to declared addresses, all active` };
  return {
    name,
    verdict: 'warn',
    finding: dead
      .map(
        ({ table, destination, target }) =>
          `${destination} leads to ${target} in ${table}, where nobody is (blackhole)`,
      )
      .join('; '),
    fix: 'start a pod that adds the address: its agent takes the route over at once; or delete the route',
  };
}

function sourceCheck({ sourceChecks: answer }: Evidence, usable: ReadonlySet<string>): Check {
  const name = 'routed IPs: source/destination check';
  if (answer.kind !== 'known') return { ...unanswered(name, answer), verdict: 'skipped' };
  const on = answer.value.filter(({ eni, enabled }) => enabled && usable.has(eni)).map(({ eni }) => eni);
  if (on.length === 0) return { name, verdict: 'pass', finding: 'off on every ENI for pods' };
  return {
    name,
    verdict: 'warn',
    finding: `on for ${on.join(', ')}: a packet to a routed address is dropped there`,
    fix: 'allow ec2:ModifyNetworkInterfaceAttribute, so that the agent turns it off when a pod adds such an address; or turn it off (aws ec2 modify-network-interface-attribute --network-interface-id ENI --no-source-dest-check)',
  };
}
