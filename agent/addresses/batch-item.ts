import type { Action } from '../../lib/model/addresses/action.ts';
import { familyOf } from '../../lib/model/ip.ts';
import type { BatchItem } from '../../lib/runtime/batcher.ts';
import { actionKey } from './outcome.ts';

/** What of the same shape arrives meanwhile leaves in one call; failover first, releases last. */
export function batchItem(action: Action): BatchItem<Action> {
  const family = familyOf(action.address);
  return action.kind === 'assign'
    ? {
        key: actionKey(action),
        shape: `assign ${family} ${action.takeover}`,
        priority: action.urgent ? 0 : 1,
        value: action,
      }
    : { key: actionKey(action), shape: `unassign ${family}`, priority: 2, value: action };
}
