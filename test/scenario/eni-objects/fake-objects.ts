import type { EniObjectWriter } from '../../../lib/kube/eni-objects.ts';
import {
  ENI_FINALIZER,
  type EniObject,
  type EniObjectStatus,
  type EniSpec,
} from '../../../lib/model/eni-objects/eni-object.ts';
import type { Clock } from '../../../lib/runtime/clock.ts';

const EMPTY: EniObjectStatus = {
  networkInterfaceId: undefined,
  macAddress: undefined,
  privateIPAddresses: [],
  attachment: undefined,
  ready: undefined,
};

/** ENI objects as an API server keeps them: versions, finalizers, deletion. Watches see a change 5 ms after it. */
export class FakeObjects implements EniObjectWriter {
  readonly #objects = new Map<string, EniObject>();
  readonly #clock: Clock;
  readonly writes: string[] = [];
  #version = 0;
  onChange: () => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  list(): EniObject[] {
    return [...this.#objects.values()];
  }

  get(name: string): EniObject | undefined {
    return this.#objects.get(name);
  }

  create(name: string, spec: Partial<EniSpec> & Pick<EniSpec, 'subnetId'>, more: Partial<EniObject> = {}): void {
    this.#put({
      namespace: 'ns',
      name,
      uid: `uid-${name}`,
      resourceVersion: '',
      terminating: false,
      finalizers: [],
      deletionPolicy: undefined,
      spec: { securityGroups: [], secondaryAddresses: 0, description: undefined, podName: undefined, ...spec },
      status: EMPTY,
      ...more,
    });
  }

  change(name: string, spec: Partial<EniSpec>): void {
    const object = this.#require(name);
    this.#put({ ...object, spec: { ...object.spec, ...spec } });
  }

  forgetStatus(name: string): void {
    this.#put({ ...this.#require(name), status: EMPTY });
  }

  delete(name: string): void {
    const object = this.#require(name);
    if (object.finalizers.length === 0) this.#remove(name);
    else this.#put({ ...object, terminating: true });
  }

  async writeStatus({ name, uid }: EniObject, status: EniObjectStatus) {
    this.writes.push(`status ${name}`);
    const object = await this.#reach(name, uid);
    if (object === undefined) return 'gone' as const;
    this.#put({ ...object, status });
    return 'written' as const;
  }

  async addFinalizer({ name, uid }: EniObject) {
    this.writes.push(`finalizer ${name}`);
    const object = await this.#reach(name, uid);
    if (object === undefined) return 'gone' as const;
    this.#put({ ...object, finalizers: [...object.finalizers, ENI_FINALIZER] });
    return 'written' as const;
  }

  async removeFinalizer({ name, uid }: EniObject) {
    this.writes.push(`farewell ${name}`);
    const object = await this.#reach(name, uid);
    if (object === undefined) return 'gone' as const;
    const finalizers = object.finalizers.filter((one) => one !== ENI_FINALIZER);
    if (object.terminating && finalizers.length === 0) this.#remove(name);
    else this.#put({ ...object, finalizers });
    return 'written' as const;
  }

  async #reach(name: string, uid: string): Promise<EniObject | undefined> {
    await this.#clock.sleep(5, new AbortController().signal);
    const object = this.#objects.get(name);
    return object?.uid === uid ? object : undefined;
  }

  #require(name: string): EniObject {
    const object = this.#objects.get(name);
    if (object === undefined) throw new Error(`no object ${name}`);
    return object;
  }

  #put(object: EniObject): void {
    this.#version += 1;
    this.#objects.set(object.name, { ...object, resourceVersion: String(this.#version) });
    this.#clock.after(5, () => this.onChange());
  }

  #remove(name: string): void {
    this.#objects.delete(name);
    this.#clock.after(5, () => this.onChange());
  }
}
