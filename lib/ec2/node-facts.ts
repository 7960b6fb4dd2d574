import { DescribeInstancesCommand, DescribeInstanceTypesCommand, DescribeSubnetsCommand } from '@aws-sdk/client-ec2';
import { Ec2Error } from '../model/ec2-error.ts';
import type { EniLimits } from '../model/eni.ts';
import type { Cidr } from '../model/ip.ts';
import type { CallOptions, OnWarning, SubnetHint } from './api.ts';
import { call, type Ec2Connection } from './calls.ts';
import { toCidrs, toLimits, UNKNOWN_LIMITS } from './convert.ts';

/** A block can be added to a subnet at any time: its networks are read again when they are older, ms. Two calls per hour. */
const SUBNET_AGE_MS = 1_800_000;

/**
 * Things about a node that describing its ENIs does not show: limits never change and are asked once, networks of subnets hardly ever.
 * A question that failed is asked again with the next describe; until then the last answer counts.
 */
export interface NodeFactsOptions {
  readonly connection: Ec2Connection;
  /** Undefined: asked of EC2. */
  readonly instanceType: string | undefined;
  /** Read afresh with each describe, because ENIs can be attached later. */
  readonly subnetHints: () => readonly SubnetHint[];
  readonly onWarning: OnWarning;
}

export class NodeFacts {
  readonly #options: NodeFactsOptions;
  readonly #cidrs = new Map<string, { readonly cidrs: readonly Cidr[]; readonly readAt: number }>();
  #instanceType: string | undefined;
  #limits: EniLimits | undefined;
  readonly #warned = new Set<string>();

  constructor(options: NodeFactsOptions) {
    this.#options = options;
    this.#instanceType = options.instanceType || undefined;
  }

  /** Limits of the instance's type; unknown ones when EC2 does not say. Never throws. */
  async limits(instanceId: string, options: CallOptions): Promise<EniLimits> {
    try {
      this.#limits ??= await this.#askLimits(instanceId, options);
    } catch (error) {
      this.#warn('address limits of the instance type are unknown; EC2 itself will refuse what does not fit', error);
    }
    return this.#limits ?? UNKNOWN_LIMITS;
  }

  /**
   * Starts learning the networks of subnets that hints already name, beside the call that lists the ENIs.
   * Never throws; resolves to the failure, for `cidrs` to judge.
   */
  async prefetch(options: CallOptions): Promise<unknown> {
    const ids = this.#options.subnetHints().map((hint) => hint.subnetId);
    return this.#learn(ids, options).catch((failure: unknown) => failure);
  }

  /**
   * Networks of each subnet; hints stand in for an answer that EC2 owes.
   * @throws {Ec2Error} when EC2 fails in passing and a subnet has no hint: an ENI without networks would look as if no address
   * fitted it, and pods would be refused for a fault that is over in a second. A lasting refusal leaves the networks empty.
   */
  async cidrs(
    subnetIds: readonly string[],
    options: CallOptions & { readonly prefetchFailure: unknown },
  ): Promise<ReadonlyMap<string, readonly Cidr[]>> {
    const hinted = new Map(this.#options.subnetHints().map((hint) => [hint.subnetId, hint.cidrs]));
    try {
      await this.#learn(subnetIds, options);
    } catch (error) {
      const covered = subnetIds.every((id) => this.#cidrs.has(id) || hinted.has(id));
      if (!covered && isPassing(error)) throw error;
      this.#warn('subnets cannot be described; networks are taken from instance metadata where it has them', error);
    }
    return new Map(subnetIds.map((id) => [id, this.#cidrs.get(id)?.cidrs ?? hinted.get(id) ?? []]));
  }

  async #learn(
    subnetIds: readonly string[],
    options: CallOptions & { readonly prefetchFailure?: unknown },
  ): Promise<void> {
    const now = this.#options.connection.now();
    const missing = [...new Set(subnetIds)].filter((id) => id !== '' && this.#isOutdated(id, now)).sort();
    if (missing.length === 0) return;
    const { signal, prefetchFailure } = options;
    // The same question gets the same answer some ms later, unless it was a hint of a subnet long gone that failed it.
    if (prefetchFailure instanceof Ec2Error && prefetchFailure.kind !== 'not-found') throw prefetchFailure;
    const { connection, onWarning } = this.#options;
    const request = { action: 'DescribeSubnets', signal } as const;
    const answer = await call(connection, request, (client, http) =>
      client.send(new DescribeSubnetsCommand({ SubnetIds: missing }), http),
    );
    for (const subnet of answer.Subnets ?? []) {
      if (subnet.SubnetId) this.#cidrs.set(subnet.SubnetId, { cidrs: toCidrs(subnet, onWarning), readAt: now });
    }
  }

  #isOutdated(subnetId: string, now: number): boolean {
    const known = this.#cidrs.get(subnetId);
    return known === undefined || now - known.readAt >= SUBNET_AGE_MS;
  }

  async #askLimits(instanceId: string, options: CallOptions): Promise<EniLimits> {
    this.#instanceType ??= await this.#askInstanceType(instanceId, options);
    const type = this.#instanceType;
    const request = { action: 'DescribeInstanceTypes', ...options } as const;
    const answer = await call(this.#options.connection, request, (client, http) =>
      // The model lists types in an enum that is always behind; the wire takes any text.
      client.send(new DescribeInstanceTypesCommand({ InstanceTypes: [type as 'm5.large'] }), http),
    );
    return toLimits(answer.InstanceTypes?.find((info) => info.InstanceType === type));
  }

  async #askInstanceType(instanceId: string, options: CallOptions): Promise<string> {
    const action = 'DescribeInstances';
    const answer = await call(this.#options.connection, { action, ...options }, (client, http) =>
      client.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }), http),
    );
    const instances = (answer.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? []);
    const type = instances.find((instance) => instance.InstanceId === instanceId)?.InstanceType;
    if (type !== undefined) return type;
    throw new Ec2Error({ kind: 'not-found', code: 'NoInstance', message: `EC2 does not list ${instanceId}`, action });
  }

  /** Once per text and code: a stand-in without the action would otherwise fill the log. */
  #warn(message: string, error: unknown): void {
    const code = error instanceof Ec2Error ? error.code : undefined;
    const key = `${message} ${code}`;
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#options.onWarning(message, { error, code });
  }
}

function isPassing(error: unknown): boolean {
  return error instanceof Ec2Error && ['throttled', 'unavailable', 'unknown-outcome'].includes(error.kind);
}
