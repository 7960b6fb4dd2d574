import type { Paint } from '../agent/text/paint.ts';

/** The world at one moment, as the map draws it. */
export interface MapView {
  readonly nodes: readonly NodeView[];
  /** Running replicas of the controller, and whether one leads. */
  readonly controller: string;
}

export interface NodeView {
  readonly name: string;
  readonly state: 'ready' | 'cordoned' | 'down';
  readonly enis: readonly EniView[];
}

export interface EniView {
  readonly subnet: string;
  /** IPv4 slots, the primary address included. */
  readonly used: number;
  readonly limit: number;
  readonly holders: readonly Holder[];
}

/** Who uses addresses of an ENI: a pod, a FloatingIP, or somebody else. */
export interface Holder {
  readonly name: string;
  readonly kind: 'pod' | 'floating' | 'other';
  readonly addresses: readonly string[];
  readonly publicIps: readonly string[];
}

/** Three of them, the gaps and the indentation are 79 columns. */
const NODE_COLUMNS = 24;
const GAP = '  ';
const INDENT = '   ';
const BAR = 8;
/** Pods shown of one ENI; a burst has a hundred. */
const MOST_HOLDERS = 3;

interface Line {
  readonly text: string;
  readonly style?: keyof Paint;
}

/** Nodes side by side, below each its ENIs as bars of slots, below each ENI who uses its addresses. At most 80 columns for three nodes. */
export function renderMap({ nodes, controller }: MapView, paint: Paint): readonly string[] {
  const columns = nodes.map(nodeLines);
  const height = Math.max(...columns.map(({ length }) => length));
  const rows = Array.from({ length: height }, (_, row) =>
    columns.map((lines) => painted(lines[row] ?? { text: '' }, paint)).join(GAP),
  );
  const last = controller === '' ? [] : [`${INDENT}${paint.dim(controller)}`];
  return [...rows.map((row) => `${INDENT}${row}`.trimEnd()), ...last];
}

function painted({ text, style }: Line, paint: Paint): string {
  const cut = text.length > NODE_COLUMNS ? `${text.slice(0, NODE_COLUMNS - 1)}…` : text.padEnd(NODE_COLUMNS);
  return style === undefined ? cut : paint[style](cut);
}

function nodeLines({ name, state, enis }: NodeView): readonly Line[] {
  const isDown = state === 'down';
  const head: Line = { text: state === 'ready' ? name : `${name} (${state})`, style: isDown ? 'bad' : 'bold' };
  return [head, ...enis.flatMap((eni) => eniLines(eni, isDown))];
}

function eniLines({ subnet, used, limit, holders }: EniView, isDown: boolean): readonly Line[] {
  const full = used === 0 ? 0 : Math.max(1, Math.round((used / limit) * BAR));
  const bar = `${'█'.repeat(Math.min(full, BAR))}${'░'.repeat(Math.max(0, BAR - full))}`;
  const share = `${used}/${limit}`.padStart(5);
  const head: Line = { text: `${subnet.padEnd(6)}${bar} ${share}`, style: used / limit > 0.9 ? 'warn' : 'dim' };
  const more = holders.length - MOST_HOLDERS;
  const shown = holders.slice(0, MOST_HOLDERS).map((holder) => holderLine(holder, isDown));
  return [head, ...shown.flat(), ...(more > 0 ? [{ text: `  and ${more} more`, style: 'dim' as const }] : [])];
}

function holderLine({ name, kind, addresses, publicIps }: Holder, isDown: boolean): readonly Line[] {
  const mark = kind === 'floating' ? '◆' : ' ';
  const style = isDown || kind === 'other' ? 'dim' : kind === 'floating' ? 'warn' : 'good';
  const own: Line = { text: ` ${mark}${name} ${addresses.map(tail).join(' ')}`, style };
  return [own, ...publicIps.map((ip): Line => ({ text: `  ↳ ${ip}`, style: 'bold' }))];
}

/** The last number of an IPv4 address; the node and subnet are above it. */
function tail(address: string): string {
  return address.includes(':') ? `:${address.split(':').at(-1)}` : `.${address.split('.').at(-1)}`;
}
