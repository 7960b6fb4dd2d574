import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Knobs } from '../../sim/ec2/visibility.ts';
import type { Topology } from '../../sim/world/topology.ts';
import type { ArrivedCall, CloudInstance, CloudMessage } from './cloud-process.ts';

/** EC2 and instance metadata in another process, with the arrival of every call. */
export class RemoteCloud implements AsyncDisposable {
  readonly ec2Url: string;
  readonly instances: readonly CloudInstance[];
  readonly calls: ArrivedCall[] = [];
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(call: ArrivedCall) => void>();

  private constructor(child: ChildProcess, ready: Extract<CloudMessage, { kind: 'ready' }>) {
    this.#child = child;
    this.ec2Url = ready.ec2Url;
    this.instances = ready.instances;
    child.on('message', (message: CloudMessage) => {
      if (message.kind !== 'call') return;
      this.calls.push(message.call);
      for (const listener of this.#listeners) listener(message.call);
    });
  }

  static async open(topology: Topology): Promise<RemoteCloud> {
    const child = fork(join(import.meta.dirname, 'cloud-process.ts'), [JSON.stringify(topology)]);
    const [message] = (await once(child, 'message')) as [CloudMessage];
    if (message.kind !== 'ready') throw new Error('a call came before the cloud was ready');
    return new RemoteCloud(child, message);
  }

  /** Calls that change something. */
  mutations(): ArrivedCall[] {
    return this.calls.filter(({ action }) => !/^(?:Describe|Get)/.test(action));
  }

  /** The first call from now on that the test accepts. @throws when none comes in time. */
  next(what: string, accepts: (call: ArrivedCall) => boolean, timeoutMs = 15_000): Promise<ArrivedCall> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        reject(new Error(`no call within ${timeoutMs} ms: ${what}`));
      }, timeoutMs);
      const listener = (call: ArrivedCall) => {
        if (!accepts(call)) return;
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(call);
      };
      this.#listeners.add(listener);
    });
  }

  /** The call that assigns the address. */
  assignmentOf(address: string): Promise<ArrivedCall> {
    return this.next(`assigning ${address}`, ({ action, params }) => {
      return action === 'AssignPrivateIpAddresses' && Object.values(params).includes(address);
    });
  }

  /** Lets every call of EC2 take this long. */
  async latency(ms: number): Promise<void> {
    await fetch(`${this.ec2Url}/_sim/latency`, { method: 'POST', body: JSON.stringify({ ms }) });
  }

  async knobs(knobs: Partial<Knobs>): Promise<void> {
    await fetch(`${this.ec2Url}/_sim/knobs`, { method: 'POST', body: JSON.stringify(knobs) });
  }

  /** Somebody else, the VPC CNI say, has assigned an address before. */
  async preassign(eni: string, address: string): Promise<void> {
    const action = { Action: 'AssignPrivateIpAddresses', Version: '2016-11-15' };
    const body = new URLSearchParams({ ...action, NetworkInterfaceId: eni, 'PrivateIpAddress.1': address });
    const authorization =
      'AWS4-HMAC-SHA256 Credential=cni/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0';
    const answer = await fetch(this.ec2Url, { method: 'POST', headers: { authorization }, body });
    if (!answer.ok) throw new Error(`cannot assign ${address}: ${await answer.text()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
  }
}
