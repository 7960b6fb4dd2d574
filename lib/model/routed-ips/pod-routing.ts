import type { Cidr, IpAddress } from '../ip.ts';

/** One line of the pod's own routing; each can be put there again without harm. */
export type PodRouting =
  | { readonly kind: 'rule'; readonly from: IpAddress; readonly table: number }
  | {
      readonly kind: 'route';
      /** Undefined: the default route. */
      readonly to: Cidr | undefined;
      readonly family: 4 | 6;
      readonly via: IpAddress;
      readonly device: string;
      /** Undefined: the main table. */
      readonly table: number | undefined;
    };
