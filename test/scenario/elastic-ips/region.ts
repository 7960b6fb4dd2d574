import type { ElasticIpApi } from '../../../lib/ec2/elastic-ip-api.ts';
import { translateError } from '../../../lib/ec2/errors.ts';
import type { ElasticIp } from '../../../lib/model/elastic-ips/elastic-ip.ts';
import { type Eni, type EniAddress, type EniId, mac } from '../../../lib/model/eni.ts';
import type { IpAddress } from '../../../lib/model/ip.ts';
import type { NetworkInterface } from '../../../lib/model/network-interface.ts';
import type { Clock } from '../../../lib/runtime/clock.ts';
import { Cloud } from '../../../sim/ec2/cloud.ts';
import { Ec2Fault } from '../../../sim/ec2/ec2-fault.ts';

/** One call as it arrived at EC2. */
export interface EipCall {
  readonly node: string;
  readonly action: string;
  readonly at: number;
  /** `ok`, the code of EC2's refusal, or the injected fault. */
  outcome: string;
}

/** `lost-request` never arrived, `lost-reply` was done; in both cases the caller cannot know. A text with a capital is EC2's error code. */
export type Fault = 'lost-request' | 'lost-reply' | `code:${string}`;

export const LATENCY_MS = 50;

/**
 * One account and region: the simulator's rules of EC2 in process and on a virtual clock, with a log of calls and faults by choice.
 * Errors pass through the adapter's own translation.
 */
export class Region {
  readonly cloud: Cloud;
  readonly calls: EipCall[] = [];
  /** Asked for every call as it arrives. */
  faults: (call: EipCall) => Fault | undefined = () => undefined;
  /** Told of every call when its effect is there and its reply has not left. */
  done: (call: EipCall) => void = () => undefined;
  /** From call to answer, ms. */
  latencyMs = LATENCY_MS;
  readonly #clock: Clock;

  /** @param cloud one that another fake has made, with whatever is in it */
  constructor(clock: Clock, cloud?: Cloud) {
    this.#clock = clock;
    this.cloud = cloud ?? new Cloud({ now: () => clock.now(), knobs: { elasticIpQuota: 50 } });
    if (cloud !== undefined) return;
    const vpc = this.cloud.addVpc({ id: 'vpc-1', cidr: '10.0.0.0/16' });
    this.cloud.addSubnet({ id: 'subnet-1', vpcId: vpc.id, cidr: '10.0.0.0/18' });
    this.cloud.addPool({ id: 'ipv4pool-ec2-1', cidr: '203.0.113.0/28' });
  }

  /** An instance with its primary ENI and one more, `eni-<node>`. */
  addNode(node: string): void {
    this.cloud.addInstance({ id: `i-${node}`, type: 'm5.24xlarge', subnetId: 'subnet-1' });
    this.cloud.addInterface({ id: eniOf(node), subnetId: 'subnet-1', instanceId: `i-${node}`, deviceIndex: 1 });
  }

  assign(eni: EniId, address: string): void {
    this.cloud.assignPrivateIpAddresses({
      networkInterfaceId: eni,
      privateIpAddresses: [address],
      allowReassignment: true,
    });
  }

  unassign(eni: EniId, address: string): void {
    if (this.cloud.state.holderOf('subnet-1', address as IpAddress) !== eni) return;
    this.cloud.unassignPrivateIpAddresses({ networkInterfaceId: eni, privateIpAddresses: [address] });
  }

  /** An EIP that somebody prepared. */
  prepare(tags: Readonly<Record<string, string>>): ElasticIp {
    const { allocationId } = this.cloud.allocateAddress({
      tagSpecifications: [
        { resourceType: 'elastic-ip', tags: Object.entries(tags).map(([key, value]) => ({ key, value })) },
      ],
    });
    return this.eip(allocationId);
  }

  associate(allocationId: string, eni: EniId, privateIpAddress: string): void {
    this.cloud.associateAddress({ allocationId, networkInterfaceId: eni, privateIpAddress, allowReassociation: true });
  }

