import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** Where ports for servers are looked for: above the privileged and most registered ones. */
const FIRST = 15_000;
/** What Linux gives to outgoing connections starts there unless the machine says otherwise (ip_local_port_range). */
const USUAL_EPHEMERAL = 32_768;
const ATTEMPTS = 100;
/** What this process has given away, perhaps to a server that does not listen yet. */
const given = new Set<number>();

/**
 * A loopback port that was free a moment ago, and that no outgoing connection takes before its server listens: it is below the range from
 * which the kernel gives those out. (A client that tries a port of that range before anybody listens can even connect to itself.)
 * @throws when a hundred ports in a row are in use
 */
export async function freePort(): Promise<number> {
  const end = Math.max(firstEphemeral(), FIRST + 1_000);
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(FIRST, end);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${end}`);
}

function firstEphemeral(): number {
  try {
    const [first] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/);
    return Number(first) || USUAL_EPHEMERAL;
  } catch {
    return USUAL_EPHEMERAL;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
