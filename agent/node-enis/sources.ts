import { fromMultiEniController } from '../../lib/dialect/multi-eni-controller.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { collectionPath, findResource } from '../../lib/kube/custom-resources.ts';
import { MULTI_ENI_TYPE, NODE_ENI_TYPE, toNodeEniNode, toNodeEniSource } from '../../lib/kube/node-enis.ts';
import type { NodeEni } from '../../lib/model/node-enis/node-eni.ts';
import type { NodeEniNode } from '../../lib/model/node-enis/plan.ts';
import { toNodeEni } from '../../lib/model/node-enis/read.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import { OnDemandWatch } from '../controller/on-demand-watch.ts';

export interface NodeEniSourcesOptions {
  readonly kube: KubeClient;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly onChange: () => void;
}

/** How often it is looked whether definitions came or went, ms. */
const DEFINITIONS_MS = 60_000;

/** NodeENIs of both kinds, and all nodes while there is a NodeENI, or a node that still says that there was one. */
export class NodeEniSources {
  readonly #options: NodeEniSourcesOptions;
  readonly #kinds: readonly {
    readonly type: typeof NODE_ENI_TYPE | typeof MULTI_ENI_TYPE;
    readonly watch: OnDemandWatch<NodeEni>;
  }[];
  readonly #nodes: OnDemandWatch<NodeEniNode>;
  #checked = false;
  /** Nodes were read once: they may still name interfaces whose object is gone by now. */
  #looked = false;

  constructor(options: NodeEniSourcesOptions, signal: AbortSignal) {
    this.#options = options;
    const { kube: client, clock, random, log, onChange } = options;
    const onError = (error: unknown) =>
      log.warn('a watch for NodeENIs was interrupted; what it last knew stays', { error });
    const base = { client, clock, random, onError };
    const watch = (convert: (source: ReturnType<typeof toNodeEniSource>) => NodeEni) =>
      new OnDemandWatch<NodeEni>({ ...base, convert: (raw) => convert(toNodeEniSource(raw)) }, onChange, signal);
    this.#kinds = [
      { type: NODE_ENI_TYPE, watch: watch(toNodeEni) },
      { type: MULTI_ENI_TYPE, watch: watch(fromMultiEniController) },
    ];
    this.#nodes = new OnDemandWatch<NodeEniNode>({ ...base, convert: toNodeEniNode }, onChange, signal);
  }

  /** Looks which definitions exist, now and every minute, until the signal aborts. */
  async followDefinitions(signal: AbortSignal): Promise<void> {
    const { kube, clock, onChange } = this.#options;
    while (!signal.aborted) {
      for (const { type, watch } of this.#kinds) {
        const served = await findResource(kube, type, signal);
        watch.want(served && { path: collectionPath(type, undefined) });
      }
      this.#checked = true;
      onChange();
      await clock.sleep(DEFINITIONS_MS, signal);
    }
  }

  /** Undefined until everything was read completely. Asks for the nodes when they are needed. */
  read(): { readonly objects: readonly NodeEni[]; readonly nodes: readonly NodeEniNode[] } | undefined {
    if (!this.#checked || this.#kinds.some(({ watch }) => watch.wanted && !watch.known)) return undefined;
    const objects = this.#kinds.flatMap(({ watch }) => [...watch.items()]);
    const isAnnounced = [...this.#nodes.items()].some(({ announced }) => announced !== undefined);
    const isServed = this.#kinds.some(({ watch }) => watch.wanted);
    this.#looked ||= this.#nodes.known;
    const needed = objects.length > 0 || isAnnounced || (isServed && !this.#looked);
    this.#nodes.want(needed ? { path: '/api/v1/nodes' } : undefined);
    if (!needed) return { objects: [], nodes: [] };
    return this.#nodes.known ? { objects, nodes: [...this.#nodes.items()] } : undefined;
  }

  async ended(): Promise<void> {
    await Promise.all([...this.#kinds.map(({ watch }) => watch.ended()), this.#nodes.ended()]);
  }
}
