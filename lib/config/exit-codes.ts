import type { Command } from './command.ts';

/** What the process's exit code says. docs/commands.md lists them; scripts rest on them, so none changes its meaning. */
export const EXIT = {
  ok: 0,
  /** The command did its work and found something wrong; or, of an agent, a fault ended it. */
  wrong: 1,
  /** A command that looks could not find out. */
  unknown: 2,
  /** The command line or the configuration cannot be used (EX_USAGE of sysexits). */
  usage: 64,
} as const;

const LOOKING: ReadonlySet<Command> = new Set<Command>(['status', 'ui', 'plan', 'doctor', 'bundle']);

/** True for a command that only looks: it leaves nothing behind, and for it a fault is not a finding. */
export function looksOnly(command: Command): boolean {
  return LOOKING.has(command);
}

/** The exit code for a fault that nobody has handled. */
export function exitCodeOfFault(command: Command | undefined): number {
  return command !== undefined && looksOnly(command) ? EXIT.unknown : EXIT.wrong;
}

const MEANINGS: Readonly<Record<Command, string>> = {
  node: '0 it was stopped cleanly; 1 a fault ended it',
  controller: '0 it was stopped cleanly; 1 a fault ended it',
  init: '0 every address is confirmed; 1 it could not be done in time',
  sidecar: '0 it was stopped cleanly; 1 a fault ended it',
  'host-ip': '0 it was stopped cleanly; 1 a fault ended it, or the address could not be had in time',
  status: '0 all is well; 1 something is wrong; 2 the cluster could not be read',
  ui: '0 it was stopped; 2 the kubeconfig cannot be used, or the port is taken',
  plan: '0 the plan is printed; 2 it could not be made: an unknown node, or not everything answered',
  doctor: '0 no check failed; 1 a check failed; 2 the checks could not be made',
  bundle: '0 the archive is complete; 1 something is missing from it (MISSING.txt says what); 2 there is no archive',
};

/** One line for `--help` and docs/commands.md. */
export function exitCodesOf(command: Command): string {
  return `${MEANINGS[command]}; 64 the command line cannot be used`;
}
