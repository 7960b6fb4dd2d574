import { describe, expect, it } from 'vitest';
import { contentOf, filesIn } from './source-tree.ts';

/** Turns of phrase that no native engineer writes, each with what to write instead. */
const UNIDIOMATIC: readonly (readonly [pattern: RegExp, instead: string])[] = [
  [/\banew\b/, 'again'],
  [/\bmend(?:s|ed|ing)?\b/, 'fix'],
  [/\bfor ever\b/, 'forever'],
  [
    /\b(?:is|was) no (?:option|address|name|number|list|object|text|type|JSON|IPv4|URL|error|fault|proof|lock)\b/,
    'is not a',
  ],
  [/\b(?:is|are|was|were|be|been) told(?! apart)\b/, 'is reported'],
  [/\basks? to slow down\b/, 'is throttling requests'],
  [/\bnothing stands in the way\b/i, 'all checks passed'],
  [/\bin good order\b/, 'cleanly'],
];

/** What a user reads: pages, definitions, and the text that the program prints. */
const READ_BY_USERS = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...filesIn('docs', '.md'),
  ...filesIn('samples', '.md', '.yaml'),
  ...filesIn('daemonset', '.yaml'),
];
const PROGRAM = ['agent', 'lib'].flatMap((folder) => filesIn(folder, '.ts'));

/** Names of ours, each with the field's. */
const OURS: typeof UNIDIOMATIC = [
  [/\b(?:rounds|onRound|roundsFailed)\b/, 'reconcile, health'],
  [/\b(?:story|\w+Story|teller|Teller)\b/, 'reporter'],
  [/\b[tT]old\b(?! apart)|\b(?:un|is)[tT]old\b|\btold[A-Z]\w*|\bTOLD\b/, 'reported, said, onEvent'],
  [/\b(?:on|last|un)?[hH]eard(?:At)?\b|\bHears\b/, 'onEvent, seen, learned'],
  [/\b(?:on)?[wW]ak(?:e|es|ing)\b|\b[wW]ok(?:e|en)\b|\bwake[A-Z]\w*/, 'trigger'],
  [/\b\w*[pP]erformer\b/, 'executor'],
  [/\b\w*[sS]et(?:b|B)ack\b/, 'back-off'],
  [
    /#troubles?\b|\bget trouble\(|\breadonly (?:blind|troubles?): \w*Refusal|\bEc2Budget\b/,
    'lastError, readError; rate limit',
  ],
  [/\bdoubtEnis\b|\baddresses\.doubt\(/, 'invalidate'],
  [/\b(?:Attempts|EniFacts|InterfaceFacts|LeaseHold|EipTaking)\b/, 'memory, cache'],
  [/\b[lL]anguages?: \w|\w+Languages\b|\bwhoAmI\b|\b[eE]c2-hand\b/, 'adapters; resolveIdentity; address writer'],
  [/\b(?:inventory|inventoryAt|readInventory)\b/, 'cache, or what is in it'],
  [/\b(?:takings|\w+Happened|happening)\b/, 'pending associations, recordEvent'],
  [/\b[wW]ish(?:e[sd]|ing)?\b|\b[wW]ish[A-Z]\w*|\w+Wish(?:es)?\b|\bwishe[sd][A-Z]\w*/, 'request, candidate'],
  [
    /\b[sS]tray(?:s|ed|ing)?\b|\b[sS]tray[A-Z]\w*|\w+Strays?\b|\bstray(?:s|ed)[A-Z]\w*/,
    'unclaimed, unmatched, misplaced',
  ],
  [/\b[cC]ontest(?:s|ed)?\b|\b[cC]ontested[A-Z]\w*|\w+Contested\b/, 'refusedAsHeld, conflict'],
  [/\b[eE]cho(?:es|ed|ing)?\b|\b(?:ECHO_|[eE]choe?d?[A-Z])\w*|\w+Echo(?:es|ed)?\b/, 'pending write'],
  [
    /\bunsure\b|'sure'|\bsure(?:\(|:)|\w+Marks\b|\bmarksOf\b|\bmarks(?:\(|:|\.)|\.marks\b|[/-]marks\.ts/,
    'held, uncertain; metadata, tags',
  ],
  [/'tell'|#tell\b|\btell\(/, 'report, writeStatus'],
  [/\b(?:Fate|fateOf|Standing|standingOf|NodeExchange)\b/, 'reclaim, existence; lease state; event bus'],
];

function findings(path: string, patterns = UNIDIOMATIC): readonly string[] {
  return contentOf(path)
    .split('\n')
    .flatMap((line, index) =>
      patterns
        .filter(([pattern]) => pattern.test(line))
        .map(([pattern, instead]) => `${path}:${index + 1}: write "${instead}" for ${pattern.source}`),
    );
}

describe('English', () => {
  it.each([
    ['what users read', READ_BY_USERS],
    ['the program, its messages and comments', PROGRAM],
  ])('is idiomatic in %s', (_, paths) => {
    expect(paths.flatMap((path) => findings(path))).toEqual([]);
  });

  it('calls things in the code as the field does', () => {
    expect(PROGRAM.flatMap((path) => findings(path, OURS))).toEqual([]);
    expect(PROGRAM.filter((path) => OURS.some(([pattern]) => pattern.test(path)))).toEqual([]);
  });

  it('would be found otherwise', () => {
    const line = 'x is no option; EC2 asks to slow down; it was told';
    expect(UNIDIOMATIC.filter(([pattern]) => pattern.test(line))).toHaveLength(3);
  });

  it.each([
    ['#wishedAt', true],
    ['ElasticIpWish', true],
    ['strayedSince', true],
    ['#contested', true],
    ['ECHO_MS', true],
    ['awaitsEcho(object)', true],
    ["state: 'sure'", true],
    ['dialect.marks(pod)', true],
    ['OwnNodeMarks', true],
    ['this.#tell(step)', true],
    ['NodeChoice', false],
    ['the uid makes sure that it is the same object; nobody can tell; tags that mark an interface', false],
  ])('takes %s for a name of ours: %s', (line, expected) => {
    expect(OURS.some(([pattern]) => pattern.test(line))).toBe(expected);
  });
});
