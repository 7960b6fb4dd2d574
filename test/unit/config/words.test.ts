import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScript } from '../../../agent/words/completion.ts';
import { answerWord } from '../../../agent/words/words.ts';
import { COMMAND_NAMES } from '../../../lib/config/command.ts';
import { completions } from '../../../lib/config/complete.ts';
import { EXIT, exitCodeOfFault } from '../../../lib/config/exit-codes.ts';
import { renderHelp } from '../../../lib/config/render.ts';

describe('answerWord', () => {
  it('answers -h, help and nothing at all with the usage, which names every command', () => {
    const { text, code } = answerWord(undefined, []);

    expect(code).toBe(EXIT.ok);
    for (const name of [...COMMAND_NAMES, 'help', 'version', 'completion']) expect(text).toContain(`\n  ${name} `);
    for (const word of ['-h', '--help', 'help']) expect(answerWord(word, []).text).toBe(text);
  });

  it('explains one command, and its exit codes', () => {
    expect(answerWord('help', ['status'])).toEqual({ text: `${renderHelp('status')}\n`, code: EXIT.ok });
    expect(renderHelp('status')).toMatch(/^Exit codes: 0 all is well; 1 something is wrong; 2/m);
  });

  it.each([
    ['stauts', 'unknown command "stauts"; did you mean status?'],
    ['versoin', 'unknown command "versoin"; did you mean version?'],
    ['demo', 'the demo is not part of the program; run npm run demo in a clone of the repository'],
    ['frobnicate', `unknown command "frobnicate"; the commands are ${COMMAND_NAMES.join(', ')}`],
  ])('answers %s on one line with what was probably meant', (word, message) => {
    expect(answerWord(word, [])).toEqual({ text: `eni-agent: ${message}\n`, code: EXIT.usage });
    expect(answerWord('help', [word])).toEqual({ text: `eni-agent: ${message}\n`, code: EXIT.usage });
  });

  it('prints the version alone for scripts, and with commit and Node for people', () => {
    expect(answerWord('-v', []).text).toBe('dev\n');
    expect(answerWord('version', []).text).toBe(`eni-agent dev\ncommit unknown\nNode ${process.version}\n`);
  });

  it('wants the name of a shell that it knows', () => {
    expect(answerWord('completion', ['ksh'])).toMatchObject({ code: EXIT.usage });
    expect(answerWord('completion', ['bash'])).toEqual({ text: completionScript('bash'), code: EXIT.ok });
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

describe('the completion of bash', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'completion-'));
    const program = join(folder, 'eni-agent');
    const main = join(import.meta.dirname, '../../../agent/main.ts');
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`);
    chmodSync(program, 0o755);
    writeFileSync(join(folder, 'script'), completionScript('bash'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it.each([
    ['eni-agent sta', 'status'],
    ['eni-agent status --output=w', 'wide'],
    ['eni-agent status ', 'overview nodes pods addresses eips floatingips agents events'],
  ])('offers for "%s" what the program says', (line, expected) => {
    const script = `. "${folder}/script"; COMP_LINE="$1"; COMP_POINT=\${#1}; _eni_agent; echo "\${COMPREPLY[*]}"`;
    const env = { PATH: `${folder}:${process.env['PATH']}` };

    expect(execFileSync('bash', ['-c', script, 'bash', line], { env, encoding: 'utf8' }).trim()).toBe(expected);
  });
});
