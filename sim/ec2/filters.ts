import { Ec2Fault, invalidValue } from './ec2-fault.ts';
import type { Tags } from './entities.ts';

export interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

/** Absent values match nothing; numbers and flags are compared as EC2 prints them. */
export type FilterValue = string | number | boolean | undefined;

/** Filter name → the values of one resource that the filter looks at. */
export type FilterTable<T> = Readonly<Record<string, (resource: T) => readonly FilterValue[]>>;

/**
 * Makes one test of all filters: different filters must all match, one value of each suffices; `*` and `?` are wildcards,
 * `\` escapes them; case counts. `tag:<key>` and `tag-key` work for everything that has tags. (facts §1.0)
 * @throws {Ec2Fault} InvalidParameterValue for an unknown name, FilterLimitExceeded above 200 values
 */
export function matcher<T extends { readonly tags: Tags }>(
  table: FilterTable<T>,
  filters: readonly Filter[] | undefined,
): (resource: T) => boolean {
  const tests = (filters ?? []).map((filter) => {
    if (filter.values.length > 200) {
      throw new Ec2Fault('FilterLimitExceeded', `The filter '${filter.name}' has more than 200 values`);
    }
    const valuesOf = Object.hasOwn(table, filter.name) ? table[filter.name] : tagFilter(filter.name);
    if (valuesOf === undefined) throw invalidValue(`The filter '${filter.name}' is invalid`);
    const matchesOne = anyOf(filter.values);
    return (resource: T) => valuesOf(resource).some((value) => value !== undefined && matchesOne(String(value)));
  });
  return (resource) => tests.every((test) => test(resource));
}

function tagFilter(name: string): ((resource: { readonly tags: Tags }) => readonly FilterValue[]) | undefined {
  if (name === 'tag-key') return (resource) => [...resource.tags.keys()];
  if (name.startsWith('tag:')) return (resource) => [resource.tags.get(name.slice('tag:'.length))];
  return undefined;
}

function anyOf(patterns: readonly string[]): (value: string) => boolean {
  const literals = new Set(patterns.filter((pattern) => !/[*?\\]/.test(pattern)));
  const wildcards = patterns.filter((pattern) => !literals.has(pattern)).map(toRegExp);
  return (value) => literals.has(value) || wildcards.some((wildcard) => wildcard.test(value));
}

function toRegExp(pattern: string): RegExp {
  const source = pattern.replace(/\\([*?\\])|([*?])|([$()+.[\]\\^{|}])/g, (_, escaped, wildcard, special) => {
    if (wildcard !== undefined) return wildcard === '*' ? '[^]*' : '[^]';
    return `\\${escaped ?? special}`;
  });
  return new RegExp(`^${source}$`);
}
