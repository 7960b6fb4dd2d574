import type { InterfaceApi } from '../../lib/ec2/interface-api.ts';
import type { KubeClient } from '../../lib/kube/client.ts';
import { readEnding } from '../../lib/kube/endings.ts';
import { createEniObjectWriter } from '../../lib/kube/eni-objects.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import type { ObjectContext } from '../../lib/model/eip-objects/eip-object.ts';
import type { TenantPolicy } from '../../lib/model/tenant-policy.ts';
import type { RateLimit } from '../../lib/runtime/rate-limit.ts';
import type { Tracer } from '../../lib/runtime/tracing.ts';
import { type ControllerSources, ENI_RESOURCE } from '../controller/sources.ts';
import type { ProcessParts } from '../process.ts';
import { NodeInstances } from './node-instances.ts';
import { createEniObjectReconciler, type EniObjectReconciler } from './reconciler.ts';
import { observeEnis } from './snapshot.ts';

export interface EniObjectsOptions {
  readonly parts: Pick<ProcessParts, 'clock' | 'random' | 'log' | 'health'>;
  readonly kube: KubeClient;
  readonly interfaces: InterfaceApi;
  readonly sources: ControllerSources;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly rateLimit: RateLimit;
  readonly tracer: Tracer;
  readonly context: ObjectContext;
  readonly resyncMs: number;
  /** What namespaces may ask for. */
  readonly tenants: () => TenantPolicy;
  readonly mayAct: () => boolean;
}

/** The loop for ENI objects on the controller's shared watches, for one term of leadership. */
export function openEniObjects(options: EniObjectsOptions, signal: AbortSignal): EniObjectReconciler {
  const { parts, kube, interfaces, sources, recorder, rateLimit, tracer, context, resyncMs, tenants, mayAct } = options;
  const { clock, random, log, health } = parts;
  sources.needEniObjects('enis', true);
  const instances = new NodeInstances({ kube, clock, log, onChange: () => loop.wake() }, signal);
  const statusSubresource = () => sources.eniServed?.statusSubresource ?? true;
  const loop = createEniObjectReconciler(
    {
      clock,
      random,
      log,
      health,
      rateLimit,
      tracer,
      resyncMs,
      tenants,
      mayAct,
      ec2: interfaces,
      clusterName: context.clusterName,
      writer: createEniObjectWriter({ client: kube, clock, random, signal, statusSubresource }),
      observe: () => observeEnis(sources, instances, context),
      endingOf: (object) => readEnding(kube, object, ENI_RESOURCE, signal),
      recordEvent: ({ namespace, name, uid }, event) => {
        const { group, version, kind } = ENI_RESOURCE;
        recorder.record({ apiVersion: `${group}/${version}`, kind, namespace, name, uid }, event);
      },
      callSignal: signal,
    },
    signal,
  );
  return loop;
}
