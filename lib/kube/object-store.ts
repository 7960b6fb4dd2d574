/** What every API object carries. */
export interface RawObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: RawMetadata;
}

export interface RawMetadata {
  readonly namespace?: string;
  readonly name: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
}

export type Change<T> =
  | { readonly type: 'added'; readonly key: string; readonly item: T }
  | { readonly type: 'updated'; readonly key: string; readonly item: T; readonly previous: T }
  | { readonly type: 'deleted'; readonly key: string; readonly previous: T };

/**
 * The converted objects of one collection by `namespace/name` (or name). Identity is the uid: an object that was recreated under
 * the same name while nobody looked is a deletion and an addition, never an update.
 */
export interface ObjectStore<T> {
  readonly items: ReadonlyMap<string, T>;
  upsert(object: RawObject): Change<T>[];
  remove(object: RawObject): Change<T>[];
  /** Makes the store equal to a list's entries and says what that changed, deletions first. */
  replace(entries: readonly StoreEntry<T>[]): Change<T>[];
  /** Converts at once, so that the raw object can be dropped. Undefined: of no interest, as if it did not exist. */
  convert(object: RawObject): StoreEntry<T>;
  /** The entry as it is known already, for an object whose new state could not be converted. */
  known(object: RawObject): StoreEntry<T>;
}

export interface StoreEntry<T> {
  readonly key: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly item: T | undefined;
}

export function createObjectStore<T>(convertItem: (raw: RawObject) => T | undefined): ObjectStore<T> {
  const items = new Map<string, T>();
  const versions = new Map<string, { uid: string; resourceVersion: string }>();

  const convert = (object: RawObject): StoreEntry<T> => ({ ...identify(object), item: convertItem(object) });

  function put({ key, uid, resourceVersion, item }: StoreEntry<T>): Change<T>[] {
    const known = versions.get(key);
    if (known?.uid === uid && known.resourceVersion === resourceVersion) return [];
    const gone = known !== undefined && known.uid !== uid ? drop(key) : [];
    if (item === undefined) return [...gone, ...drop(key)];
    const previous = items.get(key);
    items.set(key, item);
    versions.set(key, { uid, resourceVersion });
    return [...gone, previous === undefined ? { type: 'added', key, item } : { type: 'updated', key, item, previous }];
  }

  function drop(key: string): Change<T>[] {
    const previous = items.get(key);
    items.delete(key);
    versions.delete(key);
    return previous === undefined ? [] : [{ type: 'deleted', key, previous }];
  }

  return {
    items,
    convert,
    known(object) {
      const { key } = identify(object);
      return { key, uid: '', resourceVersion: '', ...versions.get(key), item: items.get(key) };
    },
    upsert: (object) => put(convert(object)),
    remove: (object) => drop(identify(object).key),
    replace(entries) {
      const listed = new Set(entries.map((entry) => entry.key));
      const gone = [...items.keys()].filter((key) => !listed.has(key)).flatMap(drop);
      return [...gone, ...entries.flatMap(put)];
    },
  };
}

function identify({ metadata }: RawObject): { key: string; uid: string; resourceVersion: string } {
  return {
    key: metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name,
    uid: metadata.uid ?? '',
    resourceVersion: metadata.resourceVersion ?? '',
  };
}
