import { type FloatingDeclaration, parseFloatingIps } from '../addresses/floating-declaration.ts';
import type { Parsed } from '../pod.ts';
import type { Refusal } from '../refusal.ts';

/** Annotation, on a pod or on a NetworkAttachmentDefinition: addresses that VPC route tables lead to whoever holds them. */
export const ROUTED_IPS = 'eni-agent.io/routed-ips';
/** Annotation beside it: which route tables. Without it: those that carry the configured tag. */
export const ROUTE_TABLES = 'eni-agent.io/route-tables';

/**
 * Route tables of the VPC: one by its id, those with a tag (whatever its value, when `value` is undefined), all of them, or those that
 * carry the tag of `--route-table-tag`, themselves or on a subnet that uses them.
 */
export type TableSelector =
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'tag'; readonly key: string; readonly value: string | undefined }
  | { readonly kind: 'all' }
  | { readonly kind: 'default' };

/** What the two annotations together say. */
export interface RoutedDeclaration {
  readonly addresses: FloatingDeclaration;
  readonly tables: readonly TableSelector[];
}

const DEFAULT_TABLES: readonly TableSelector[] = [{ kind: 'default' }];
/** More faults than this are not reported: one annotation must not fill the log. */
const MAX_REFUSALS = 5;
/** More route tables than this no pod needs, and each of them is looked for in each round. */
const MAX_TABLES = 64;

/**
 * Reads both annotations. Every address has to be named, alone or by its network: there is no `*` here, because nobody else's route may
 * move unasked. Undefined where the first annotation is missing. A bad element is refused by name; the others count.
 */
export function parseRoutedIps(
  addresses: string | undefined,
  tables: string | undefined,
  where: string,
): Parsed<RoutedDeclaration | undefined> {
  if (addresses === undefined) return { value: undefined, refusals: [] };
  const named = parseFloatingIps(addresses, where, ROUTED_IPS);
  const selected = parseTableSelectors(tables, `${ROUTE_TABLES} on ${where}`);
  const all: Refusal = {
    reason: 'InvalidAnnotation',
    message: `${ROUTED_IPS} on ${where}: "*" is not possible here; name the addresses or their CIDR`,
  };
  return {
    value: { addresses: { ...named.value, any: false }, tables: selected.value },
    refusals: [...named.refusals, ...(named.value.any ? [all] : []), ...selected.refusals],
  };
}

/**
 * Reads a comma- or blank-separated list of `rtb-ID`, `tag:KEY`, `tag:KEY=VALUE` or `*` (all tables of the VPC). Nothing written, and
 * nothing else: the default; a list of which nothing can be read selects nothing.
 */
function parseTableSelectors(text: string | undefined, where: string): Parsed<readonly TableSelector[]> {
  const elements = (text ?? '').split(/[\s,]+/).filter((part) => part !== '');
  if (elements.length === 0) return { value: DEFAULT_TABLES, refusals: [] };
  const refusals: Refusal[] = [];
  if (elements.length > MAX_TABLES) {
    const message = `${where}: only the first ${MAX_TABLES} of ${elements.length} elements are read; select tables by a tag`;
    refusals.push({ reason: 'InvalidAnnotation', message });
  }
  const value = elements.slice(0, MAX_TABLES).flatMap((element): TableSelector[] => {
    const selector = parseTableSelector(element);
    if (selector !== undefined) return [selector];
    const shown = JSON.stringify(element.slice(0, 80));
    const message = `${where}: ${shown} names no route table; write rtb-ID, tag:KEY, tag:KEY=VALUE or "*"`;
    if (refusals.length < MAX_REFUSALS) refusals.push({ reason: 'InvalidAnnotation', message });
    return [];
  });
  return { value, refusals };
}

/** One element of such a list; undefined when it names no route table. */
export function parseTableSelector(element: string): TableSelector | undefined {
  if (element === '*') return { kind: 'all' };
  if (/^rtb-[0-9a-z]{1,32}$/.test(element)) return { kind: 'id', id: element };
  const [, key, value] = /^tag:([^=]{1,128})(?:=(.{0,256}))?$/.exec(element) ?? [];
  return key === undefined ? undefined : { kind: 'tag', key, value };
}

/** As a user would write it. */
export function written(selector: TableSelector): string {
  if (selector.kind === 'id') return selector.id;
  if (selector.kind === 'all') return '*';
  if (selector.kind === 'default') return 'the default route tables';
  return selector.value === undefined ? `tag:${selector.key}` : `tag:${selector.key}=${selector.value}`;
}
