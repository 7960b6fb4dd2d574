/** A line through measured points, in the order of x. */
export interface PlotLine {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Plot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly lines: readonly PlotLine[];
}

const [WIDTH, HEIGHT] = [720, 400];
const FRAME = { left: 70, right: 190, top: 44, bottom: 52 };
const COLOURS = ['#b0413e', '#2b6cb0', '#2f855a'];

/** An SVG with both axes from 0, readable on a light and on a dark page; the same input gives the same text. */
export function linePlot({ title, x, y, lines }: Plot): string {
  const points = lines.flatMap((line) => line.points);
  const [xTicks, yTicks] = [
    ticks(Math.max(...points.map(([value]) => value))),
    ticks(Math.max(...points.map(([, value]) => value))),
  ];
  const toX = (value: number) => FRAME.left + (value / (xTicks.at(-1) ?? 1)) * (WIDTH - FRAME.left - FRAME.right);
  const toY = (value: number) =>
    HEIGHT - FRAME.bottom - (value / (yTicks.at(-1) ?? 1)) * (HEIGHT - FRAME.top - FRAME.bottom);
  const [bottom, right] = [toY(0), toX(xTicks.at(-1) ?? 1)];
  const grid = [
    ...yTicks.map((tick) => `<path d="M${FRAME.left} ${at(toY(tick))}H${at(right)}" stroke="#d0d0d0"/>`),
    ...yTicks.map((tick) => label(FRAME.left - 8, toY(tick) + 4, String(tick), 'end')),
    ...xTicks.map((tick) => label(toX(tick), bottom + 20, String(tick), 'middle')),
  ];
  const drawn = lines.flatMap(({ name, points: given }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? 'black';
    const path = given.map(([px, py]) => `${at(toX(px))} ${at(toY(py))}`).join('L');
    const dots = given.map(([px, py]) => `<circle cx="${at(toX(px))}" cy="${at(toY(py))}" r="3" fill="${colour}"/>`);
    const [lastX, lastY] = given.at(-1) ?? [0, 0];
    const named = label(toX(lastX) + 10, toY(lastY) + 4, name, 'start', colour);
    return [`<path d="M${path}" fill="none" stroke="${colour}" stroke-width="2"/>`, ...dots, named];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    `<title>${escape(title)}</title>`,
    label(FRAME.left, 22, title, 'start', '#222', 14),
    ...grid,
    label((FRAME.left + right) / 2, HEIGHT - 12, x, 'middle'),
    `<text transform="translate(18 ${at((FRAME.top + bottom) / 2)}) rotate(-90)" text-anchor="middle" fill="#444">${escape(y)}</text>`,
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

/** Round steps from 0 to at least the greatest value, five or a few more. */
function ticks(greatest: number): number[] {
  const rough = Math.max(greatest, 1e-9) / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * magnitude).find((candidate) => candidate >= rough) ?? magnitude;
  const count = Math.ceil(greatest / step);
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(6)));
}

function label(x: number, y: number, text: string, anchor: string, colour = '#444', size?: number): string {
  const font = size === undefined ? '' : ` font-size="${size}"`;
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}" fill="${colour}"${font}>${escape(text)}</text>`;
}

function at(value: number): string {
  return value.toFixed(1);
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
