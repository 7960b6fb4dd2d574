import { mac } from '../eni.ts';
import type { IpAddress } from '../ip.ts';
import { parseHostCidr, parseIp } from '../ip.ts';
import type { JsonObject } from '../json.ts';
import { isObject, jsonFault, parseJson, shown, textOf } from '../json.ts';
import type { NetworkStatus, Parsed } from '../pod.ts';
import type { Refusal } from '../refusal.ts';

/** Written by Multus in CNI ADD, after all delegates succeeded. */
export const NETWORK_STATUS_KEY = 'k8s.v1.cni.cncf.io/network-status';

/** The deprecated spelling that Multus before 3.7 wrote. Read only when the key above is absent. */
export const OLD_NETWORK_STATUS_KEY = 'k8s.v1.cni.cncf.io/networks-status';

/**
 * Reads the network-status annotation of a pod. Never throws: an entry or address that makes no sense becomes a refusal
 * (`InvalidAnnotation`, naming the key and the fault) and all others are kept. No annotation means no networks.
 *
 * Multus lists bare addresses; a trailing prefix length, as some writers of the annotation add, is accepted and dropped.
 */
export function parseNetworkStatus(annotations: Readonly<Record<string, string>>): Parsed<readonly NetworkStatus[]> {
  const known = parsed.get(annotations);
  if (known !== undefined) return known;
  const fresh = parseFresh(annotations);
  parsed.set(annotations, fresh);
  return fresh;
}

/** Every plan reads every pod's status several times; the annotations of a pod object never change. */
const parsed = new WeakMap<Readonly<Record<string, string>>, Parsed<readonly NetworkStatus[]>>();

function parseFresh(annotations: Readonly<Record<string, string>>): Parsed<readonly NetworkStatus[]> {
  const key = NETWORK_STATUS_KEY in annotations ? NETWORK_STATUS_KEY : OLD_NETWORK_STATUS_KEY;
  const text = annotations[key];
  if (text === undefined || text.trim() === '') return { value: [], refusals: [] };
  const list = parseJson(text);
  if (list === undefined) return { value: [], refusals: [invalid(key, jsonFault(text, 'it is not JSON'))] };
  if (!Array.isArray(list)) return { value: [], refusals: [invalid(key, 'it is not a JSON array')] };

  const value: NetworkStatus[] = [];
  const refusals: Refusal[] = [];
  for (const [index, entry] of list.slice(0, MAX_ENTRIES).entries()) {
    const refuse = (fault: string) => {
      if (refusals.length < MAX_REFUSALS) refusals.push(invalid(key, `entry ${index}: ${fault}`));
    };
    if (isObject(entry)) value.push(networkOf(entry, refuse));
    else refuse('it is not an object');
  }
  if (list.length > MAX_ENTRIES) refusals.push(invalid(key, `only the first ${MAX_ENTRIES} entries are read`));
  return { value, refusals };
}

/** Far above what a pod can have (EC2's largest ENI holds 64 addresses a family): one annotation must not fill log and API server. */
const MAX_ENTRIES = 64;
const MAX_ADDRESSES = 128;
const MAX_REFUSALS = 5;

function networkOf(entry: JsonObject, refuse: (fault: string) => void): NetworkStatus {
  const address = textOf(entry.mac);
  return {
    name: textOf(entry.name) ?? '',
    interface: textOf(entry.interface) ?? '',
    ips: addressesOf(entry.ips, refuse),
    mac: address === undefined ? undefined : mac(address),
    isDefault: entry.default === true,
  };
}

function addressesOf(ips: unknown, refuse: (fault: string) => void): IpAddress[] {
  if (ips === undefined || ips === null) return [];
  if (!Array.isArray(ips)) {
    refuse('"ips" is not an array');
    return [];
  }
  const addresses: IpAddress[] = [];
  if (ips.length > MAX_ADDRESSES) refuse(`only the first ${MAX_ADDRESSES} of ${ips.length} addresses are read`);
  for (const item of ips.slice(0, MAX_ADDRESSES)) {
    const address = typeof item === 'string' ? (parseIp(item) ?? parseHostCidr(item)?.address) : undefined;
    if (address === undefined) refuse(`${shown(item)} is not an IP address`);
    else if (!addresses.includes(address)) addresses.push(address);
  }
  return addresses;
}

function invalid(key: string, fault: string): Refusal {
  return { reason: 'InvalidAnnotation', message: `annotation ${key} could not be understood: ${fault}` };
}
