import type { KubeClient } from '../../lib/kube/client.ts';
import { findResource } from '../../lib/kube/custom-resources.ts';
import { isKubeError } from '../../lib/kube/kube-error.ts';
import {
  createNodeMarksReflector,
  type OwnNodeMarks,
  removeStartupTaint,
  writeLinksCondition,
  writeLinksLabel,
} from '../../lib/kube/node-marks.ts';
import type { Reflector } from '../../lib/kube/reflector.ts';
import type { AnnouncedInterface } from '../../lib/model/node-links/node-links.ts';
import { changeLink, readHostLinks } from '../../lib/net/link-settings.ts';
import type { ProcessParts } from '../process.ts';
import { NodeLinks } from './node-links.ts';

export interface NodeLinksParts extends Pick<ProcessParts, 'clock' | 'random' | 'log'> {
  readonly kube: KubeClient;
  readonly nodeName: string;
  readonly attached: (one: AnnouncedInterface) => void;
}

/** How often a cluster without NodeENIs is asked whether it has them now, ms: two small GETs. */
const DISCOVERY_MS = 300_000;

const KINDS = ['eni-agent.io', 'networking.k8s.aws'].map((group) => ({
  group,
  version: 'v1alpha1',
  plural: 'nodeenis',
  kind: 'NodeENI',
}));

/** Serves the NodeENIs of this node while the cluster knows the resource; without it there is no watch. Never rejects. */
export async function followNodeLinks(parts: NodeLinksParts, signal: AbortSignal): Promise<void> {
  const { clock, random, log, kube } = parts;
  while (!signal.aborted) {
    try {
      const served = await Promise.all(KINDS.map((kind) => findResource(kube, kind, signal)));
      if (served.some((resource) => resource !== undefined)) return await serve(parts, signal);
    } catch (error) {
      if (signal.aborted) return;
      log.warn('cannot find out whether the cluster has NodeENIs', { error });
      await clock.sleep(5_000 * (0.8 + 0.4 * random()), signal);
      continue;
    }
    await clock.sleep(DISCOVERY_MS * (0.8 + 0.4 * random()), signal);
  }
}

async function serve(parts: NodeLinksParts, signal: AbortSignal): Promise<void> {
  const { clock, random, log, kube, nodeName, attached } = parts;
  const node: Reflector<OwnNodeMarks> = createNodeMarksReflector({
    client: kube,
    clock,
    random,
    nodeName,
    onChange: () => links.wake(),
    onError: (error) => log.debug('the watch of our own Node failed and goes on', { error }),
  });
  const links = new NodeLinks({
    clock,
    random,
    log,
    attached,
    links: { read: readHostLinks, change: changeLink },
    reports: {
      condition: (report) => writeLinksCondition(kube, nodeName, report, clock.now()),
      label: (ready) => writeLinksLabel(kube, nodeName, ready),
      removeTaint: (taints) => removeStartupTaint(kube, nodeName, taints).catch(unlessTaintsChanged),
    },
    marks: () => node.get(nodeName),
  });
  await Promise.all([node.run(signal), links.run(signal)]);
}

/** The `test` of the patch failed: the watch brings the new taints, and with them the next try. */
function unlessTaintsChanged(error: unknown): void {
  if (!(isKubeError(error) && (error.status === 422 || error.status === 409))) throw error;
}
