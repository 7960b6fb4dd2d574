import { randomBytes } from 'node:crypto';

/** Session tokens of one instance: reusable until they expire (facts §2). */
export class SessionTokens {
  readonly #now: () => number;
  readonly #expiry = new Map<string, number>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A new token; undefined unless the TTL is an integer of 1 to 21 600 seconds. */
  issue(ttlSeconds: string | undefined): string | undefined {
    if (!/^\d{1,5}$/.test(ttlSeconds ?? '')) return undefined;
    const ttl = Number(ttlSeconds);
    if (ttl < 1 || ttl > 21_600) return undefined;
    this.#sweep();
    const token = randomBytes(40).toString('base64url');
    this.#expiry.set(token, this.#now() + ttl * 1000);
    return token;
  }

  isValid(token: string): boolean {
    return (this.#expiry.get(token) ?? Number.NEGATIVE_INFINITY) > this.#now();
  }

  /** Forgets all tokens, as a restart of the service does. */
  revokeAll(): void {
    this.#expiry.clear();
  }

  #sweep(): void {
    for (const [token, expiry] of this.#expiry) if (expiry <= this.#now()) this.#expiry.delete(token);
  }
}
