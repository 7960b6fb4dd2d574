import { createServer, type Server } from 'node:net';
import type { MachineState } from './machine-state.ts';

/**
 * Carries out what the stand-in's `ip addr add|del CIDR dev NAME [nodad]` and `ip link …` ask for: the requests of an agent that change something.
 * One process does it for all agents of the machine, so that no change is lost between reading the state and writing it.
 * Answers `ok`, or what `ip` would say of the failure.
 */
export function serveChanges(state: MachineState, socketPath: string): Server {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let request = '';
    socket.setEncoding('utf8');
    socket.on('data', (part: string) => (request += part));
    socket.on('end', () => socket.end(change(state, request)));
    socket.on('error', () => socket.destroy());
  });
  server.listen(socketPath);
  // It lives as long as somebody uses the machine, and keeps no process alive.
  return server.unref();
}

interface ChangeRequest {
  readonly netns?: string;
  readonly args: readonly string[];
}

function change(state: MachineState, request: string): string {
  try {
    const { netns, args } = JSON.parse(request) as ChangeRequest;
    if (args[0] === 'link') {
      state.changeLink(args);
      return 'ok';
    }
    const [, verb, cidr = '', , device = ''] = args;
    if (state.changeAddress(netns, verb === 'add' ? 'add' : 'del', device, cidr)) return 'ok';
    return verb === 'add' ? 'RTNETLINK answers: File exists' : 'RTNETLINK answers: Cannot assign requested address';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