  /** All EIPs as they are now, beyond all lag. */
  eips(moment = this.#clock.now()): ElasticIp[] {
    return this.cloud.state.elasticIps.all(moment).map(({ association, tags, serviceManaged, ...eip }) => ({
      allocationId: eip.allocationId,
      publicIp: eip.publicIp,
      pool: eip.pool,
      tags: Object.fromEntries(tags),
      serviceManaged: serviceManaged !== undefined,
      association: association && {
        associationId: association.id,
        eni: association.networkInterfaceId,
        privateIp: association.privateIp,
      },
    }));
  }

  eip(allocationId: string): ElasticIp {
    const found = this.eips().find((eip) => eip.allocationId === allocationId);
    if (found === undefined) throw new Error(`${allocationId} is gone`);
    return found;
  }

  /** The public address of a private one. */
  publicIpOf(address: string): IpAddress | undefined {
    return this.eips().find(({ association }) => association?.privateIp === address)?.publicIp;
  }

  writes(): EipCall[] {
    return this.calls.filter(({ action }) => !action.startsWith('Describe'));
  }

  reads(): EipCall[] {
    return this.calls.filter(({ action }) => action.startsWith('Describe'));
  }

  actions(): string[] {
    return this.writes().map(({ action }) => action);
  }

  enisOf(node: string): Eni[] {
    const { state } = this.cloud;
    return state.interfacesOf(`i-${node}`, state.describeMoment()).map((eni) => ({
      id: eni.id,
      mac: mac(eni.mac),
      deviceIndex: eni.attachment?.deviceIndex ?? 0,
      networkCard: 0,
      description: eni.description,
      interfaceType: eni.interfaceType,
      requesterManaged: eni.requesterManaged,
      tags: Object.fromEntries(eni.tags),
      subnetId: eni.subnetId,
      vpcId: eni.vpcId,
      cidrs: [state.requireSubnet(eni.subnetId).cidr],
      addresses: eni.addresses.map(({ ip, primary, allocationId }): EniAddress => {
        const eip = allocationId === undefined ? undefined : state.elasticIps.get(allocationId);
        return { ip, primary, ...(eip && { association: { publicIp: eip.publicIp, allocationId: eip.allocationId } }) };
      }),
      prefixes: eni.ipv4Prefixes,
      limits: { ipv4: 50, ipv6: 50 },
    }));
  }

  /** A branch ENI with one address, as the VPC resource controller makes it (FACTS §13). */
  addBranch(id: EniId, trunk: EniId, address: string): void {
    this.cloud.addInterface({
      id,
      subnetId: 'subnet-1',
      privateIp: address,
      interfaceType: 'branch',
      description: 'aws-k8s-branch-eni',
      tags: { 'vpcresources.k8s.aws/trunk-eni-id': trunk, 'vpcresources.k8s.aws/vlan-id': '1' },
    });
  }

