import { statSync } from 'node:fs';
import { join } from 'node:path';
import { integerOf, objectsOf, parseJson, textOf } from '../model/json.ts';
import { isFault, run } from './command.ts';
import { SingleFlight } from './single-flight.ts';

/** The only folder whose names `ip netns` knows. */
export const NAMED_NAMESPACES = '/run/netns';

/**
 * The ids by which the kernel names pod namespaces in events (`all-nsid`), and the names that they belong to.
 *
 * Ids are given once, never change, are freed with the namespace and then given to another one: a name that is gone is forgotten
 * at once, and a new name is looked up before its id is trusted.
 */
export class Nsids {
  readonly #signal: AbortSignal;
  readonly #names = new Map<number, string>();
  readonly #listing = new SingleFlight(() => this.#list());
  #fault: unknown;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  nameOf(nsid: number): string | undefined {
    return this.#names.get(nsid);
  }

  has(name: string): boolean {
    return [...this.#names.values()].includes(name);
  }

  forget(name: string): void {
    for (const [nsid, known] of this.#names) if (known === name) this.#names.delete(nsid);
  }

  /** Reads all ids again. @throws {CommandError} */
  async refresh(): Promise<void> {
    await this.#listing.request();
    if (this.#fault !== undefined) throw this.#fault;
  }

  /**
   * Gives the namespace an id unless it has one, and learns it. False when `ip netns` knows no such name, or knows another namespace
   * by it: then no event will report it. Most pods have an id already, because their veth's other end is here.
   * @throws {CommandError} `invalid` when the name is not bound to a namespace yet; `denied`.
   */
  async give(name: string, path: string): Promise<boolean> {
    if (isAnother(name, path)) return false;
    try {
      await run('ip', ['netns', 'set', name, 'auto'], this.#signal);
    } catch (error) {
      if (isFault(error, 'gone')) return false;
      if (!isFault(error, 'failed') || !error.stderr.includes('already has a nsid')) throw error;
    }
    await this.refresh();
    return this.has(name);
  }

  async #list(): Promise<void> {
    try {
      const list = objectsOf(parseJson(await run('ip', ['-j', 'netns', 'list-id'], this.#signal)));
      this.#names.clear();
      for (const { nsid, name } of list) this.#learn(integerOf(nsid), textOf(name));
      this.#fault = undefined;
    } catch (error) {
      this.#fault = error;
    }
  }

  #learn(nsid: number | undefined, name: string | undefined): void {
    if (nsid !== undefined && name !== undefined) this.#names.set(nsid, name);
  }
}

/** True when the name is bound in the usual folder too, but to another namespace than the one at `path`. */
function isAnother(name: string, path: string): boolean {
  const usual = join(NAMED_NAMESPACES, name);
  const identity = namespaceIdentity(usual);
  return usual !== path && identity !== undefined && identity !== namespaceIdentity(path);
}

/** Reports namespaces apart that are bound at one path one after the other; undefined when nothing is there. */
export function namespaceIdentity(path: string): string | undefined {
  try {
    const stats = statSync(path);
    return `${stats.dev}:${stats.ino}:${stats.ctimeMs}`;
  } catch {
    return undefined;
  }
}
