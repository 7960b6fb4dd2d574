import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { NODE, type Rig } from './rig.ts';

/** Runs the bare minimum in the agent's place for as long as the work takes. */
export async function withFloor<T>(rig: Rig, work: () => Promise<T>): Promise<T> {
  const { cluster, enis, agentOptions } = rig;
  const macs = enis.map(({ id, mac }) => [mac, id]);
  const job = JSON.stringify({ url: cluster.url, token: cluster.token, node: NODE, macs });
  const child = fork(join(import.meta.dirname, 'floor-process.ts'), [job], { env: { ...agentOptions.environment } });
  await once(child, 'message');
  try {
    return await work();
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
}
