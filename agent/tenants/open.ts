import { readEntries } from '../../lib/net/entry-folder.ts';
import type { Clock } from '../../lib/runtime/clock.ts';
import type { Logger } from '../../lib/runtime/logger.ts';
import type { Supervisor } from '../../lib/runtime/supervisor.ts';
import { TenantRules } from './tenant-rules.ts';

export interface TenantRulesParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly options: { readonly tenantPolicy: 'optional' | 'required'; readonly tenantPolicyDir: string };
  readonly supervisor: Supervisor;
  /** Another policy is in force. */
  readonly onChange: () => void;
}

/** The tenant policy of the mounted folder: read before anything is done, and followed from then on. @throws {Error} when it cannot be read. */
export async function openTenantRules(parts: TenantRulesParts): Promise<TenantRules> {
  const { clock, log, options, supervisor, onChange } = parts;
  const rules = new TenantRules({
    clock,
    log,
    required: options.tenantPolicy === 'required',
    read: () => readEntries(options.tenantPolicyDir),
    onChange,
  });
  await rules.load();
  supervisor.keep('tenant policy', (signal) => rules.follow(signal));
  return rules;
}
