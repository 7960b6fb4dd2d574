import type { Scene } from './scene.ts';
import { agentKilled } from './scenes/agent-killed.ts';
import { burst } from './scenes/burst.ts';
import { elasticIps } from './scenes/elastic-ips.ts';
import { failover } from './scenes/failover.ts';
import { forbidden } from './scenes/forbidden.ts';
import { nodeJoins } from './scenes/node-joins.ts';
import { podsEnd } from './scenes/pods-end.ts';
import { podsStart } from './scenes/pods-start.ts';
import { serviceAddress } from './scenes/service-address.ts';
import { throttled } from './scenes/throttled.ts';
import { twoHolders } from './scenes/two-holders.ts';
import { zoneLoss } from './scenes/zone-loss.ts';
import { zoneLossNodes } from './scenes/zone-loss-nodes.ts';

/** In the order in which they are played: each finds the world as the one before left it. */
export const SCENES: readonly Scene[] = [
  nodeJoins,
  podsStart,
  failover,
  zoneLoss,
  serviceAddress,
  zoneLossNodes,
  elasticIps,
  twoHolders,
  burst,
  throttled,
  agentKilled,
  forbidden,
  podsEnd,
];
