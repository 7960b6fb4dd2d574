import type { EipSource, EipTarget } from '../model/elastic-ips/claim.ts';
import { AMAZON_POOL } from '../model/elastic-ips/elastic-ip.ts';
import { familyOf, isGlobalUnicast, parseIp } from '../model/ip.ts';
import { faultOfTagKey, isPlain, MAX_TAG_VALUE } from './tag-limits.ts';
import { PRIMARY_INTERFACE, targetText } from './target.ts';

/** One element of the list: which EIP on which address of the pod. */
export interface EipElement {
  readonly target: EipTarget;
  readonly source: EipSource;
}

export interface ParsedElements {
  readonly elements: readonly EipElement[];
  /** What is wrong with an element, and the fix; the others count. */
  readonly faults: readonly { readonly element: string; readonly fault: string }[];
}

/** More addresses than this no pod has: an ENI holds 64 at most. Bounds what a mistake can make of messages. */
export const MAX_ELEMENTS = 64;

/**
 * Reads a comma-separated list of EIPs. Never throws. Blanks around elements, targets, tag keys and values do not count.
 *
 *     element   = [ target "=" ] source
 *     target    = interface name (1 to 15 letters, digits, "_", ".", "-"; eth0 is the primary address) | IPv4 address
 *     source    = "auto" | "auto:" pool | "tag:" key | "tag:" key "=" value | allocation id
 *
 * An element that begins with `tag:` has no target, because neither interface names nor IPv4 addresses have a colon. A tag's key
 * ends at its first `=`. Neither key nor value can hold a comma.
 */
export function parseElements(text: string): ParsedElements {
  const all = text.split(',').map((element) => element.trim());
  const written = all.filter((element) => element !== '');
  const elements: EipElement[] = [];
  const faults: { element: string; fault: string }[] = [];
  for (const element of written.slice(0, MAX_ELEMENTS)) {
    const parsed = parseElement(element);
    const fault = typeof parsed === 'string' ? parsed : rivalryOf(parsed, elements);
    if (fault !== undefined) faults.push({ element, fault });
    else if (typeof parsed === 'object') elements.push(parsed);
  }
  const [beyond] = written.slice(MAX_ELEMENTS);
  if (beyond !== undefined) {
    faults.push({ element: beyond, fault: `from here on ignored: more than ${MAX_ELEMENTS} elements` });
  }
  return { elements, faults };
}

/** The text that {@link parseElements} reads as these elements. */
export function printElements(elements: readonly EipElement[]): string {
  return elements
    .map(({ target, source }) =>
      target.kind === 'primary' ? printSource(source) : `${targetText(target)}=${printSource(source)}`,
    )
    .join(', ');
}

/** Canonical text of a source. */
export function printSource(source: EipSource): string {
  switch (source.kind) {
    case 'allocate':
      return source.pool === AMAZON_POOL ? 'auto' : `auto:${source.pool}`;
    case 'tagged':
      return source.value === undefined ? `tag:${source.key}` : `tag:${source.key}=${source.value}`;
    case 'fixed':
      return source.allocationId;
  }
}

/** The element, or what is wrong with it. */
function parseElement(element: string): EipElement | string {
  const end = element.startsWith('tag:') ? -1 : element.indexOf('=');
  const target = end === -1 ? ({ kind: 'primary' } as const) : parseTarget(element.slice(0, end).trim());
  if (typeof target === 'string') return target;
  const source = parseSource(element.slice(end + 1).trim());
  return typeof source === 'string' ? source : { target, source };
}

function parseTarget(text: string): EipTarget | string {
  const address = parseIp(text);
  if (address !== undefined && familyOf(address) === 6) return 'Elastic IPs exist for IPv4 only; name an IPv4 address';
  if (address !== undefined) {
    return isGlobalUnicast(address) ? { kind: 'address', address } : `${text} is not an address that a VPC can route`;
  }
  if (/^[\d.]+$/.test(text))
    return 'the target is not an IPv4 address; write four numbers up to 255 without leading zeros';
  if (text === PRIMARY_INTERFACE) return { kind: 'primary' };
  if (/^\w[\w.-]{0,14}$/.test(text)) return { kind: 'interface', name: text };
  return 'what stands before "=" must be the name of an interface (net1) or an IPv4 address';
}

function parseSource(text: string): EipSource | string {
  if (text === 'auto') return { kind: 'allocate', pool: AMAZON_POOL };
  if (text.startsWith('auto:')) return parsePool(text.slice('auto:'.length).trim());
  if (text.startsWith('tag:')) return parseTag(text.slice('tag:'.length));
  if (/^eipalloc-[0-9a-z]{1,32}$/.test(text)) return { kind: 'fixed', allocationId: text };
  return 'it names no Elastic IP; write auto, auto:POOL, tag:KEY, tag:KEY=VALUE or eipalloc-ID, and TARGET= in front of it for another address than the primary';
}

function parsePool(pool: string): EipSource | string {
  return /^[\w-]{1,128}$/.test(pool)
    ? { kind: 'allocate', pool }
    : 'no pool stands after "auto:"; write auto for an address of Amazon\'s, or the id of your pool (auto:ipv4pool-ec2-ID)';
}

function parseTag(text: string): EipSource | string {
  const end = text.indexOf('=');
  const key = (end === -1 ? text : text.slice(0, end)).trim();
  const value = end === -1 ? undefined : text.slice(end + 1).trim();
  const source = { kind: 'tagged', key, value } as const;
  return faultOfTagKey(key) ?? faultOfTagText(printSource(source)) ?? source;
}

/** The source itself becomes the value of one of our tags. */
function faultOfTagText(text: string): string | undefined {
  if (text.length > MAX_TAG_VALUE)
    return `it is longer than ${MAX_TAG_VALUE} characters, what the tag of an Elastic IP holds`;
  return isPlain(text) ? undefined : 'the tag value has control characters';
}

function rivalryOf({ target, source }: EipElement, earlier: readonly EipElement[]): string | undefined {
  const text = targetText(target);
  if (earlier.some((other) => targetText(other.target) === text)) {
    const name = target.kind === 'primary' ? 'the primary address' : text;
    return `an earlier element gives ${name} an Elastic IP, and an address can have only one`;
  }
  const isSame = (other: EipElement) =>
    source.kind === 'fixed' && other.source.kind === 'fixed' && other.source.allocationId === source.allocationId;
  const rival = earlier.find(isSame);
  return rival && `an earlier element has the same Elastic IP on ${targetText(rival.target)}; name another one`;
}
