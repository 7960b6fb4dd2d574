#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { COMMANDS, type Command, isCommand } from '../lib/config/command.ts';
import { describeFaults } from '../lib/config/fault.ts';
import type { OptionsOf } from '../lib/config/options.ts';
import { renderHelp, renderUsage } from '../lib/config/render.ts';
import { resolveOptions } from '../lib/config/resolve.ts';
import { VERSION } from './version.ts';

/** Exit code for a command line or configuration that cannot be used (EX_USAGE of sysexits). */
const USAGE_FAULT = 64;

type Run<C extends Command> = (options: OptionsOf<C>, signal: AbortSignal) => Promise<number>;

/** Each command loads only its own modules: an init container does not pay for the Kubernetes client. */
const RUNS: { readonly [C in Command]: () => Promise<Run<C>> } = {
  node: async () => (await import('./node/command.ts')).runNode,
  plan: async () => (await import('./node/plan-command.ts')).runPlan,
  controller: async () => (await import('./controller/command.ts')).runController,
  init: async () => (await import('./pod/command.ts')).runInit,
  sidecar: async () => (await import('./pod/command.ts')).runSidecar,
  'host-ip': async () => (await import('./host-ip/command.ts')).runHostIp,
  doctor: async () => (await import('./doctor/command.ts')).runDoctor,
  demo: async () => (await import('./demo/command.ts')).runDemo,
};

async function main(argv: readonly string[]): Promise<number> {
  const [word, ...rest] = argv;
  if (word === '--version') return say(VERSION);
  if (word === undefined || word === '--help' || word === 'help') return say(renderUsage());
  if (!isCommand(word)) {
    process.stderr.write(`eni-agent: no command ${JSON.stringify(word)}; one of ${Object.keys(COMMANDS).join(', ')}\n`);
    return USAGE_FAULT;
  }
  return rest.includes('--help') ? say(renderHelp(word)) : start(word, rest);
}

async function start<C extends Command>(command: C, argv: readonly string[]): Promise<number> {
  const readFile = (path: string) => readFileSync(path, 'utf8');
  const resolved = resolveOptions(command, { argv, environment: process.env, readFile });
  if (!resolved.ok) {
    process.stderr.write(`${describeFaults(command, resolved.faults)}\n`);
    return USAGE_FAULT;
  }
  const run = await RUNS[command]();
  return run(resolved.options, stopSignal());
}

/** Aborts on SIGTERM and SIGINT; a second one ends the process at once. */
function stopSignal(): AbortSignal {
  const stopping = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      stopping.abort(new Error(`received ${name}`));
      process.once(name, () => process.exit(1));
    });
  }
  return stopping.signal;
}

function say(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

/** What nobody has caught ends the process. A fault of the world (a port in use, a file that is missing) is one line for an operator. */
function giveUp(error: unknown): never {
  const known = error instanceof Error && 'code' in error;
  const text = error instanceof Error ? (known ? error.message : error.stack) : String(error);
  process.stderr.write(`eni-agent: ${text}\n`);
  process.exit(1);
}

process.exitCode = await main(process.argv.slice(2)).catch(giveUp);
