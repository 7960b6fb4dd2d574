import { familyOf } from '../model/ip.ts';
import type { PodRouting } from '../model/routed-ips/pod-routing.ts';
import { CommandError, run } from './command.ts';

/**
 * Puts one line into the routing of our own namespace; what is there already is fine.
 * @throws {CommandError} `denied` without CAP_NET_ADMIN.
 */
export async function addRouting(line: PodRouting, signal: AbortSignal): Promise<void> {
  if (line.kind === 'route') {
    const { to = 'default', family, via, device, table } = line;
    const where = table === undefined ? [] : ['table', String(table)];
    await run('ip', [`-${family}`, 'route', 'replace', to, 'via', via, 'dev', device, 'onlink', ...where], signal);
    return;
  }
  try {
    await run('ip', [...ruleWords(line, 'add')], signal);
  } catch (error) {
    if (!(error instanceof CommandError && /File exists/i.test(error.stderr))) throw error;
  }
}

/** Takes a rule of an address that is gone away again; routes go with their interface. */
export async function removeRouting(line: PodRouting, signal: AbortSignal): Promise<void> {
  if (line.kind !== 'rule') return;
  try {
    await run('ip', [...ruleWords(line, 'del')], signal);
  } catch (error) {
    if (!(error instanceof CommandError && /No such (file|process)/i.test(error.stderr))) throw error;
  }
}

function ruleWords({ from, table }: PodRouting & { readonly kind: 'rule' }, verb: 'add' | 'del'): readonly string[] {
  return [`-${familyOf(from)}`, 'rule', verb, 'from', from, 'table', String(table)];
}
