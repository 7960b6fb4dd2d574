import { countingIds, type IdSource } from '../ec2/ids.ts';

/**
 * Ids that count up as usual, but MACs with the process id in them: worlds of several processes may share one machine, and an agent
 * finds the interfaces of its node by MAC.
 */
export function worldIds(pid: number): IdSource {
  const ids = countingIds();
  let macs = 0;
  return {
    next: (prefix) => ids.next(prefix),
    nextMac: () => {
      macs += 1;
      const digits = pid.toString(16).padStart(6, '0') + macs.toString(16).padStart(4, '0');
      return `0a:${(digits.match(/../g) ?? []).join(':')}`;
    },
  };
}
