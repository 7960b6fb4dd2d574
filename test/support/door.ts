import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Lets connections through, refuses them, or takes them and never answers. */
export type DoorState = 'open' | 'refused' | 'silent';

/** A port in front of a service, which fails and comes back as a network does: the service itself does not notice. */
export interface Door extends AsyncDisposable {
  /** Stands for the service's own URL. */
  readonly url: string;
  set(state: DoorState): Promise<void>;
}

/** Opens a door, in the given state, to what listens at the URL. */
export async function openDoor(behind: string, first: DoorState): Promise<Door> {
  const { hostname: host, port } = new URL(behind);
  const sockets = new Set<Socket>();
  let state: DoorState = 'open';
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    if (state === 'silent') return void socket.resume();
    const onwards = connect({ host, port: Number(port) }, () => socket.pipe(onwards).pipe(socket));
    onwards.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => onwards.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port: own } = server.address() as AddressInfo;
  const set = async (next: DoorState) => {
    state = next;
    for (const socket of sockets) socket.destroy();
    if (next === 'refused' && server.listening) {
      server.close();
      await once(server, 'close');
    } else if (next !== 'refused' && !server.listening) {
      server.listen(own, '127.0.0.1');
      await once(server, 'listening');
    }
  };
  await set(first);
  return { url: `http://127.0.0.1:${own}`, set, [Symbol.asyncDispose]: () => set('refused') };
}
