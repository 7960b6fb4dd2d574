import type {
  AnnouncedInterface,
  HostLink,
  LinkStep,
  LinksPlan,
  LinksReason,
  NodeLinksState,
} from '../../model/node-links/node-links.ts';

interface Finding {
  readonly steps: readonly LinkStep[];
  readonly fault?: { readonly reason: LinksReason; readonly message: string };
}

const NONE_WANTED = { ready: true, reason: 'NoneWanted', message: 'no NodeENI selects this node' } as const;

/**
 * What to change on the host's links so that they are as the controller announced, and whether the node may take Multus pods. The link of
 * an announced interface is the one that has its MAC address itself; an announcement without such a link changes nothing.
 */
export function planLinks(node: NodeLinksState, links: readonly HostLink[]): LinksPlan {
  const { announcement } = node;
  if (announcement === undefined) return { steps: [], report: unannounced(node) };
  const { wanted, interfaces } = announcement;
  const findings = interfaces.map((one) => settle(one, links));
  const steps = findings.flatMap((finding) => finding.steps);
  const attached = interfaces.filter(({ state }) => state === 'attached').length;
  // What is only leaving does not make the node one for new pods.
  if (wanted === 0 && attached === 0) return { steps, report: NONE_WANTED };
  const fault = findings.find((finding) => finding.fault !== undefined)?.fault;
  if (fault !== undefined) return { steps, report: { ready: false, ...fault } };
  if (attached < wanted) {
    const message = `${attached} of ${wanted} interfaces are attached`;
    return { steps, report: { ready: false, reason: 'WaitingForInterfaces', message } };
  }
  const message = `${attached} of ${wanted} interfaces are attached, up and named`;
  return { steps, report: { ready: true, reason: 'Ready', message } };
}

/** Without a word of the controller the node waits while it has the startup taint; what was reported before is over. */
function unannounced({ tainted, labelled, reported }: NodeLinksState): LinksPlan['report'] {
  const message = 'the controller has not said yet which interfaces this node gets';
  if (tainted) return { ready: false, reason: 'WaitingForInterfaces', message };
  return labelled || reported !== undefined ? NONE_WANTED : undefined;
}

function settle(one: AnnouncedInterface, links: readonly HostLink[]): Finding {
  const link = links.find(({ mac, child }) => mac === one.mac && !child);
  if (one.state === 'leaving') return { steps: link === undefined ? [] : nameSteps(one, link, 'remove') };
  if (link === undefined) {
    const message = `no link of this host has the MAC address ${one.mac} of ${one.id} (${one.nodeEni}) yet`;
    return { steps: [], fault: { reason: 'LinkMissing', message } };
  }
  const rival = links.find((other) => other !== link && one.name !== undefined && isCalled(other, one.name));
  if (rival !== undefined) {
    const message = `the link ${rival.name} already has the name ${one.name}; choose another interfaceName for ${one.nodeEni}`;
    return { steps: configuring(one, link), fault: { reason: 'NameTaken', message } };
  }
  const steps = [...configuring(one, link), ...nameSteps(one, link, 'add')];
  if (steps.length === 0) return { steps };
  const message = `${link.name} (${one.id}) still needs: ${steps.map(describe).join(', ')}`;
  return { steps, fault: { reason: 'LinkNotConfigured', message } };
}

/** The MTU before the link goes up, so that no packet leaves with another one; its name last, because with it pods may come. */
function configuring(one: AnnouncedInterface, link: HostLink): LinkStep[] {
  const steps: LinkStep[] = [];
  if (one.mtu !== undefined && link.mtu !== one.mtu) steps.push({ kind: 'set-mtu', link: link.name, mtu: one.mtu });
  for (const { ip, prefixLength } of link.addresses)
    if (ip === one.address) steps.push({ kind: 'remove-address', link: link.name, ip, prefixLength });
  if (!link.up) steps.push({ kind: 'set-up', link: link.name });
  return steps;
}

function nameSteps({ name }: AnnouncedInterface, link: HostLink, verb: 'add' | 'remove'): LinkStep[] {
  if (name === undefined || link.name === name) return [];
  const has = link.altNames.includes(name);
  if (verb === 'add') return has ? [] : [{ kind: 'add-name', link: link.name, name }];
  return has ? [{ kind: 'remove-name', link: link.name, name }] : [];
}

function isCalled(link: HostLink, name: string): boolean {
  return link.name === name || link.altNames.includes(name);
}

function describe(step: LinkStep): string {
  switch (step.kind) {
    case 'set-mtu':
      return `MTU ${step.mtu}`;
    case 'add-name':
      return `the name ${step.name}`;
    case 'remove-name':
      return `the name ${step.name} removed`;
    case 'remove-address':
      return `${step.ip} removed`;
    case 'set-up':
      return 'to be up';
  }
}
