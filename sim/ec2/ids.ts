/** Makes the next id of a kind; the same sequence of requests gives the same ids. */
export interface IdSource {
  next(prefix: IdPrefix): string;
  /** A locally administered MAC, never given twice. */
  nextMac(): string;
}

export type IdPrefix =
  | 'eni'
  | 'eni-attach'
  | 'i'
  | 'subnet'
  | 'vpc'
  | 'sg'
  | 'scr'
  | 'eipalloc'
  | 'eipassoc'
  | 'r'
  | 'ipv4pool-ec2'
  | 'rtb'
  | 'rtbassoc';

/** Counts up: `eni-00000000000000001`, with EC2's seventeen hexadecimal digits. */
export function countingIds(): IdSource {
  const counters = new Map<string, number>();
  const count = (kind: string) => {
    const next = (counters.get(kind) ?? 0) + 1;
    counters.set(kind, next);
    return next;
  };
  return {
    next: (prefix) => `${prefix}-${count(prefix).toString(16).padStart(17, '0')}`,
    nextMac: () => {
      const digits = count('mac').toString(16).padStart(10, '0');
      return `0a:${(digits.match(/../g) ?? []).join(':')}`;
    },
  };
}
