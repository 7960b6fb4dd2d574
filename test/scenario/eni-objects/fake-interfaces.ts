import { translateError } from '../../../lib/ec2/errors.ts';
import type { InterfaceApi } from '../../../lib/ec2/interface-api.ts';
import { toInstanceLimits, toInterface, toRoom } from '../../../lib/ec2/interfaces-convert.ts';
import { Ec2Error } from '../../../lib/model/ec2-error.ts';
import { ip } from '../../../lib/model/ip.ts';
import type { NetworkInterface } from '../../../lib/model/network-interface.ts';
import type { Clock } from '../../../lib/runtime/clock.ts';
import type { Cloud } from '../../../sim/ec2/cloud.ts';
import { Ec2Fault } from '../../../sim/ec2/ec2-fault.ts';

export interface InterfaceCall {
  readonly action: string;
  readonly at: number;
}

/** `lost-reply` done, and the caller cannot know; `lost-request` never arrived; `throttle` refused for now. */
export type InterfaceFault = 'lost-reply' | 'lost-request' | 'throttle';

/** `InterfaceApi` on the simulator's rules, in process and on a virtual clock, with a log of calls and faults by choice. */
export class FakeInterfaces implements InterfaceApi {
  readonly calls: InterfaceCall[] = [];
  /** Asked for every call as it arrives. */
  faults: (call: InterfaceCall, nth: number) => InterfaceFault | undefined = () => undefined;
  readonly #cloud: Cloud;
  readonly #clock: Clock;

  constructor(cloud: Cloud, clock: Clock) {
    this.#cloud = cloud;
    this.#clock = clock;
  }

