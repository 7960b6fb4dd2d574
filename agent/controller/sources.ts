import { NODE_LABEL, POD_LABEL } from '../../lib/dialect/eip-operator-keys.ts';
import { objectDialects } from '../../lib/dialect/handover-adapter.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { toControllerNode, toControllerPod } from '../../lib/kube/controller-views.ts';
import { collectionPath, findResource, type ServedResource, toCustomObject } from '../../lib/kube/custom-resources.ts';
import type {
  CustomObject,
  EipObjectDialect,
  EipObjectDialectName,
  ResourceType,
} from '../../lib/model/eip-objects/eip-object.ts';
import type { ControllerNode, ControllerPod } from '../../lib/model/eip-objects/plan.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { OnDemandWatch } from './on-demand-watch.ts';

export const ENI_RESOURCE: ResourceType = {
  group: 'aws.k8s.logmein.com',
  version: 'v1alpha1',
  plural: 'enis',
  kind: 'ENI',
};

/** How much of the cluster's pods a loop needs to see. */
export type PodDemand = 'none' | 'labelled' | 'all';

export interface SourcesOptions {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  readonly onChange: () => void;
}

interface Definition {
  readonly resource: ResourceType;
  readonly watch: OnDemandWatch<CustomObject>;
  served: ServedResource | undefined;
}

/** How often it is looked whether definitions came or went, ms: they hardly ever do. */
const DEFINITIONS_MS = 180_000;

/**
 * What the leader sees of the cluster. Each kind is watched only if its definition exists and a loop needs it; pods and nodes as
 * narrowly as the objects allow. Loops state what they need by name (`needPods('eips', …)`), and the widest need is served.
 */
export class ControllerSources {
  readonly #options: SourcesOptions;
  readonly #definitions = new Map<string, Definition>();
  readonly #eniObjects: Definition;
  readonly #pods: OnDemandWatch<ControllerPod>;
  readonly #nodes: OnDemandWatch<ControllerNode>;
  readonly #podNeeds = new Map<string, PodDemand>();
  readonly #eniNeeds = new Set<string>();
  #checked = false;

  constructor(options: SourcesOptions, signal: AbortSignal) {
    this.#options = options;
    const { kube: client, clock, random, log, onChange } = options;
    const onError = (error: unknown) =>
      log.warn('a watch of the controller was interrupted; what it last knew stays', { error });
    const base = { client, clock, random, onError };
    const define = (resource: ResourceType): Definition => ({
      resource,
      watch: new OnDemandWatch({ ...base, convert: toCustomObject }, onChange, signal),
      served: undefined,
    });
    for (const { name, resource } of objectDialects) this.#definitions.set(name, define(resource));
    this.#eniObjects = define(ENI_RESOURCE);
    this.#pods = new OnDemandWatch({ ...base, convert: toControllerPod }, onChange, signal);
    this.#nodes = new OnDemandWatch({ ...base, convert: toControllerNode }, onChange, signal);
  }

  /** Looks which definitions exist, now and every few minutes, until the signal aborts. */
  async followDefinitions(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look(signal);
      await this.#options.clock.sleep(DEFINITIONS_MS, signal);
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { kube, log, onChange } = this.#options;
    for (const definition of [...this.#definitions.values(), this.#eniObjects]) {
      const served = await findResource(kube, definition.resource, signal);
      if ((served === undefined) !== (definition.served === undefined)) {
        const { plural, group } = definition.resource;
        log.info(served === undefined ? 'custom resource is not served; its part is off' : 'serving custom resource', {
          resource: `${plural}.${group}`,
        });
      }
      definition.served = served;
      if (definition !== this.#eniObjects) definition.watch.want(served && { path: this.#path(definition.resource) });
    }
    this.#checked = true;
    this.#watchEnis();
    onChange();
  }

  /** True when every kind that exists was read completely. */
  get objectsKnown(): boolean {
    return (
      this.#checked && [...this.#definitions.values()].every(({ served, watch }) => served === undefined || watch.known)
    );
  }

  objects({ name }: EipObjectDialect): readonly CustomObject[] {
    return this.#inScope(this.#definitions.get(name)?.watch.items() ?? []);
  }

  served(name: EipObjectDialectName): ServedResource | undefined {
    return this.#definitions.get(name)?.served;
  }

  get eniServed(): ServedResource | undefined {
    return this.#eniObjects.served;
  }

  eniObjects(): readonly CustomObject[] {
    return this.#inScope(this.#eniObjects.watch.items());
  }

  get eniObjectsKnown(): boolean {
    return this.#checked && (this.#eniObjects.served === undefined || this.#eniObjects.watch.known);
  }

  /** Says which loop needs ENI objects. They are watched while at least one does and the definition exists. */
  needEniObjects(loop: string, needed: boolean): void {
    if (needed) this.#eniNeeds.add(loop);
    else this.#eniNeeds.delete(loop);
    this.#watchEnis();
  }

  #watchEnis(): void {
    const { served, resource, watch } = this.#eniObjects;
    watch.want(served && this.#eniNeeds.size > 0 ? { path: this.#path(resource) } : undefined);
  }

  needPods(loop: string, demand: PodDemand): void {
    this.#podNeeds.set(loop, demand);
    const needs = new Set(this.#podNeeds.values());
    const path = this.#path({ group: '', version: 'v1', plural: 'pods' });
    if (needs.has('all')) this.#pods.want({ path });
    else this.#pods.want(needs.has('labelled') ? { path, labelSelector: POD_LABEL.manage } : undefined);
  }

  pods(): readonly ControllerPod[] {
    return this.#inScope(this.#pods.items());
  }

  get podsKnown(): boolean {
    return this.#pods.known;
  }

  needNodes(needed: boolean): void {
    this.#nodes.want(needed ? { path: '/api/v1/nodes', labelSelector: NODE_LABEL } : undefined);
  }

  nodes(): readonly ControllerNode[] {
    return [...this.#nodes.items()];
  }

  get nodesKnown(): boolean {
    return this.#nodes.known;
  }

  async ended(): Promise<void> {
    const watches = [...this.#definitions.values(), this.#eniObjects].map(({ watch }) => watch.ended());
    await Promise.all([...watches, this.#pods.ended(), this.#nodes.ended()]);
  }

  /** One namespace is watched by itself; of several all are, and the rest is passed over. */
  #path(resource: Pick<ResourceType, 'group' | 'version' | 'plural'>): string {
    const { namespaces } = this.#options;
    return collectionPath(resource, namespaces.length === 1 ? namespaces[0] : undefined);
  }

  #inScope<T extends { readonly namespace: string }>(items: Iterable<T>): readonly T[] {
    const { namespaces } = this.#options;
    return [...items].filter(({ namespace }) => namespaces.length === 0 || namespaces.includes(namespace));
  }
}
