import { fromServed, served } from './conversion.ts';
import { type Birth, checkKind, newborn, timestamp } from './creation.ts';
import { type DeleteOptions, deletionOf, isReleased } from './deletion.ts';
import { type KubeObject, type Manifest, sameJson } from './object.ts';
import { type PatchRequest, PatchWriter } from './patches/patch-writer.ts';
import { checkPreconditions, replacement, type SubResource } from './replacement.ts';
import { customResourceDefinitions, type Resource, resourceOf } from './resource.ts';
import { alreadyExists, conflict, deleted, forbidden, notFound, type Status } from './status.ts';
import type { ObjectStore } from './store.ts';
import { checkMicroTimes, validate } from './validation.ts';

export interface ObjectApiOptions {
  /** Wall clock, ms since the epoch. */
  now: () => number;
  newUid: () => string;
  /** In [0, 1), for generated names. */
  random: () => number;
}

/** The verbs on single objects, with the rules of the real server and without HTTP. Everything throws `ApiError`. */
export class ObjectApi {
  readonly #store: ObjectStore;
  readonly #options: ObjectApiOptions;
  readonly #patches = new PatchWriter();

  constructor(store: ObjectStore, options: ObjectApiOptions) {
    this.#store = store;
    this.#options = options;
  }

  get(resource: Resource, namespace: string | undefined, name: string): KubeObject {
    return served(resource, this.#stored(resource, namespace, name));
  }

  create(resource: Resource, namespace: string | undefined, manifest: Manifest): KubeObject {
    checkMicroTimes(resource, fromServed(resource, manifest));
    const object = newborn(resource, namespace, manifest, this.#birth());
    this.#checkNamespace(namespace);
    validate(resource, object);
    const { name } = object.metadata;
    if (this.#store.get(resource.storage, namespace, name)) throw alreadyExists(resource, name);
    return served(resource, this.#store.put(resource.storage, object));
  }

  /** PUT. A few resources are created when they do not exist (`createOnUpdate`). */
  update(
    resource: Resource,
    sub: SubResource,
    namespace: string | undefined,
    name: string,
    manifest: Manifest,
  ): KubeObject {
    const stored = this.#store.get(resource.storage, namespace, name);
    if (!stored && resource.createOnUpdate) return this.create(resource, namespace, manifest);
    if (!stored) throw notFound(resource, name);
    checkKind(resource, manifest);
    checkPreconditions(resource, stored, { uid: manifest.metadata?.uid });
    return this.#replace(resource, sub, stored, fromServed(resource, manifest));
  }

  /** PATCH in any of the four formats; server-side apply creates what does not exist. */
  patch(
    resource: Resource,
    sub: SubResource,
    namespace: string | undefined,
    name: string,
    request: PatchRequest,
  ): KubeObject {
    this.#patches.check(resource, request);
    const stored = this.#store.get(resource.storage, namespace, name);
    if (!stored && request.format !== 'apply') throw notFound(resource, name);
    const current = stored && served(resource, stored);
    const patched = this.#patches.patched(resource, current, request);
    const result = stored
      ? this.#replace(resource, sub, stored, fromServed(resource, patched))
      : this.create(resource, namespace, { ...patched, metadata: { ...patched.metadata, name } });
    this.#patches.remember(result.metadata.uid, request);
    return result;
  }

  /** DELETE. Answers the object while something holds it back, else what this resource answers when it is gone. */
  delete(
    resource: Resource,
    namespace: string | undefined,
    name: string,
    options: DeleteOptions = {},
  ): KubeObject | Status {
    const stored = this.#stored(resource, namespace, name);
    checkPreconditions(resource, stored, options.preconditions);
    const isContainer = resource.storage === 'namespaces' || resource.storage === customResourceDefinitions.storage;
    if (isContainer) return served(resource, this.#terminate(resource, stored));
    const deletion = deletionOf(stored, resource.storage === 'pods', options, this.#options.now());
    switch (deletion.kind) {
      case 'unchanged':
        return served(resource, stored);
      case 'mark':
        return served(resource, this.#store.put(resource.storage, deletion.marked));
      case 'remove': {
        if (deletion.marked) this.#store.put(resource.storage, deletion.marked);
        const last = this.#store.remove(resource.storage, deletion.marked ?? stored);
        this.#patches.forget(last.metadata.uid);
        return resource.returnsDeleted ? served(resource, last) : deleted(resource, name, last.metadata.uid);
      }
    }
  }

  /** The `pods/binding` sub-resource, what a scheduler calls; a pod is bound once. */
  bind(pods: Resource, namespace: string, name: string, node: string): void {
    const pod = this.#stored(pods, namespace, name);
    if (pod.spec?.['nodeName']) {
      throw conflict(pods, name, `pod ${name} is already assigned to node ${JSON.stringify(pod.spec['nodeName'])}`);
    }
    const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: this.#timestamp() };
    const status = { ...pod.status, conditions: [scheduled] };
    this.#store.put(pods.storage, { ...pod, spec: { ...pod.spec, nodeName: node }, status });
  }

  #replace(resource: Resource, sub: SubResource, stored: KubeObject, sent: Manifest): KubeObject {
    checkMicroTimes(resource, sent);
    const next = replacement(resource, sub, stored, sent);
    validate(resource, next);
    if (sameContent(stored, next)) return served(resource, stored);
    const written = this.#store.put(resource.storage, next);
    if (isReleased(written)) this.#store.remove(resource.storage, written);
    return served(resource, written);
  }

  /** A namespace or definition goes when it is empty. */
  #terminate({ storage }: Resource, container: KubeObject): KubeObject {
    if (container.metadata.deletionTimestamp) return container;
    const metadata = { ...container.metadata, deletionTimestamp: this.#timestamp() };
    const status = storage === 'namespaces' ? { phase: 'Terminating' } : container.status;
    return this.#store.put(storage, { ...container, metadata, ...(status && { status }) });
  }

  #stored(resource: Resource, namespace: string | undefined, name: string): KubeObject {
    const stored = this.#store.get(resource.storage, namespace, name);
    if (!stored) throw notFound(resource, name);
    return stored;
  }

  #checkNamespace(name: string | undefined): void {
    if (name === undefined) return;
    const namespace = this.#store.get('namespaces', undefined, name);
    if (!namespace) throw notFound(namespaces, name);
    if (!namespace.metadata.deletionTimestamp) return;
    throw forbidden(
      namespaces,
      name,
      `unable to create new content in namespace ${name} because it is being terminated`,
    );
  }

  #birth(): Birth {
    const { newUid, now, random } = this.#options;
    const letter = () => alphabet[Math.floor(random() * alphabet.length)];
    return { uid: newUid(), now: now(), suffix: Array.from({ length: 5 }, letter).join('') };
  }

  #timestamp(): string {
    return timestamp(this.#options.now());
  }
}

const namespaces = resourceOf({ group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false });

/** Without vowels and look-alikes, as the server generates names. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** A write that changes nothing keeps the resourceVersion and makes no event. */
function sameContent(a: KubeObject, b: KubeObject): boolean {
  const { apiVersion: _, ...rest } = a;
  const { apiVersion: __, ...others } = b;
  return sameJson(rest, others);
}
