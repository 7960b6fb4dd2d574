import { type InstanceIdentity, type Mac, mac } from '../model/eni.ts';
import { type Cidr, compareIp, type IpAddress, parseCidr, parseIp } from '../model/ip.ts';
import type { SubnetHint } from './api.ts';
import { regionOfZone } from './identity.ts';
import { ImdsError, type ImdsReader } from './imds-http.ts';

/** One ENI as instance metadata lists it: a hint that may lag behind EC2, or run ahead of it. */
export interface ImdsInterface {
  readonly mac: Mac;
  /** This and the other ids are missing while an ENI is half attached. */
  readonly eniId: string | undefined;
  readonly deviceIndex: number | undefined;
  readonly networkCard: number;
  readonly subnetId: string | undefined;
  readonly vpcId: string | undefined;
  readonly cidrs: readonly Cidr[];
  readonly ipv4s: readonly IpAddress[];
  readonly ipv6s: readonly IpAddress[];
}

/** What EC2 is about to do with a spot instance. */
export interface SpotAction {
  readonly action: string;
  /** ISO 8601. */
  readonly time: string;
}

const META = '/latest/meta-data';
const MACS = `${META}/network/interfaces/macs`;

/**
 * Who this instance is: from the identity document, else from single items (stand-ins often have only those).
 * @throws {ImdsError} when metadata does not answer or does not name the instance id and region.
 */
export async function imdsIdentity(read: ImdsReader, signal: AbortSignal): Promise<InstanceIdentity> {
  const fromDocument = parseDocument(await read('/latest/dynamic/instance-identity/document', signal));
  if (fromDocument !== undefined) return fromDocument;
  const [instanceId, instanceType, region, zone] = await Promise.all([
    read(`${META}/instance-id`, signal),
    read(`${META}/instance-type`, signal),
    read(`${META}/placement/region`, signal),
    read(`${META}/placement/availability-zone`, signal),
  ]);
  const known = region || regionOfZone(zone ?? '');
  if (instanceId && known) return { instanceId, region: known, instanceType: instanceType || undefined };
  throw new ImdsError('instance metadata has neither an identity document nor an instance ID and region');
}

function parseDocument(text: string | undefined): InstanceIdentity | undefined {
  const { instanceId, region, instanceType } = parseObject(text);
  if (typeof instanceId !== 'string' || typeof region !== 'string') return undefined;
  return { instanceId, region, instanceType: typeof instanceType === 'string' ? instanceType : undefined };
}

/** Every ENI that metadata lists, with whatever of it is there yet. Nine requests for each. @throws {ImdsError} */
export async function imdsInterfaces(read: ImdsReader, signal: AbortSignal): Promise<ImdsInterface[]> {
  return Promise.all((await macFolders(read, signal)).map((folder) => readInterface(read, folder, signal)));
}

async function readInterface(read: ImdsReader, folder: string, signal: AbortSignal): Promise<ImdsInterface> {
  const leaf = (name: string) => read(`${MACS}/${folder}/${name}`, signal);
  const [eniId, deviceNumber, card, subnetId, vpcId, ipv4Cidr, ipv6Cidrs, ipv4s, ipv6s] = await Promise.all([
    leaf('interface-id'),
    leaf('device-number'),
    leaf('network-card-index'),
    leaf('subnet-id'),
    leaf('vpc-id'),
    leaf('subnet-ipv4-cidr-block'),
    leaf('subnet-ipv6-cidr-blocks'),
    leaf('local-ipv4s'),
    leaf('ipv6s'),
  ]);
  return {
    mac: mac(folder),
    eniId: eniId || undefined,
    deviceIndex: number(deviceNumber),
    networkCard: number(card) ?? 0,
    subnetId: subnetId || undefined,
    vpcId: vpcId || undefined,
    cidrs: [...lines(ipv4Cidr), ...lines(ipv6Cidrs)].map(parseCidr).filter((network) => network !== undefined),
    ipv4s: addresses(ipv4s),
    ipv6s: addresses(ipv6s),
  };
}

/**
 * Addresses by MAC, sorted, so that equal answers have equal JSON: the cheap local hint that something changed and a describe
 * is due. Two requests for each ENI and one. @throws {ImdsError}
 */
export async function imdsAddresses(
  read: ImdsReader,
  signal: AbortSignal,
): Promise<ReadonlyMap<Mac, readonly IpAddress[]>> {
  const folders = (await macFolders(read, signal)).sort();
  const entries = folders.map(async (folder): Promise<[Mac, IpAddress[]]> => {
    const leaf = (name: string) => read(`${MACS}/${folder}/${name}`, signal);
    const [ipv4s, ipv6s] = await Promise.all([leaf('local-ipv4s'), leaf('ipv6s')]);
    return [mac(folder), [...addresses(ipv4s), ...addresses(ipv6s)].sort(compareIp)];
  });
  return new Map(await Promise.all(entries));
}

/** One text for all of {@link imdsAddresses}: unchanged text means that metadata has nothing new. */
export function fingerprint(addressesByMac: ReadonlyMap<Mac, readonly IpAddress[]>): string {
  return JSON.stringify([...addressesByMac]);
}

/** The announced interruption of a spot instance, if any. @throws {ImdsError} */
export async function imdsSpotAction(read: ImdsReader, signal: AbortSignal): Promise<SpotAction | undefined> {
  const { action, time } = parseObject(await read(`${META}/spot/instance-action`, signal));
  return typeof action === 'string' && typeof time === 'string' ? { action, time } : undefined;
}

/** What is known of the subnets of completely attached ENIs. */
export function subnetHints(interfaces: readonly ImdsInterface[]): SubnetHint[] {
  return interfaces.flatMap(({ subnetId, cidrs }) =>
    subnetId === undefined || cidrs.length === 0 ? [] : [{ subnetId, cidrs }],
  );
}

/** Folder names under `macs/`, without their final slash. */
async function macFolders(read: ImdsReader, signal: AbortSignal): Promise<string[]> {
  return lines(await read(`${MACS}/`, signal)).map((line) => line.replace(/\/$/, ''));
}

function lines(text: string | undefined): string[] {
  return (text ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function addresses(text: string | undefined): IpAddress[] {
  return lines(text)
    .map(parseIp)
    .filter((address) => address !== undefined);
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

function parseObject(text: string | undefined): Partial<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
