import type { LiveInterface } from '../../lib/model/addresses/observation.ts';
import type { Eni } from '../../lib/model/eni.ts';
import type { Cidr, IpAddress } from '../../lib/model/ip.ts';
import type { PodRouting } from '../../lib/model/routed-ips/pod-routing.ts';
import { CommandError } from '../../lib/net/command.ts';
import { addRouting, removeRouting } from '../../lib/net/pod-routing.ts';
import { podRouting } from '../../lib/plan/routed-ips/pod-routing.ts';
import type { Logger } from '../../lib/runtime/logger.ts';

export interface PodRoutingOptions {
  readonly log: Logger;
  readonly useSbr: boolean;
  /** By the order of the interfaces' names. */
  readonly peers: readonly (readonly Cidr[])[];
  readonly signal: AbortSignal;
}

type Lines = ReadonlyMap<string, PodRouting>;

/** Keeps the pod's own rules and routes as `podRouting` wants them. What fails is logged once and tried again with the next look. */
export class OwnRouting {
  readonly #options: PodRoutingOptions;
  readonly #present = new Map<string, PodRouting>();
  #wanted: Lines = new Map();
  #working: Promise<void> | undefined;
  #fault: string | undefined;

  constructor(options: PodRoutingOptions) {
    this.#options = options;
  }

  update(interfaces: readonly LiveInterface[], enis: readonly Eni[], routed: ReadonlySet<IpAddress>): void {
    const { useSbr, peers, signal } = this.#options;
    if (signal.aborted || (!useSbr && peers.every((each) => each.length === 0))) return;
    const lines = podRouting({ interfaces, enis, routed, useSbr, peers });
    this.#wanted = new Map(lines.map((line) => [JSON.stringify(line), line]));
    this.#working ??= this.#work().finally(() => {
      this.#working = undefined;
    });
  }

  /** Resolves when nothing is under way, with what could not be set, for people; undefined when all is set. */
  async settled(): Promise<string | undefined> {
    await this.#working;
    return this.#fault;
  }

  async #work(): Promise<void> {
    const { log, signal } = this.#options;
    let done: Lines | undefined;
    try {
      // What is wanted may change while a command runs.
      while (done !== this.#wanted) {
        done = this.#wanted;
        await this.#apply(done);
      }
      this.#fault = undefined;
    } catch (error) {
      if (signal.aborted) return;
      const fault = `cannot set the pod's routing: ${reasonOf(error)}`;
      if (fault !== this.#fault) log.error(fault);
      this.#fault = fault;
    }
  }

  /** Adds before it removes: no packet falls between two rules. */
  async #apply(wanted: Lines): Promise<void> {
    const { log, signal } = this.#options;
    for (const [key, line] of wanted) {
      if (this.#present.has(key)) continue;
      await addRouting(line, signal);
      this.#present.set(key, line);
      log.info("set a line of the pod's routing", { ...line });
    }
    for (const [key, line] of this.#present) {
      if (wanted.has(key)) continue;
      await removeRouting(line, signal);
      this.#present.delete(key);
    }
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof CommandError && error.fault === 'denied')
    return `${error.stderr}; UseSBR and peers need the capability NET_ADMIN in the container's securityContext`;
  return error instanceof Error ? error.message : String(error);
}
