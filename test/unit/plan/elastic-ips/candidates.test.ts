import { describe, expect, it } from 'vitest';
import { parseElements } from '../../../../lib/dialect/own-grammar.ts';
import { isSuitable } from '../../../../lib/plan/elastic-ips/candidates.ts';
import { claim, eip } from './snapshots.ts';

describe('an Elastic IP asked for by its tag', () => {
  it.each<[string, Record<string, string>, boolean]>([
    ['tag:team', { team: 'media' }, true],
    ['tag:team', { team: '' }, true],
    ['tag:team=media', { team: 'media' }, true],
    ['tag:team=media', { team: 'games' }, false],
    ['tag:team', {}, false],
    ['tag:constructor', {}, false],
    ['tag:toString', { Name: 'stranger' }, false],
    ['tag:__proto__', {}, false],
    ['tag:hasOwnProperty', {}, false],
    ['tag:constructor', { constructor: 'mine' }, true],
  ])('%s, of one with the tags %j: %s', (text, tags, expected) => {
    const source = parseElements(text).elements[0]?.source;

    expect(source && isSuitable(claim('p', source), eip('eipalloc-1', { tags }))).toBe(expected);
  });
});
