import type { Row } from './measurement.ts';
import { bundleRow } from './rows/bundle.ts';
import { burst } from './rows/burst.ts';
import { cacheToAssign } from './rows/cache-to-assign.ts';
import { cniAddToAssign } from './rows/cni-add-to-assign.ts';
import { cpu } from './rows/cpu.ts';
import { eip } from './rows/eip.ts';
import { floatingToAssign } from './rows/floating-to-assign.ts';
import { idleApi } from './rows/idle-api.ts';
import { idleEc2 } from './rows/idle-ec2.ts';
import { memory } from './rows/memory.ts';
import { nodeLoss } from './rows/node-loss.ts';
import { podToAssign } from './rows/pod-to-assign.ts';
import { reuse } from './rows/reuse.ts';
import { scale } from './rows/scale.ts';
import { start } from './rows/start.ts';

/** Every row of the table, in its order. */
export const ROWS: readonly Row[] = [
  bundleRow,
  start,
  podToAssign,
  cacheToAssign,
  cniAddToAssign,
  floatingToAssign,
  burst,
  eip,
  idleApi,
  idleEc2,
  cpu,
  memory,
  nodeLoss,
  reuse,
  scale,
];
