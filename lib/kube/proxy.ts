import { BlockList, isIP } from 'node:net';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that the environment names for a server, by the rules of Go's clients, and so of kubectl: `HTTPS_PROXY` (or `HTTP_PROXY` for
 * a plain server), unless `NO_PROXY` lists the host, a domain above it, a CIDR or `*`; never for loopback. Lower case works as well.
 */
export function proxyFor(server: string, environment: Environment): string | undefined {
  const { protocol, hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  const proxy = setting(environment, protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY');
  if (!proxy || isLoopback(host)) return undefined;
  const exceptions = (setting(environment, 'NO_PROXY') ?? '').toLowerCase().split(',');
  const own = port || (protocol === 'https:' ? '443' : '80');
  if (exceptions.some((entry) => excepts(entry.trim(), host, own))) return undefined;
  return proxy.includes('://') ? proxy : `http://${proxy}`;
}

/** Loopback addresses and `localhost`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function setting(environment: Environment, name: string): string | undefined {
  return environment[name] || environment[name.toLowerCase()];
}

/** `*`, `host`, `.domain`, `*.domain`, `10.0.0.0/8`, each but the last perhaps with `:port`. */
function excepts(entry: string, host: string, port: string): boolean {
  if (entry === '' || entry === '*') return entry === '*';
  if (entry.includes('/')) return isInside(host, entry);
  const [, name = '', only] = /^\[?([^\]]*?)\]?(?::(\d+))?$/.exec(isIP(entry) === 6 ? `[${entry}]` : entry) ?? [];
  if (only !== undefined && only !== port) return false;
  const domain = name.replace(/^\*?\./, '');
  return host.endsWith(`.${domain}`) || (host === domain && domain === name);
}

function isInside(host: string, cidr: string): boolean {
  const [network = '', length = ''] = cidr.split('/');
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  try {
    list.addSubnet(network, Number(length), family);
  } catch {
    return false;
  }
  return isIP(host) === isIP(network) && list.check(host, family);
}
