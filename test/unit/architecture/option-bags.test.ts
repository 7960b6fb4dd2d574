import { describe, expect, it } from 'vitest';
import { optionBagsIn } from './option-bags.ts';
import { contentOf, filesIn } from './source-tree.ts';

const SOURCES = ['agent', 'lib', 'sim', 'bench', 'demo', 'daemonset', 'test/support'].flatMap((folder) =>
  filesIn(folder, '.ts'),
);

/** More is not one thing any more: its fields belong to concepts that have names (`process`, `ec2`, `instance`, `reports`). */
const MOST_FIELDS = 7;

describe('what constructors and functions are given', () => {
  const bags = optionBagsIn(SOURCES.map(contentOf));

  it(`has at most ${MOST_FIELDS} fields`, () => {
    expect(bags.filter(({ fields }) => fields.length > MOST_FIELDS)).toEqual([]);
  });

  it('is found', () => {
    expect(bags.length).toBeGreaterThan(100);
    expect(bags.find(({ name }) => name === 'AddressReconcilerOptions')?.fields).toContain('process');
  });
});

describe('the search', () => {
  it.each([
    [
      'an interface by its name',
      'export interface LoopParts {\n  readonly a: number;\n  b(x: string): void;\n}',
      'a b',
    ],
    [
      'a generic one with comments and nested types',
      'interface LoopOptions<T extends { x: 1 } = never> {\n  /** c: no field */\n  readonly a: { readonly inner: T };\n  readonly b?: {\n    readonly deep: T;\n  };\n}',
      'a b',
    ],
    [
      'by the parameter that takes it',
      'interface Bag {\n  readonly a: number;\n}\nfunction open(options: Bag) {}',
      'a',
    ],
    [
      'with what it extends',
      "interface Base {\n  readonly a: 1;\n  readonly b: 1;\n}\ninterface LoopParts extends Omit<Base, 'a'> {\n  readonly c: 1;\n}",
      'c b',
    ],
    [
      'with what it picks',
      "interface Base {\n  readonly a: 1;\n  readonly b: 1;\n}\ntype LoopParts = Pick<Base, 'a'> & {\n  readonly c: 1;\n};",
      'c a',
    ],
    [
      'as another name for a part of a type',
      "interface Base {\n  readonly a: 1;\n  readonly b: 1;\n}\ntype LoopParts = Omit<Base, 'b'>;",
      'a',
    ],
  ])('finds %s', (_, source, expected) => {
    expect(optionBagsIn([source]).at(-1)?.fields.join(' ')).toBe(expected);
  });

  it('passes over records', () => {
    expect(optionBagsIn(['interface Snapshot {\n  readonly a: number;\n}\nfunction plan(now: Snapshot) {}'])).toEqual(
      [],
    );
  });
});
