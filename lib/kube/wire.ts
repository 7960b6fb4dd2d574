import type { RawObject } from './object-store.ts';

/**
 * One of client-node's types as it comes over the wire: times are text, not `Date`, nothing is promised to be there, because what the
 * server sends is not ours to promise, and nobody changes it. client-node's own conversion to its classes is not used: it would make
 * an object of each part of each pod.
 */
export type Wire<T> = RawObject & Part<T>;

export type Part<T> = T extends Date
  ? string
  : T extends readonly (infer Entry)[]
    ? readonly Part<Entry>[]
    : T extends object
      ? string extends keyof T
        ? { readonly [Key in keyof T]: Part<T[Key]> }
        : { readonly [Key in keyof T]?: Part<T[Key]> }
      : T;
