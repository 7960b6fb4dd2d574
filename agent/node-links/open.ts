import type { KubeClient } from '../../lib/kube/client.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import { removeStartupTaint, writeLinksCondition, writeLinksLabel } from '../../lib/kube/links-report.ts';
import { MULTI_ENI_TYPE, NODE_ENI_TYPE } from '../../lib/kube/node-enis.ts';
import { whileServed } from '../../lib/kube/while-served.ts';
import type { AnnouncedInterface } from '../../lib/model/node-links/node-links.ts';
import { changeLink, readHostLinks } from '../../lib/net/link-settings.ts';
import type { AddressReconciler } from '../addresses/reconciler.ts';
import type { NodeFrame } from '../node/frame.ts';
import type { OwnNodeWatch } from '../node/own-node.ts';
import type { NodeCluster } from '../node/surroundings.ts';
import type { ProcessParts } from '../process.ts';
import { announcedEni } from './announced-eni.ts';
import { type LinkPort, NodeLinks } from './node-links.ts';

interface NodeLinksParts {
  readonly process: Pick<ProcessParts, 'clock' | 'random' | 'log'>;
  readonly kube: KubeClient;
  readonly nodeName: string;
  readonly ownNode: OwnNodeWatch;
  readonly attached: (one: AnnouncedInterface) => void;
  readonly changed: () => void;
  /** @default those of our own network namespace */
  readonly links?: LinkPort | undefined;
}

/** Keeps the links of this node's NodeENIs for as long as the supervisor works. */
export function keepNodeLinks(
  { process, supervisor, bus }: Pick<NodeFrame, 'process' | 'supervisor' | 'bus'>,
  { client, ownNode }: Pick<NodeCluster, 'client' | 'ownNode'>,
  {
    addresses,
    nodeName,
    links,
  }: { readonly addresses: AddressReconciler } & Pick<NodeLinksParts, 'nodeName' | 'links'>,
): void {
  const attached = (one: AnnouncedInterface) => {
    addresses.attached(announcedEni(one, addresses.enis));
    addresses.invalidate(`NodeENI ${one.nodeEni} attached ${one.id}`);
  };
  const changed = () => bus.linksChanged.publish();
  const parts = { process, kube: client, nodeName, ownNode, attached, changed, links };
  supervisor.keep('links of NodeENIs', (signal) => followNodeLinks(parts, signal));
}

/** Serves the NodeENIs of this node while the cluster knows the resource; without it there is no watch. Never rejects. */
async function followNodeLinks(parts: NodeLinksParts, signal: AbortSignal): Promise<void> {
  const { process, kube: client } = parts;
  const { clock, random, log } = process;
  await whileServed(
    {
      client,
      clock,
      random,
      types: [NODE_ENI_TYPE, MULTI_ENI_TYPE],
      serve: (serving) => serve(parts, serving),
      onProblem: (error) => log.warn('cannot find out whether the cluster has NodeENIs', { error }),
    },
    signal,
  );
}

async function serve(parts: NodeLinksParts, signal: AbortSignal): Promise<void> {
  const { process, kube, nodeName, ownNode, attached, changed } = parts;
  const { clock } = process;
  const { links: port = { read: readHostLinks, change: changeLink } } = parts;
  const links = new NodeLinks({
    process,
    attached,
    changed,
    links: port,
    reports: {
      condition: (report) => writeLinksCondition(kube, nodeName, report, clock.now()),
      label: (ready) => writeLinksLabel(kube, nodeName, ready),
      removeTaint: (taints) => removeStartupTaint(kube, nodeName, taints).catch(unlessTaintsChanged),
    },
    ownNode: () => ownNode.node,
  });
  ownNode.need('NodeENIs', () => links.trigger());
  await links.run(signal);
  ownNode.need('NodeENIs', undefined);
}

/** The `test` of the patch failed: the watch brings the new taints, and with them the next try. */
function unlessTaintsChanged(error: unknown): void {
  if (!(isKubeError(error) && (error.status === 422 || error.status === 409))) throw error;
}
