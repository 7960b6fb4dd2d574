import { type Cidr, compareIp, contains, familyOf, type IpAddress, parseCidr, parseHostCidr, parseIp } from '../ip.ts';
import { isObject, type JsonObject, objectsOf, parseJson, textOf } from '../json.ts';

/** Addresses that an IPAM plugin may hand out: those of `network` from `first` to `last`, but for `excluded`. */
export interface IpamRange {
  readonly network: Cidr | undefined;
  readonly first: IpAddress | undefined;
  readonly last: IpAddress | undefined;
  readonly excluded: readonly Cidr[];
}

/** More ranges than this no attachment has; bounds what a hostile configuration can make of memory. */
const MAX_RANGES = 64;

/** The CNI conf, or the conf list with its plugins, in a cache file or a NetworkAttachmentDefinition: an object, JSON, or that in base64. */
export function confsOf(config: unknown): readonly JsonObject[] {
  const conf = typeof config === 'string' ? (parseJson(config) ?? parseJson(decodeBase64(config))) : config;
  return isObject(conf) ? [conf, ...objectsOf(conf.plugins)] : [];
}

/**
 * What the IPAM plugin of a CNI conf may hand out: whereabouts (`range`, `range_start`, `range_end`, `exclude`, `ipRanges`), host-local
 * (`subnet` or `ranges`, `rangeStart`, `rangeEnd`) and static (`addresses`). Empty where the plugin is another one or makes no sense.
 */
export function ipamRangesOf(config: unknown): readonly IpamRange[] {
  const ranges = confsOf(config).flatMap(({ ipam }) => {
    if (!isObject(ipam)) return [];
    const listed = Array.isArray(ipam['ranges']) ? ipam['ranges'].slice(0, MAX_RANGES).flat() : [];
    const entries = [ipam, ...objectsOf(ipam['ipRanges']), ...objectsOf(listed)];
    return [...entries.flatMap(rangeOf), ...objectsOf(ipam['addresses']).flatMap(staticAddress)];
  });
  return ranges.slice(0, MAX_RANGES);
}

/** True when the plugin may hand the address out. */
export function handsOut({ network, first, last, excluded }: IpamRange, address: IpAddress): boolean {
  const bounds = [first, last].filter((bound) => bound !== undefined);
  return (
    (network === undefined || contains(network, address)) &&
    bounds.every((bound) => familyOf(bound) === familyOf(address)) &&
    (first === undefined || compareIp(first, address) <= 0) &&
    (last === undefined || compareIp(address, last) <= 0) &&
    !excluded.some((each) => contains(each, address))
  );
}

function rangeOf(entry: JsonObject): readonly IpamRange[] {
  const text = textOf(entry['range']) ?? textOf(entry['subnet']);
  if (text === undefined) return [];
  // whereabouts also writes `10.0.0.10-10.0.0.20/24`.
  const [, from, to = ''] = /^([^-]+)-(.+)$/.exec(text) ?? [];
  const address = (key: string) => parseIp(textOf(entry[key]) ?? '');
  const range = {
    network: from === undefined ? parseCidr(text) : undefined,
    first: from === undefined ? (address('range_start') ?? address('rangeStart')) : parseIp(from),
    last:
      from === undefined ? (address('range_end') ?? address('rangeEnd')) : (parseHostCidr(to)?.address ?? parseIp(to)),
    excluded: (Array.isArray(entry['exclude']) ? entry['exclude'] : []).flatMap((each) => {
      const written = textOf(each) ?? '';
      return parseCidr(written) ?? parseCidr(`${written}/${written.includes(':') ? 128 : 32}`) ?? [];
    }),
  };
  return range.network === undefined && (range.first === undefined || range.last === undefined) ? [] : [range];
}

function staticAddress({ address: text }: JsonObject): readonly IpamRange[] {
  const address = parseHostCidr(textOf(text) ?? '')?.address;
  return address === undefined ? [] : [{ network: undefined, first: address, last: address, excluded: [] }];
}

function decodeBase64(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8');
}
