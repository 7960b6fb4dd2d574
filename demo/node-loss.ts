import type { World } from '../sim/world/world.ts';
import type { WorldNode } from '../sim/world/world-node.ts';

/** A node dies without a word to anybody: its agent by -9, its instance stopped. What it had stays as it was until `clearNode`. */
export async function killNode({ cloud }: World, node: WorldNode): Promise<void> {
  await node.agent.end('SIGKILL');
  cloud.setInstanceState(node.instanceId, 'stopped');
}

/** What a dead machine takes with it: its pods, of which the API server learns now, and the addresses of its interfaces. */
export async function clearNode({ pods, host }: World, node: WorldNode): Promise<void> {
  const lost = await pods.vanish(node);
  pods.forget(lost);
  await host.loseAddresses(node.host);
}

/** The same instance starts again, with the agent's files as they were. */
export async function bootNode({ cloud }: World, node: WorldNode, signal: AbortSignal): Promise<void> {
  cloud.setInstanceState(node.instanceId, 'running');
  await node.agent.start(signal);
}
