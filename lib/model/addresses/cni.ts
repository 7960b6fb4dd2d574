import { mac } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import { parseHostCidr, parseIp } from '../ip.ts';
import type { JsonObject } from '../json.ts';
import { integerOf, isObject, jsonFault, objectsOf, parseJson, shown, textOf } from '../json.ts';
import type { Parsed, PodRef } from '../pod.ts';
import type { Refusal } from '../refusal.ts';
import { confsOf, ipamRangesOf } from './ipam-range.ts';
import type { CachedAttachment } from './observation.ts';

/** One interface of one attachment in a libcni result cache file. */
export interface CacheEntry extends CachedAttachment {
  /** The sandbox (pause container) id. A sandbox that was created again has another one. */
  readonly containerId: string;
  /** `name` of the resolved CNI conf, which need not be the NetworkAttachmentDefinition's. */
  readonly networkName: string;
}

/**
 * Reads one file of `<cacheDir>/results` (libcni's `cniCacheV1`). The file's name is not looked at: network names may contain
 * its separator. Never throws.
 *
 * The value is empty without a refusal for a file that is not about a pod (no `K8S_POD_*` arguments). A file or address that makes
 * no sense gives an `InvalidCacheFile` refusal that names the file; the addresses that do make sense are kept.
 * One entry per interface inside the sandbox; others without a sandbox are the host's side and are left out.
 */
export function parseCniCache(file: string, text: string): Parsed<readonly CacheEntry[]> {
  const refusals: Refusal[] = [];
  const refuse = (fault: string) => {
    if (refusals.length < MAX_REFUSALS) refusals.push(invalidCacheFile(file, fault));
  };
  const cache = parseJson(text);
  if (!isObject(cache))
    refuse(cache === undefined ? jsonFault(text, 'it is not complete JSON') : 'it is not a JSON object');
  else if (cache.kind !== undefined && cache.kind !== 'cniCacheV1') refuse(`kind ${shown(cache.kind)} is unknown`);
  if (!isObject(cache) || refusals.length > 0) return { value: [], refusals };
  const pod = podOf(cache.cniArgs);
  if (pod === undefined) return { value: [], refusals };
  return { value: entriesOf(file, pod, cache, refuse), refusals };
}

export function invalidCacheFile(file: string, fault: string): Refusal {
  return { reason: 'InvalidCacheFile', message: `CNI cache file ${file}: ${fault}` };
}

/**
 * The name under which a network namespace is bound (`cni-1d2c…`): the last part of its path. It identifies the namespace when
 * the same folder is mounted at different places (`/var/run/netns` for the runtime, `/run/netns` for us).
 */
