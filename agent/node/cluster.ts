import type { NodeOptions } from '../../lib/config/options.ts';
import { createKubeClient } from '../../lib/kube/client.ts';
import { loadConnection } from '../../lib/kube/connection.ts';
import { createNadCache } from '../../lib/kube/nads.ts';
import { openTenantRules } from '../tenants/open.ts';
import type { NodeFrame } from './frame.ts';
import { OwnNodeWatch } from './own-node.ts';
import { podListener, watchPods } from './pod-watch.ts';
import { unless } from './readiness.ts';
import type { NodeCluster } from './surroundings.ts';

/** Connects to the API server and begins to watch the pods of this node. @throws {Error} when the kubeconfig or the tenant policy cannot be read. */
export async function openNodeCluster(frame: NodeFrame, options: NodeOptions): Promise<NodeCluster> {
  const { process, ages: clock, bus, supervisor, readiness, stop } = frame;
  const { random, log, metrics, environment } = process;
  const { nodeName } = options;
  const connection = await loadConnection({ kubeconfig: options.kubeconfig, env: environment });
  const client = createKubeClient({ connection, clock });
  const changed = () => bus.changed.publish();
  const definitions = createNadCache({
    client,
    clock,
    signal: stop,
    onError: (name, error) =>
      log.warn('cannot read NetworkAttachmentDefinition; its floating IPs are unknown', { name, error }),
  });
  const onChange = podListener(bus, definitions);
  const pods = watchPods({ client, nodeName, process: { clock, random, log, metrics }, onChange, onSynced: changed });
  supervisor.keep('pod watch', (signal) => pods.run(signal));
  readiness.faultsOf('pods', () => unless(pods.synced, 'the pods of this node are not known yet', pods.fault));
  readiness.notesOf(() => unless(pods.connected || !pods.synced, 'the watch of this node’s pods is down', pods.fault));
  const tenants = await openTenantRules({ clock, log, options, supervisor, onChange: changed });
  return {
    client,
    pods,
    definitions,
    ownNode: new OwnNodeWatch({ ...process, kube: client, nodeName }),
    leaseNamespace: options.leaseNamespace ?? connection.namespace ?? 'default',
    tenants: () => tenants.policy,
  };
}
