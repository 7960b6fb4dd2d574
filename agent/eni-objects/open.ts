import type { KubeClient } from '../../lib/kube/client.ts';
import { readEnding } from '../../lib/kube/endings.ts';
import { createEniObjectWriter } from '../../lib/kube/eni-objects.ts';
import type { EventRecorder } from '../../lib/kube/events.ts';
import type { ObjectContext } from '../../lib/model/eip-objects/eip-object.ts';
import type { TenantPolicy } from '../../lib/model/tenant-policy.ts';
import { type ControllerSources, ENI_RESOURCE } from '../controller/sources.ts';
import type { TermProcess } from '../process.ts';
import { NodeInstances } from './node-instances.ts';
import { createEniObjectReconciler, type EniObjectEc2, type EniObjectReconciler } from './reconciler.ts';
import { observeEnis } from './snapshot.ts';

export interface EniObjectsOptions {
  readonly process: TermProcess;
  readonly ec2: EniObjectEc2;
  readonly kube: KubeClient;
  readonly sources: ControllerSources;
  readonly recorder: Pick<EventRecorder, 'record'>;
  readonly context: ObjectContext;
  /** What namespaces may ask for. */
  readonly tenants: () => TenantPolicy;
}

/** The loop for ENI objects on the controller's shared watches, for one term of leadership. */
export function openEniObjects(options: EniObjectsOptions, signal: AbortSignal): EniObjectReconciler {
  const { process, ec2, kube, sources, recorder, context, tenants } = options;
  const { clock, random, log } = process;
  sources.needEniObjects('enis', true);
  const instances = new NodeInstances({ kube, clock, log, onChange: () => loop.trigger() }, signal);
  const statusSubresource = () => sources.eniServed?.statusSubresource ?? true;
  const loop = createEniObjectReconciler(
    {
      process,
      ec2,
      objects: {
        writer: createEniObjectWriter({ client: kube, clock, random, signal, statusSubresource }),
        observe: () => observeEnis(sources, instances, context),
        endingOf: (object) => readEnding(kube, object, ENI_RESOURCE, signal),
        recordEvent: ({ namespace, name, uid }, event) => {
          const { group, version, kind } = ENI_RESOURCE;
          recorder.record({ apiVersion: `${group}/${version}`, kind, namespace, name, uid }, event);
        },
      },
      clusterName: context.clusterName,
      tenants,
    },
    signal,
  );
  return loop;
}