export function netnsName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Far above what one attachment has (EC2's largest ENI holds 64 addresses a family): one file must not fill memory and log. */
const MAX_INTERFACES = 64;
const MAX_ADDRESSES = 128;
const MAX_REFUSALS = 5;

interface SandboxInterface {
  readonly name: string;
  readonly index: number | undefined;
  readonly mac: string | undefined;
  readonly sandbox: string | undefined;
}

function entriesOf(file: string, pod: PodRef, cache: JsonObject, refuse: (fault: string) => void): CacheEntry[] {
  const ifName = textOf(cache.ifName) ?? '';
  const result = isObject(cache.result) ? cache.result : {};
  const addresses = resultAddresses(result, refuse);
  const interfaces = sandboxInterfaces(result, ifName);
  const ranges = ipamRangesOf(cache.config);
  return interfaces.map((link, position) => {
    const belongs = (index: number | undefined) => (index === undefined ? position === 0 : index === link.index);
    const netns = textOf(cache.netns) ?? link.sandbox;
    return {
      file,
      pod,
      containerId: textOf(cache.containerId) ?? '',
      networkName: textOf(cache.networkName) ?? '',
      ifName: link.name,
      netns: netns === undefined ? undefined : withoutVar(netns),
      master: masterOf(cache.config),
      ...(ranges.length > 0 && { ipam: ranges }),
      plugin: pluginOf(cache.config),
      mac: link.mac === undefined ? undefined : mac(link.mac),
      addresses: addresses.filter(({ index }) => belongs(index)).map(({ address }) => address),
    };
  });
}

/** The result's interfaces that are in a sandbox; results of CNI 0.2 list none, so the attachment's own name stands in. */
function sandboxInterfaces(result: JsonObject, ifName: string): SandboxInterface[] {
  const listed = Array.isArray(result.interfaces) ? result.interfaces.slice(0, MAX_INTERFACES) : [];
  const inSandbox = listed.flatMap((link: unknown, index): SandboxInterface[] => {
    const sandbox = isObject(link) ? textOf(link.sandbox) : undefined;
    const name = isObject(link) ? textOf(link.name) : undefined;
    // Some plugins name no sandbox; the attachment's own interface is inside all the same.
    if (!isObject(link) || (sandbox === undefined && name !== ifName)) return [];
    return [{ name: name ?? ifName, index, mac: textOf(link.mac), sandbox }];
  });
  return listed.length > 0 ? inSandbox : [{ name: ifName, index: undefined, mac: undefined, sandbox: undefined }];
}

interface ResultAddress {
  readonly address: IpAddress;
  /** Position in `interfaces`; undefined means the attachment's own interface. */
  readonly index: number | undefined;
}

/** `ips[].address` since CNI 0.3; `ip4.ip` and `ip6.ip` in 0.2. */
function resultAddresses(result: JsonObject, refuse: (fault: string) => void): ResultAddress[] {
  const ips = objectsOf(result.ips);
  if (ips.length > MAX_ADDRESSES) refuse(`only the first ${MAX_ADDRESSES} of ${ips.length} addresses are read`);
  const listed = ips.slice(0, MAX_ADDRESSES).map((item) => ({ text: item.address, index: integerOf(item.interface) }));
  const old = [result.ip4, result.ip6].filter(isObject).map((item) => ({ text: item.ip, index: undefined }));
  return [...listed, ...old].flatMap(({ text, index }) => {
    const address = typeof text === 'string' ? (parseHostCidr(text)?.address ?? parseIp(text)) : undefined;
    if (address === undefined) refuse(`${shown(text)} is not an IP address`);
    return address === undefined ? [] : [{ address, index }];
  });
}

/** `cniArgs` is a list of pairs: `[["K8S_POD_NAME","a"], …]`. Older runtimes pass no `K8S_POD_UID`. */
function podOf(cniArgs: unknown): PodRef | undefined {
  if (!Array.isArray(cniArgs)) return undefined;
  const pairs = new Map<unknown, unknown>(cniArgs.filter(Array.isArray).map(([key, value]) => [key, value]));
  const namespace = textOf(pairs.get('K8S_POD_NAMESPACE'));
  const name = textOf(pairs.get('K8S_POD_NAME'));
  if (namespace === undefined || name === undefined) return undefined;
  return { namespace, name, uid: textOf(pairs.get('K8S_POD_UID')) ?? '' };
}

/** The host interface that the attachment sits on: `master` of the conf, or of the first plugin of a list that has one. */
export function masterOf(config: unknown): string | undefined {
  return confsOf(config)
    .map((plugin) => textOf(plugin.master))
    .find((master) => master !== undefined);
}

/** The type of the plugin that makes the interface: that of the conf, or of the first plugin of a list. */
export function pluginOf(config: unknown): string | undefined {
  return confsOf(config)
    .map((plugin) => textOf(plugin.type))
    .find((type) => type !== undefined);
}

/** `/var/run` is a link to `/run` everywhere; one spelling makes paths comparable. */
function withoutVar(path: string): string {
  return path.startsWith('/var/run/') ? path.slice('/var'.length) : path;
}
