import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A link in the form in which `ip -j addr show` prints it, as far as the agent reads it. */
export interface LinkState {
  readonly ifindex: number;
  readonly ifname: string;
  readonly address: string;
  readonly link_index?: number;
  readonly link_netnsid?: number;
  readonly flags: readonly string[];
  readonly mtu?: number;
  readonly altnames?: readonly string[];
  readonly addr_info: readonly AddressState[];
}

export interface AddressState {
  readonly family: 'inet' | 'inet6';
  readonly local: string;
  readonly prefixlen: number;
  readonly scope: string;
}

export interface NsidState {
  readonly nsid: number;
  readonly name: string;
}

/** A namespace's name, or undefined for the host's own. */
export type Scope = string | undefined;

/**
 * The state of the machine that the stand-in pretends to be, in files that the stand-in's commands print as they are:
 *
 *     links.json  own-events             the host's namespace
 *     ns/NAME/links.json  own-events     a pod's
 *     nsids.json  events                 ids, and the events of all namespaces that have one
 *
 * Files that are read as a whole are replaced by rename; event files are only appended to.
 */
export class MachineState {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  create(): void {
    this.createScope(undefined);
    writeFileSync(join(this.#root, 'events'), '');
    this.#replace(join(this.#root, 'nsids.json'), []);
  }

  createScope(scope: Scope): void {
    mkdirSync(this.#folder(scope), { recursive: true });
    writeFileSync(join(this.#folder(scope), 'own-events'), '');
    this.writeLinks(scope, []);
  }

  removeScope(scope: string): void {
    rmSync(this.#folder(scope), { recursive: true, force: true });
    this.#replace(
      join(this.#root, 'nsids.json'),
      this.nsids().filter(({ name }) => name !== scope),
    );
  }

  links(scope: Scope): readonly LinkState[] {
    return JSON.parse(readFileSync(join(this.#folder(scope), 'links.json'), 'utf8')) as LinkState[];
  }

  writeLinks(scope: Scope, links: readonly LinkState[]): void {
    this.#replace(join(this.#folder(scope), 'links.json'), links);
  }

  nsids(): readonly NsidState[] {
    return JSON.parse(readFileSync(join(this.#root, 'nsids.json'), 'utf8')) as NsidState[];
  }

  /** Gives the lowest free id: the kernel too gives freed ids to other namespaces (facts §6.3). */
  giveNsid(name: string): void {
    const used = new Set(this.nsids().map(({ nsid }) => nsid));
    let nsid = 0;
    while (used.has(nsid)) nsid += 1;
    this.#replace(join(this.#root, 'nsids.json'), [...this.nsids(), { nsid, name }]);
  }

  /** False when there is nothing to change: the address is there already, or is not there. */
  changeAddress(scope: Scope, verb: 'add' | 'del', ifname: string, cidr: string): boolean {
    const link = this.links(scope).find((candidate) => candidate.ifname === ifname);
    if (link === undefined) throw new Error(`Cannot find device "${ifname}"`);
    const address = addressOf(cidr);
    const others = link.addr_info.filter(({ local }) => local !== address.local);
    const present = others.length < link.addr_info.length;
    if (present === (verb === 'add')) return false;
    const changed = { ...link, addr_info: verb === 'add' ? [...others, address] : others };
    this.writeLinks(
      scope,
      this.links(scope).map((each) => (each.ifindex === link.ifindex ? changed : each)),
    );
    this.#announce(
      scope,
      `${verb === 'del' ? 'Deleted ' : ''}${link.ifindex}: ${ifname}    ${eventText(address, ifname)}`,
    );
    return true;
  }

  /** `ip link set dev NAME up|mtu N` and `ip link property add|del dev NAME altname ALIAS` in the host's namespace. */
  changeLink(args: readonly string[]): void {
    const ifname = args[args.indexOf('dev') + 1] ?? '';
    const links = this.links(undefined);
    if (!links.some((link) => link.ifname === ifname)) throw new Error(`Cannot find device "${ifname}"`);
    const change = (link: LinkState): LinkState => {
      const { flags, altnames = [] } = link;
      const value = args.at(-1) ?? '';
      if (args.includes('mtu')) return { ...link, mtu: Number(value) };
      if (value === 'up') return { ...link, flags: [...new Set([...flags, 'UP', 'LOWER_UP'])] };
      const others = altnames.filter((name) => name !== value);
      return { ...link, altnames: args.includes('add') ? [...others, value] : others };
    };
    this.writeLinks(
      undefined,
      links.map((link) => (link.ifname === ifname ? change(link) : link)),
    );
  }

  #announce(scope: Scope, line: string): void {
    const nsid = scope === undefined ? 'current' : this.nsids().find(({ name }) => name === scope)?.nsid;
    appendFileSync(join(this.#folder(scope), 'own-events'), `${line}\n`);
    if (nsid !== undefined) appendFileSync(join(this.#root, 'events'), `[nsid ${nsid}]${line}\n`);
  }

  #folder(scope: Scope): string {
    return scope === undefined ? this.#root : join(this.#root, 'ns', scope);
  }

  #replace(path: string, value: unknown): void {
    const temporary = `${path}.${process.pid}`;
    writeFileSync(temporary, `${JSON.stringify(value)}\n`);
    renameSync(temporary, path);
  }
}

export function addressOf(cidr: string): AddressState {
  const [local = '', length] = cidr.split('/');
  const family = local.includes(':') ? 'inet6' : 'inet';
  return { family, local, prefixlen: Number(length ?? (family === 'inet' ? 32 : 128)), scope: 'global' };
}

function eventText(address: AddressState, ifname: string): string {
  const label = address.family === 'inet' ? ifname : '';
  return `${address.family} ${address.local}/${address.prefixlen} scope global ${label}\\       valid_lft forever preferred_lft forever`;
}
