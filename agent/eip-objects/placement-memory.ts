import { type ObjectStep, type PlaceQuery, type PrivatePlace, placeKey } from '../../lib/model/eip-objects/plan.ts';

/** An answer of EC2 older than this is asked for again before it is acted on, ms. */
const FRESH_MS = 10_000;
/** How long "not there" is believed, ms. */
const ABSENT_MS = 15_000;

/** What EC2 said about places that Elastic IPs are for. */
export class PlacementMemory {
  readonly #places = new Map<string, { readonly place: PrivatePlace | undefined; readonly at: number }>();

  found(query: PlaceQuery, place: PrivatePlace | undefined, now: number): void {
    this.#places.set(placeKey(query), { place, at: now });
  }

  /** A call to this place failed: whatever was known of it may be wrong. */
  distrust(query: PlaceQuery): void {
    this.#places.delete(placeKey(query));
  }

  /** By {@link placeKey}; undefined: asked for and not there. */
  known(now: number): ReadonlyMap<string, PrivatePlace | undefined> {
    for (const [key, { place, at }] of this.#places)
      if (place === undefined && at + ABSENT_MS <= now) this.#places.delete(key);
    return new Map([...this.#places].map(([key, { place }]) => [key, place]));
  }

  /** The step itself, or the look that must come before it. */
  freshened(step: ObjectStep, now: number): ObjectStep {
    if (step.kind !== 'associate' || step.query === undefined) return step;
    const known = this.#places.get(placeKey(step.query));
    if (known !== undefined && known.at + FRESH_MS > now) return step;
    return { kind: 'look-up', key: `place ${placeKey(step.query)}`, query: step.query };
  }
}
