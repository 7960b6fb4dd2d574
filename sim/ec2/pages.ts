import { Ec2Fault, invalidCombination, invalidValue } from './ec2-fault.ts';

export interface PageRequest {
  readonly maxResults?: number | undefined;
  readonly nextToken?: string | undefined;
}

export interface Page<T> {
  readonly items: readonly T[];
  /** Absent on the last page. */
  readonly nextToken: string | undefined;
}

export interface PageRule<T> {
  /** The range of MaxResults. */
  readonly range: readonly [least: number, most: number];
  /** Position in the order of creation, which deletions leave alone. */
  readonly sequenceOf: (item: T) => number;
  /** Cut first and filter then: pages may be short or empty. */
  readonly shortPages: boolean;
}

/**
 * Cuts one page out of `items`, which are in order of creation. (facts §1.0)
 * @throws {Ec2Fault} InvalidParameterValue, InvalidNextToken
 */
export function page<T>(
  items: readonly T[],
  matches: (item: T) => boolean,
  request: PageRequest,
  rule: PageRule<T>,
): Page<T> {
  const after = request.nextToken === undefined ? 0 : readToken(request.nextToken);
  const rest = items.filter((item) => rule.sequenceOf(item) > after);
  const limit = request.maxResults === undefined ? Number.POSITIVE_INFINITY : inRange(request.maxResults, rule.range);
  const candidates = rule.shortPages ? rest : rest.filter(matches);
  const cut = candidates.slice(0, limit);
  const last = cut.at(-1);
  const more = candidates.length > cut.length && last !== undefined;
  return { items: cut.filter(matches), nextToken: more ? writeToken(rule.sequenceOf(last)) : undefined };
}

/** @throws {Ec2Fault} InvalidParameterCombination when ids and a page size are given together */
export function assertIdsOrPages(ids: readonly string[], request: PageRequest, parameter: string): void {
  if (ids.length > 0 && request.maxResults !== undefined) {
    throw invalidCombination(`The parameter ${parameter} cannot be used with the parameter maxResults`);
  }
}

/** The resources that a describe names, or all; an unknown id fails the whole call. */
export function named<T>(
  ids: readonly string[],
  find: (id: string) => T | undefined,
  missing: (id: string) => Ec2Fault,
  all: () => T[],
): T[] {
  if (ids.length === 0) return all();
  return [...new Set(ids)].map((id) => {
    const resource = find(id);
    if (resource === undefined) throw missing(id);
    return resource;
  });
}

function inRange(maxResults: number, [least, most]: readonly [number, number]): number {
  if (!Number.isSafeInteger(maxResults) || maxResults < least || maxResults > most) {
    throw invalidValue(
      `Value ( ${maxResults} ) for parameter maxResults is invalid. Expecting a value between ${least} and ${most}.`,
    );
  }
  return maxResults;
}

function writeToken(sequence: number): string {
  return Buffer.from(`after:${sequence}`).toString('base64url');
}

function readToken(token: string): number {
  const match = /^after:(\d+)$/.exec(Buffer.from(token, 'base64url').toString());
  if (match === null) throw new Ec2Fault('InvalidNextToken', 'The token is invalid.');
  return Number(match[1]);
}