  describe: InterfaceApi['describe'] = ({ ids, tags, tagKeys }, { signal }) =>
    this.#call('DescribeNetworkInterfaces', signal, () =>
      this.#all()
        .filter((facts) => ids === undefined || ids.includes(facts.id))
        .filter((facts) => tagKeys === undefined || tagKeys.some((key) => key in facts.tags))
        .filter((facts) => Object.entries(tags ?? {}).every(([key, value]) => facts.tags[key] === value)),
    );

  room: InterfaceApi['room'] = (instanceId, { signal }) =>
    this.#call('DescribeInstances', signal, () => {
      const [reservation] = this.#cloud.describeInstances({
        filters: [{ name: 'instance-id', values: [instanceId] }],
      }).reservationSet;
      const instance = reservation && capitalised(reservation.instancesSet[0]);
      if (instance === undefined || instance['InstanceState'].Name === 'terminated') return undefined;
      const [type] = this.#cloud.describeInstanceTypes({ instanceTypes: [instance['InstanceType']] }).instanceTypeSet;
      return toRoom(
        { ...instance, State: instance['InstanceState'], NetworkInterfaces: instance['NetworkInterfaceSet'] },
        toInstanceLimits(capitalised(type)),
      );
    });

  rooms: InterfaceApi['rooms'] = async (instanceIds, options) => {
    const found = await Promise.all(instanceIds.map(async (id) => [id, await this.room(id, options)] as const));
    return new Map(found.flatMap(([id, room]) => (room === undefined ? [] : [[id, room]])));
  };

  create: InterfaceApi['create'] = (request, { signal }) =>
    this.#call('CreateNetworkInterface', signal, () => {
      const { subnetId, description, securityGroups, secondaryAddresses, clientToken } = request;
      const tags = Object.entries(request.tags).map(([key, value]) => ({ key, value }));
      const { networkInterface } = this.#cloud.createNetworkInterface({
        subnetId,
        description,
        clientToken,
        groups: securityGroups.length > 0 ? securityGroups : undefined,
        secondaryPrivateIpAddressCount: secondaryAddresses,
        tagSpecifications: [{ resourceType: 'network-interface', tags }],
      });
      return factsOf(networkInterface);
    });

  attach: InterfaceApi['attach'] = ({ eni, instanceId, deviceIndex, networkCard }, { signal }) =>
    this.#call('AttachNetworkInterface', signal, () => {
      const place = { instanceId, deviceIndex, networkCardIndex: networkCard };
      const { attachmentId } = this.#cloud.attachNetworkInterface({ networkInterfaceId: eni, ...place });
      return { attachmentId, requestId: undefined };
    });

  detach: InterfaceApi['detach'] = (attachmentId, { signal }) =>
    this.#write('DetachNetworkInterface', signal, () => this.#cloud.detachNetworkInterface({ attachmentId }));

  delete: InterfaceApi['delete'] = (networkInterfaceId, { signal }) =>
    this.#write('DeleteNetworkInterface', signal, () => this.#cloud.deleteNetworkInterface({ networkInterfaceId }));

  modify: InterfaceApi['modify'] = (networkInterfaceId, change, { signal }) =>
    this.#write('ModifyNetworkInterfaceAttribute', signal, () =>
      this.#cloud.modifyNetworkInterfaceAttribute({
        networkInterfaceId,
        ...(change.kind === 'description' && { description: change.description }),
        ...(change.kind === 'security-groups' && { groups: change.securityGroups }),
      }),
    );

  assignCount: InterfaceApi['assignCount'] = (networkInterfaceId, count, { signal }) =>
    this.#call('AssignPrivateIpAddresses', signal, () => {
      const request = { networkInterfaceId, secondaryPrivateIpAddressCount: count };
      const { assignedPrivateIpAddressesSet } = this.#cloud.assignPrivateIpAddresses(request);
      return assignedPrivateIpAddressesSet.map(({ privateIpAddress }) => ip(privateIpAddress));
    });

  unassign: InterfaceApi['unassign'] = (networkInterfaceId, privateIpAddresses, { signal }) =>
    this.#write('UnassignPrivateIpAddresses', signal, () =>
      this.#cloud.unassignPrivateIpAddresses({ networkInterfaceId, privateIpAddresses }),
    );

  async tag(eni: string, tags: Readonly<Record<string, string>>, { signal }: { signal: AbortSignal }): Promise<void> {
    const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
    await this.#write('CreateTags', signal, () => this.#cloud.createTags({ resources: [eni], tags: list }));
  }

  /** Calls that change something. */
  writes(): string[] {
    return this.calls.map(({ action }) => action).filter((action) => !action.startsWith('Describe'));
  }

  #all(): NetworkInterface[] {
    return this.#cloud.describeNetworkInterfaces().networkInterfaceSet.map(factsOf);
  }

  async #write(action: string, signal: AbortSignal, act: () => unknown) {
    try {
      await this.#call(action, signal, act);
    } catch (error) {
      if (!(error instanceof Ec2Error && error.kind === 'not-found')) throw error;
    }
    return { requestId: undefined };
  }

  async #call<T>(action: string, signal: AbortSignal, act: () => T): Promise<T> {
    const fail = (thrown: unknown) =>
      translateError(thrown, { action, mutating: !action.startsWith('Describe'), sent: true, addresses: [] });
    await this.#clock.sleep(25, signal);
    if (signal.aborted) throw fail({ name: 'AbortError', message: 'Request aborted' });
    const call = { action, at: this.#clock.now() };
    this.calls.push(call);
    const fault = this.faults(call, this.calls.length);
    if (fault === 'throttle') {
      throw fail({
        Code: 'RequestLimitExceeded',
        message: 'Request limit exceeded.',
        $metadata: { httpStatusCode: 503 },
      });
    }
    let result: T | undefined;
    try {
      if (fault !== 'lost-request') result = act();
    } catch (error) {
      if (!(error instanceof Ec2Fault)) throw error;
      throw fail({ Code: error.code, message: error.message, $metadata: { httpStatusCode: error.status } });
    }
    await this.#clock.sleep(25, signal);
    if (signal.aborted) throw fail({ name: 'AbortError', message: 'Request aborted' });
    if (fault !== undefined) throw fail({ code: 'ECONNRESET', message: 'socket hang up' });
    return result as T;
  }
}

function factsOf(view: object): NetworkInterface {
  const raw = capitalised(view);
  const facts = toInterface({
    ...raw,
    Groups: raw['GroupSet'],
    PrivateIpAddresses: raw['PrivateIpAddressesSet'],
  });
  if (facts === undefined) throw new Error('the simulator shows an interface without id');
  return facts;
}

/** The simulator shows wire names (`subnetId`), the SDK member names (`SubnetId`). */
// oxlint-disable-next-line typescript/no-explicit-any
function capitalised(view: unknown): any {
  if (Array.isArray(view)) return view.map(capitalised);
  if (view === null || typeof view !== 'object' || view instanceof Date) return view;
  return Object.fromEntries(
    Object.entries(view).map(([key, value]) => [key[0]?.toUpperCase() + key.slice(1), capitalised(value)]),
  );
}
