/** An interface or an object type with a name, as the formatter writes it. */
interface Shape {
  readonly name: string;
  readonly own: readonly string[];
  readonly bases: readonly Base[];
}

/** Another shape whose fields it has, too: all of them, without some, or only some. */
interface Base {
  readonly name: string;
  readonly kind: 'all' | 'Omit' | 'Pick';
  readonly fields: readonly string[];
}

export interface OptionBag {
  readonly name: string;
  readonly fields: readonly string[];
}

const NAMED = /(?:Options|Parts|Deps|Dependencies)$/;
/** A parameter or a private field of this name takes one. */
const ROLE = /\b#?(?:options|parts|deps|dependencies)\??: (?:Readonly<|Partial<)?([A-Z]\w*)/g;
const DECLARATION = /^(?:export )?(?:interface (\w+)[^\n]*?\{|type (\w+)(?:<[^=\n]*>)? =\s[^;{]*?\{)\n(.*?)\n\}/gms;
const ALIAS = /^(?:export )?type (\w+)(?:<[^=\n]*>)? =\s([^;{}]*);$/gm;
const BASE = /(?:(Omit|Pick)<(\w+)(?:<[^<>]*>)?,\s*((?:\|?\s*'\w+'\s*)+)>)|\b([A-Z]\w+)/g;

/**
 * What constructors and functions are given to work with: types called so, or taken by parameters called so, with their fields. Records
 * of what is known (objects, snapshots, plans) are none. A base in another file is found by its name.
 */
export function optionBagsIn(sources: readonly string[]): readonly OptionBag[] {
  const local = sources.map(shapesIn);
  const everywhere = new Map(local.flatMap((shapes) => [...shapes]));
  return sources.flatMap((source, index) => {
    const here = local[index] ?? new Map<string, Shape>();
    const find = (name: string) => here.get(name) ?? everywhere.get(name);
    const taken = new Set(Array.from(source.matchAll(ROLE), ([, name = '']) => name));
    return Array.from(here.values())
      .filter(({ name }) => NAMED.test(name) || taken.has(name))
      .map(({ name }) => ({ name, fields: [...fieldsOf(name, find)] }));
  });
}

function shapesIn(source: string): Map<string, Shape> {
  const code = source.replaceAll(/^\s*(?:\/\/|\/?\*).*$\n/gm, '');
  const found = new Map<string, Shape>();
  for (const [text, alias, bases = ''] of code.matchAll(ALIAS))
    if (text !== '' && alias !== undefined) found.set(alias, { name: alias, own: [], bases: basesIn(bases) });
  for (const [text, ofInterface, ofType, body = ''] of code.matchAll(DECLARATION)) {
    const name = ofInterface ?? ofType ?? '';
    const head = text.slice(text.indexOf(name) + name.length, text.indexOf(body)).replace(/^<[^{=]*?>(?= )/, '');
    const own = Array.from(body.matchAll(/^ {2}(?:readonly )?(\w+)(?:\?|<[^(]*>)?[:(]/gm), ([, field = '']) => field);
    found.set(name, { name, own, bases: basesIn(head) });
  }
  return found;
}

function basesIn(text: string): readonly Base[] {
  return Array.from(text.matchAll(BASE), ([, kind, wrapped, fields = '', plain = '']) => ({
    name: wrapped ?? plain,
    kind: kind === 'Omit' || kind === 'Pick' ? kind : 'all',
    fields: Array.from(fields.matchAll(/\w+/g), ([field]) => field),
  }));
}

function fieldsOf(name: string, find: (name: string) => Shape | undefined, seen: readonly string[] = []): Set<string> {
  const shape = find(name);
  if (shape === undefined || seen.includes(name)) return new Set();
  const inherited = shape.bases.flatMap(({ name: base, kind, fields }) => {
    const all = [...fieldsOf(base, find, [...seen, name])];
    if (kind === 'Pick') return [...fields];
    return kind === 'Omit' ? all.filter((field) => !fields.includes(field)) : all;
  });
  return new Set([...shape.own, ...inherited]);
}
