import { eniKey } from '../../model/eni-objects/eni-object.ts';
import type { EniDecision, EniSnapshot } from '../../model/eni-objects/plan.ts';
import type { InterfacePlace } from '../../model/network-interface.ts';
import { decideObject } from './decide-object.ts';

/**
 * The next step for every ENI object.
 *
 * Guarantees: pure; at most one step an object; two objects never get one place on an instance; never a step for an interface that is
 * not the object's by its tags in EC2, whatever the object's status names.
 */
export function planEnis(snapshot: EniSnapshot): readonly EniDecision[] {
  const planned = new Map<string, readonly InterfacePlace[]>();
  const ordered = snapshot.objects.toSorted((a, b) => (eniKey(a) < eniKey(b) ? -1 : 1));
  return ordered.map((object) => {
    const decision = decideObject(object, snapshot, planned);
    if (decision.step?.kind === 'attach') {
      const { instanceId, deviceIndex, networkCard } = decision.step;
      planned.set(instanceId, [...(planned.get(instanceId) ?? []), { deviceIndex, networkCard }]);
    }
    return decision;
  });
}
