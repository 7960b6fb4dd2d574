import type { Row } from '../measurement.ts';

/** The seat of "a node is lost, its floating IP answers elsewhere": measured where failover is built, not here. */
export const nodeLoss: Row = {
  name: 'node-loss',
  beside: true,
  run: async () => [{ name: 'node-loss', skipped: 'not measured here' }],
};