  /** DescribeNetworkInterfaces by ids; what does not exist is not among them. */
  async describeInterfaces(ids: readonly EniId[]): Promise<NetworkInterface[]> {
    this.calls.push({ node: '', action: 'DescribeNetworkInterfaces', at: this.#clock.now(), outcome: 'ok' });
    await this.#clock.sleep(this.latencyMs, new AbortController().signal);
    const { state } = this.cloud;
    return state
      .allInterfaces(state.describeMoment())
      .filter(({ id }) => ids.includes(id))
      .map((eni) => ({
        id: eni.id,
        mac: mac(eni.mac),
        subnetId: eni.subnetId,
        zone: eni.zone,
        description: eni.description,
        groups: eni.groups,
        addresses: eni.addresses.map(({ ip, primary }) => ({ ip, primary })),
        attachment: undefined,
        tags: Object.fromEntries(eni.tags),
        managed: eni.interfaceType !== 'interface',
      }));
  }

  /** EC2 as one node's agent calls it. */
  api(node: string): ElasticIpApi {
    const call = <T>(action: string, act: () => T, signal: AbortSignal) => this.#call({ node, action }, act, signal);
    const accepted = { requestId: 'r' };
    const { cloud } = this;
    return {
      describe: (_query, { signal }) =>
        call('DescribeAddresses', () => this.eips(cloud.state.describeMoment()), signal),
      allocate: ({ pool, tags }, { signal }) =>
        call(
          'AllocateAddress',
          () => {
            const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
            const { allocationId } = cloud.allocateAddress({
              publicIpv4Pool: pool,
              tagSpecifications: [{ resourceType: 'elastic-ip', tags: list }],
            });
            return this.eip(allocationId);
          },
          signal,
        ),
      associate: ({ eni, privateIp, ...rest }, { signal }) =>
        call(
          'AssociateAddress',
          () => {
            const { associationId } = cloud.associateAddress({
              networkInterfaceId: eni,
              privateIpAddress: privateIp,
              ...rest,
            });
            return { ...accepted, associationId: associationId ?? '' };
          },
          signal,
        ),
      disassociate: (associationId, { signal }) =>
        call('DisassociateAddress', () => (cloud.disassociateAddress({ associationId }), accepted), signal),
      release: (allocationId, { signal }) =>
        call('ReleaseAddress', () => (cloud.releaseAddress({ allocationId }), accepted), signal).catch(
          (error: Error & { code?: string }) => {
            if (error.code === 'InvalidAllocationID.NotFound') return accepted;
            throw error;
          },
        ),
      tag: (resources, tags, { signal }) =>
        call(
          'CreateTags',
          () =>
            void cloud.createTags({ resources, tags: Object.entries(tags).map(([key, value]) => ({ key, value })) }),
          signal,
        ),
      untag: (resources, keys, { signal }) =>
        call(
          'DeleteTags',
          () => void cloud.deleteTags({ resources, tags: keys.map((key) => ({ key, value: undefined })) }),
          signal,
        ),
      pools: () => Promise.reject(new Error('not used by the node agent')),
    };
  }

  async #call<T>(about: { node: string; action: string }, act: () => T, signal: AbortSignal): Promise<T> {
    const { action } = about;
    const fail = (thrown: unknown, sent = true) =>
      translateError(thrown, { action, mutating: !action.startsWith('Describe'), sent, addresses: [] });
    const aborted = { name: 'AbortError', message: 'Request aborted' };
    if (signal.aborted) throw fail(aborted, false);
    await this.#clock.sleep(this.latencyMs / 2, signal);
    const call: EipCall = { ...about, at: this.#clock.now(), outcome: 'ok' };
    this.calls.push(call);
    const fault = this.faults(call);
    let answer: { readonly value: T } | { readonly thrown: unknown };
    if (fault === 'lost-request') answer = { thrown: LOST };
    else if (fault?.startsWith('code:')) answer = { thrown: refusal(fault.slice(5), 'injected', 400) };
    else answer = attempt(act);
    if (fault === 'lost-reply') answer = { thrown: LOST };
    if ('thrown' in answer) call.outcome = fault ?? (answer.thrown as { Code?: string }).Code ?? 'fault';
    this.done(call);
    await this.#clock.sleep(this.latencyMs / 2, signal);
    if (signal.aborted) throw fail(aborted);
    if ('thrown' in answer) throw fail(answer.thrown);
    return answer.value;
  }
}

export function eniOf(node: string): EniId {
  return `eni-${node}`;
}

const LOST = { code: 'ECONNRESET', message: 'socket hang up' };

function refusal(code: string, message: string, status: number) {
  return { Code: code, message, $metadata: { httpStatusCode: status, requestId: 'r' } };
}

function attempt<T>(act: () => T): { readonly value: T } | { readonly thrown: unknown } {
  try {
    return { value: act() };
  } catch (error) {
    if (error instanceof Ec2Fault) return { thrown: refusal(error.code, error.message, error.status) };
    throw error;
  }
}
