import type { Eni } from '../../model/eni.ts';
import type { Refusal } from '../../model/refusal.ts';
import { type TableSelector, written } from '../../model/routed-ips/declaration.ts';
import type { RouteSnapshot, TableStatus } from '../../model/routed-ips/route-plan.ts';
import type { RouteTable } from '../../model/routed-ips/route-table.ts';

/** The tables that selectors choose for one ENI. */
export interface Selection {
  readonly tables: readonly RouteTable[];
  /** Tables that are named but cannot be written. */
  readonly refused: readonly TableStatus[];
  /** Selectors that choose nothing. */
  readonly refusals: readonly Refusal[];
  /** False while something named has not been looked for. */
  readonly complete: boolean;
}

type Facts = Pick<RouteSnapshot, 'tables' | 'subnets' | 'readIds'> & {
  readonly policy: Pick<RouteSnapshot['policy'], 'defaultTag'>;
};

/** Tables of the ENI's VPC by id, by tag, all, or the default; each once, in the order of their ids. */
export function selectTables(selectors: readonly TableSelector[], eni: Eni, facts: Facts): Selection {
  const { tables: all = [], readIds } = facts;
  const here = all.filter(({ vpcId }) => vpcId === eni.vpcId);
  const chosen = new Map<string, RouteTable>();
  const refused: TableStatus[] = [];
  const refusals: Refusal[] = [];
  let complete = facts.tables !== undefined;
  for (const selector of selectors) {
    const found = matching(selector, selector.kind === 'id' ? all : here, facts);
    for (const table of found)
      if (table.vpcId === eni.vpcId) chosen.set(table.id, table);
      else refused.push(ofOtherVpc(table, eni));
    if (found.length > 0 || !complete) continue;
    if (selector.kind !== 'id') refusals.push(nothingMatches(selector, eni, facts));
    else if (readIds.has(selector.id)) refused.push(gone(selector.id));
    else complete = false;
  }
  const tables = [...chosen.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { tables, refused, refusals, complete };
}

function matching(selector: TableSelector, tables: readonly RouteTable[], facts: Facts): readonly RouteTable[] {
  if (selector.kind === 'id') return tables.filter(({ id }) => id === selector.id);
  if (selector.kind === 'all') return tables;
  if (selector.kind === 'tag') return tables.filter(({ tags }) => carriesTag(tags, selector));
  const { defaultTag } = facts.policy;
  const tagged = facts.subnets.filter(({ tags }) => carriesTag(tags, defaultTag)).map(({ id }) => id);
  const associated = new Set(tables.flatMap(({ subnetIds }) => subnetIds));
  return tables.filter(
    ({ tags, subnetIds, main }) =>
      (carriesTag(tags, defaultTag) && (main || subnetIds.length > 0)) ||
      tagged.some((id) => subnetIds.includes(id) || (main && !associated.has(id))),
  );
}

function carriesTag(
  tags: Readonly<Record<string, string>>,
  { key, value }: { readonly key: string; readonly value: string | undefined },
): boolean {
  return Object.hasOwn(tags, key) && (value === undefined || tags[key] === value);
}

function nothingMatches(selector: TableSelector, eni: Eni, { policy: { defaultTag } }: Facts): Refusal {
  const tag = defaultTag.value === undefined ? defaultTag.key : `${defaultTag.key}=${defaultTag.value}`;
  const message =
    selector.kind === 'default'
      ? `no route table of ${eni.vpcId} with a subnet carries the tag ${tag}, nor does a subnet; tag them, or name tables in eni-agent.io/route-tables`
      : `no route table of ${eni.vpcId} matches ${written(selector)}; correct the selector or tag the table`;
  return { reason: 'RouteTableNotFound', message };
}

function ofOtherVpc({ id, vpcId }: RouteTable, eni: Eni): TableStatus {
  const message = `${id} belongs to ${vpcId}, ${eni.id} to ${eni.vpcId}: a route leads to an ENI of its own VPC only; name a table of ${eni.vpcId}`;
  return { table: id, state: 'refused', refusal: { reason: 'RouteTableOfOtherVpc', message } };
}

function gone(id: string): TableStatus {
  const message = `${id} does not exist (any more) in this account and region; name another table`;
  return { table: id, state: 'refused', refusal: { reason: 'RouteTableNotFound', message } };
}
