import { apiVersionOf, type Resource } from './resource.ts';

/** Which resources are served right now. */
export class ResourceRegistry {
  readonly #resources = new Map<string, Resource>();

  constructor(resources: readonly Resource[]) {
    for (const resource of resources) this.add(resource);
  }

  /** Serves a resource; one with the same group, version and plural is replaced. */
  add(resource: Resource): void {
    this.#resources.set(`${apiVersionOf(resource)}/${resource.plural}`, resource);
  }

  remove(resource: Resource): void {
    this.#resources.delete(`${apiVersionOf(resource)}/${resource.plural}`);
  }

  find(apiVersion: string, plural: string): Resource | undefined {
    return this.#resources.get(`${apiVersion}/${plural}`);
  }

  ofKind(apiVersion: string, kind: string): Resource | undefined {
    return this.all().find((resource) => apiVersionOf(resource) === apiVersion && resource.kind === kind);
  }

  all(): Resource[] {
    return [...this.#resources.values()];
  }

  /** One resource per storage name, for sweeps over every object. */
  storages(): Resource[] {
    return [...new Map(this.all().map((resource) => [resource.storage, resource])).values()];
  }
}
