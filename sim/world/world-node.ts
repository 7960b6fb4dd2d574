import type { HostNode } from '../host/host-world.ts';
import type { ImdsServer } from '../imds/server.ts';
import type { AgentProcess } from './agent-process.ts';
import type { WorldEni, WorldInstance } from './topology.ts';

/** An EC2 instance, the machine inside it, its metadata service and the agent that serves it. */
export interface WorldNode extends WorldInstance {
  readonly enis: WorldEni[];
  readonly host: HostNode;
  readonly imds: ImdsServer;
  readonly agent: AgentProcess;
}
