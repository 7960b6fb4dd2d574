import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { leadOneTerm, type TermParts } from '../../../agent/controller/term.ts';
import { resolveOptions } from '../../../lib/config/resolve.ts';
import { noTracer } from '../../../lib/runtime/tracing.ts';
import type { Manifest } from '../../../sim/kube/object.ts';
import type { VirtualProcess } from './process.ts';
import { AGENT_NAMESPACE } from './surroundings.ts';
import type { World } from './world.ts';

const CRDS = [
  'eips.materialize.cloud',
  'eips.aws.k8s.logmein.com',
  'enis.aws.k8s.logmein.com',
  'floatingip',
  'nodeeni',
  'nodeenis.networking.k8s.aws',
];

/** The custom resources of `daemonset/crds`, as an operator applies them. */
export function applyDefinitions(world: World): void {
  const definitions = world.resource('customresourcedefinitions');
  manifests ??= CRDS.map((name) => {
    const text = readFileSync(join(import.meta.dirname, '../../../daemonset/crds', `${name}.yaml`), 'utf8');
    return parse(text) as Manifest;
  });
  for (const manifest of manifests) world.kubeState.api.create(definitions, undefined, structuredClone(manifest));
}

/** Read once: thousands of worlds are opened. */
let manifests: readonly Manifest[] | undefined;

/** The controller: one process that leads from its start to its end, as the holder of the Lease does. */
export class WorldController {
  readonly #world: World;
  readonly #argv: readonly string[];
  #running:
    | { readonly process: VirtualProcess; readonly stop: AbortController; readonly ended: Promise<void> }
    | undefined;
  /** False once it has lost the Lease and does not know yet. */
  leads = true;

  /** `argv`: options that its Deployment sets beside the usual ones. */
  constructor(world: World, argv: readonly string[] = []) {
    this.#world = world;
    this.#argv = argv;
  }

  get process(): VirtualProcess | undefined {
    return this.#running?.process;
  }

  start(): void {
    const { process, parts, kube, ec2 } = this.#world.spawn('controller');
    const stop = new AbortController();
    const term: TermParts = {
      process: parts,
      options: controllerOptions(this.#argv),
      cluster: { name: 'test', kube, namespace: AGENT_NAMESPACE },
      aws: {
        ec2: { ...ec2, connection: undefined as never, credentials: undefined as never },
        quotas: { elasticIps: () => Promise.resolve(undefined) } as unknown as TermParts['aws']['quotas'],
      },
      tracer: noTracer,
      mayAct: () => this.leads && !stop.signal.aborted,
    };
    this.#running = { process, stop, ended: leadOneTerm(term, stop.signal) };
  }

  /** Another replica leads from now on: the term ends, with what is in flight cut off. */
  async loseLease(): Promise<void> {
    const { stop, ended } = this.#running ?? {};
    stop?.abort(new Error('lease lost'));
    await ended;
    this.#running = undefined;
  }

  /** SIGKILL. */
  kill(): void {
    this.#running?.process.kill();
    this.#running?.stop.abort(new Error('SIGKILL'));
    this.#running = undefined;
  }
}

/** The options of a Deployment that sets nothing but what it must. */
function controllerOptions(more: readonly string[]): TermParts['options'] {
  const argv = ['--cluster-name', 'test', '--sweep', 'on', ...more];
  const resolved = resolveOptions('controller', { argv, environment: {}, readFile: () => '' });
  if (!resolved.ok) throw new Error(JSON.stringify(resolved.faults));
  return resolved.options;
}
