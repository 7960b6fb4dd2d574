#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { type Command, isCommand } from '../lib/config/command.ts';
import { EXIT, exitCodeOfFault, looksOnly } from '../lib/config/exit-codes.ts';
import { describeFaults } from '../lib/config/fault.ts';
import type { OptionsOf } from '../lib/config/options.ts';
import { resolveOptions } from '../lib/config/resolve.ts';
import { adviceOn } from '../lib/kube/kube-error.ts';
import { stopSignal } from './stop-signal.ts';

type Run<C extends Command> = (options: OptionsOf<C>, signal: AbortSignal) => Promise<number>;

/** Each command loads only its own modules: an init container does not pay for the Kubernetes client. */
const RUNS: { readonly [C in Command]: () => Promise<Run<C>> } = {
  node: async () => (await import('./commands/node.ts')).runNode,
  status: async () => (await import('./commands/status.ts')).runStatus,
  ui: async () => (await import('./commands/ui.ts')).runUi,
  plan: async () => (await import('./commands/plan.ts')).runPlan,
  controller: async () => (await import('./commands/controller.ts')).runController,
  init: async () => (await import('./commands/init-and-sidecar.ts')).runInit,
  sidecar: async () => (await import('./commands/init-and-sidecar.ts')).runSidecar,
  'host-ip': async () => (await import('./commands/host-ip.ts')).runHostIp,
  doctor: async () => (await import('./commands/doctor.ts')).runDoctor,
  bundle: async () => (await import('./commands/bundle.ts')).runBundle,
};

async function main(argv: readonly string[]): Promise<number> {
  const [word, ...rest] = argv;
  const wantsHelp = rest.some((given) => given === '--help' || given === '-h');
  if (isCommand(word) && !wantsHelp) return start(word, rest).catch((error: unknown) => fail(word, error));
  endWithReader();
  const { runBuiltin } = await import('./builtins/builtins.ts');
  const { columns } = process.stdout;
  const { text, code } = isCommand(word) ? runBuiltin('help', [word], columns) : runBuiltin(word, rest, columns);
  (code === EXIT.ok ? process.stdout : process.stderr).write(text);
  return code;
}

async function start<C extends Command>(command: C, argv: readonly string[]): Promise<number> {
  const readFile = (path: string) => readFileSync(path, 'utf8');
  const resolved = resolveOptions(command, { argv, environment: process.env, readFile });
  if (!resolved.ok) {
    process.stderr.write(`${describeFaults(command, resolved.faults)}\n`);
    return EXIT.usage;
  }
  if (looksOnly(command)) endWithReader();
  const run = await RUNS[command]();
  return run(resolved.options, stopSignal());
}

/** A reader that has seen enough, as `head` has, is not a fault. Only where nothing has to be cleaned up. */
function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.ok);
    throw error;
  });
}

/**
 * What nobody has caught ends the process with one plain line for an operator. The stack of a minified bundle says nothing to one;
 * `NODE_DEBUG=eni-agent` shows it to whoever reports a bug.
 */
function fail(command: Command | undefined, error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  const isBug = error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  const advice = command !== undefined && looksOnly(command) ? adviceOn(error) : '';
  const hint = isBug ? ' (a bug in eni-agent; NODE_DEBUG=eni-agent shows where)' : advice;
  process.stderr.write(`eni-agent${command === undefined ? '' : ` ${command}`}: ${message}${hint}\n`);
  if (process.env['NODE_DEBUG']?.includes('eni-agent') && error instanceof Error)
    process.stderr.write(`${error.stack}\n`);
  process.exit(exitCodeOfFault(command));
}

for (const name of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(name, (error: unknown) => fail(undefined, error));
process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => fail(undefined, error));
