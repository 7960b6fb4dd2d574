import { MachineState } from './machine-state.ts';

/** `addr add|del CIDR dev NAME [nodad]`, as the stand-in's `ip` passes it on: the one request of the agent that changes something. */
const [, verb, cidr = '', , device = ''] = process.argv.slice(2);
const state = new MachineState(process.env.SIM_HOST_STATE ?? '');
const scope = process.env.SIM_HOST_NETNS || undefined;

try {
  const done = state.changeAddress(scope, verb === 'add' ? 'add' : 'del', device, cidr);
  if (!done)
    refuse(verb === 'add' ? 'RTNETLINK answers: File exists' : 'RTNETLINK answers: Cannot assign requested address');
} catch (error) {
  refuse(error instanceof Error ? error.message : String(error));
}

function refuse(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 2;
}
