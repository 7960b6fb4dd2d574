import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runBuiltin } from '../../../agent/builtins/builtins.ts';
import { completionScript } from '../../../agent/builtins/completion.ts';
import { SHELLS } from '../../../lib/config/builtins.ts';
import { COMMAND_NAMES } from '../../../lib/config/command.ts';
import { completions } from '../../../lib/config/complete.ts';
import { EXIT, exitCodeOfFault } from '../../../lib/config/exit-codes.ts';
import { renderHelp } from '../../../lib/config/render.ts';

describe('runBuiltin', () => {
  it('answers -h, help and nothing at all with the usage, which names every command', () => {
    const { text, code } = runBuiltin(undefined, []);

    expect(code).toBe(EXIT.ok);
    for (const name of [...COMMAND_NAMES, 'help', 'version', 'completion']) expect(text).toContain(`\n  ${name} `);
    for (const word of ['-h', '--help', 'help']) expect(runBuiltin(word, []).text).toBe(text);
  });

  it.each(['', ...COMMAND_NAMES, 'version', 'completion'])('fits the help of "%s" to a narrow terminal', (word) => {
    const lines = (columns?: number) => runBuiltin('help', word === '' ? [] : [word], columns).text.split('\n');

    expect(lines(80).filter((line) => line.length > 80)).toEqual([]);
    expect(lines(80).join(' ').split(/\s+/)).toEqual(lines(100).join(' ').split(/\s+/));
    expect(lines(240)).toEqual(lines(100));
    expect(lines()).toEqual(lines(100));
  });

  it('explains one command, and its exit codes', () => {
    expect(runBuiltin('help', ['status'])).toEqual({ text: `${renderHelp('status')}\n`, code: EXIT.ok });
    expect(renderHelp('status')).toMatch(/^Exit codes: 0 all is well; 1 something is wrong; 2/m);
  });

  it.each([
    ['stauts', 'unknown command "stauts"; did you mean status?'],
    ['versoin', 'unknown command "versoin"; did you mean version?'],
    ['demo', 'the demo is not part of the program; run npm run demo in a clone of the repository'],
    ['pods', 'unknown command "pods"; did you mean eni-agent status pods?'],
    ['pod', `unknown command "pod"; the commands are ${COMMAND_NAMES.join(', ')}`],
    ['--wide', 'unknown option "--wide"; a command comes first: eni-agent COMMAND [OPTIONS]'],
    ['frobnicate', `unknown command "frobnicate"; the commands are ${COMMAND_NAMES.join(', ')}`],
  ])('answers %s on one line with what was probably meant', (word, message) => {
    expect(runBuiltin(word, [])).toEqual({ text: `eni-agent: ${message}\n`, code: EXIT.usage });
    expect(runBuiltin('help', [word])).toEqual({ text: `eni-agent: ${message}\n`, code: EXIT.usage });
  });

  it('prints the version alone for scripts, and with commit and Node for people', () => {
    expect(runBuiltin('-v', []).text).toBe('dev\n');
    expect(runBuiltin('version', []).text).toBe(`eni-agent dev\ncommit unknown\nNode.js ${process.version}\n`);
  });

  it.each(['help', 'version', 'completion'])('explains the word %s, too', (word) => {
    const { text, code } = runBuiltin(word, ['-h']);

    expect(code).toBe(EXIT.ok);
    expect(text).toMatch(new RegExp(`^eni-agent ${word}: .+\n\nUsage:\n  .*eni-agent `));
    expect(runBuiltin('help', [word]).text).toBe(text);
  });

  it('wants the name of a shell that it knows', () => {
    expect(runBuiltin('completion', ['ksh'])).toMatchObject({ code: EXIT.usage });
    expect(runBuiltin('completion', ['bash'])).toEqual({ text: completionScript('bash'), code: EXIT.ok });
  });
});

describe('exitCodeOfFault', () => {
  it('keeps "could not find out" apart from "found something wrong"', () => {
    expect(exitCodeOfFault('status')).toBe(2);
    expect(exitCodeOfFault('node')).toBe(1);
    expect(exitCodeOfFault(undefined)).toBe(1);
  });
});

describe('completions', () => {
  it.each([
    [['sta'], ['status']],
    [['help', 'do'], ['doctor']],
    [
      ['completion', ''],
      ['bash', 'zsh', 'fish'],
    ],
    [['status', 'po'], ['pods']],
    [['status', '--out'], ['--output']],
    [['status', '--output=j'], ['--output=json']],
    [['status', '-o', 'y'], ['yaml']],
    [['status', '--wat'], ['--watch']],
    [['status', '--no-wat'], ['--no-watch']],
    [['status', '--node', ''], []],
    [['nonsense', ''], []],
  ])('completes %j with %j', (words, expected) => {
    expect(completions(words)).toEqual(expected);
  });
});

const SCRIPTS = {
  bash: `. "$1/bash"; COMP_LINE="$2"; COMP_POINT=\${#2}; _eni_agent; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // Tab in an interactive zsh on a terminal of its own.
  zsh: `zmodload zsh/zpty; zpty -b z zsh -f -i; said=
await() { for _ in {1..600}; do while zpty -r -t z line; do said+=$line; done; [[ $said == *$~1* ]] && return; sleep 0.1; done; }
zpty -w z "PS1=; LISTMAX=0; autoload -Uz compinit; compinit -u -D; source $1/zsh; print REA''DY"; await READY
said=; zpty -n -w z "$2"$'\\t\\t'; await "$3"; print -r -- "$said"`,
  fish: 'source $argv[1]/fish; complete -C "$argv[2]"',
} as const;

const missing = SHELLS.filter((shell) => spawnSync(shell, ['-c', 'true']).error !== undefined);
if (missing.length > 0) console.warn(`completion in ${missing.join(' and ')} skipped: not on this machine`);

describe('completion in a real shell', { timeout: 90_000 }, () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'completion-'));
    const program = join(folder, 'eni-agent');
    const main = join(import.meta.dirname, '../../../agent/main.ts');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
    chmodSync(program, 0o755);
    for (const shell of SHELLS) writeFileSync(join(folder, shell), completionScript(shell));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const cases = SHELLS.filter((shell) => !missing.includes(shell)).flatMap((shell) => [
    { shell, line: 'eni-agent sta', expected: 'status' },
    { shell, line: 'eni-agent status --output=w', expected: 'wide' },
    { shell, line: 'eni-agent status float', expected: 'floatingips' },
    { shell, line: 'eni-agent completion f', expected: 'fish' },
  ]);
  it.each(cases)('$shell offers $expected for "$line"', ({ shell, line, expected }) => {
    const env = { PATH: `${folder}:${process.env['PATH']}`, HOME: folder, TERM: 'dumb' };
    // $0 of sh's kin; fish counts from its first argument.
    const zeroth = shell === 'fish' ? [] : [shell];
    const said = execFileSync(shell, ['-c', SCRIPTS[shell], ...zeroth, folder, line, expected], {
      env,
      encoding: 'utf8',
    });

    expect(said).toContain(expected);
  });
});
