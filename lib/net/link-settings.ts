import type { HostLink, LinkStep } from '../model/node-links/node-links.ts';
import { CommandError, run } from './command.ts';
import { readLinks } from './read-links.ts';

/** The links of our own network namespace with their settings. @throws {CommandError} */
export async function readHostLinks(signal: AbortSignal): Promise<readonly HostLink[]> {
  const links = await readLinks(undefined, signal);
  return links.map(({ name, altNames, mac, up, mtu, parentIndex, parentNetns, addresses }) => ({
    name,
    altNames,
    mac,
    up,
    mtu,
    child: parentIndex !== undefined && parentNetns === undefined,
    addresses: addresses.map(({ ip, prefixLength }) => ({ ip, prefixLength })),
  }));
}

/**
 * Makes one change of a link of our own network namespace; one that is made already is fine.
 * @throws {CommandError} `gone` when there is no such link; `denied` without CAP_NET_ADMIN.
 */
export async function changeLink(step: LinkStep, signal: AbortSignal): Promise<void> {
  try {
    await run('ip', argumentsOf(step), signal);
  } catch (error) {
    if (!(error instanceof CommandError && DONE_ALREADY[step.kind]?.test(error.stderr))) throw error;
  }
}

const DONE_ALREADY: Partial<Record<LinkStep['kind'], RegExp>> = {
  'add-name': /File exists/i,
  'remove-name': /No such file or directory|No such device|Cannot find/i,
  'remove-address': /Cannot assign requested address|address not found/i,
};

function argumentsOf(step: LinkStep): readonly string[] {
  switch (step.kind) {
    case 'set-mtu':
      return ['link', 'set', 'dev', step.link, 'mtu', String(step.mtu)];
    case 'set-up':
      return ['link', 'set', 'dev', step.link, 'up'];
    case 'add-name':
      return ['link', 'property', 'add', 'dev', step.link, 'altname', step.name];
    case 'remove-name':
      return ['link', 'property', 'del', 'dev', step.link, 'altname', step.name];
    case 'remove-address':
      return ['addr', 'del', `${step.ip}/${step.prefixLength}`, 'dev', step.link];
  }
}
