import type { EniDecision } from '../../model/eni-objects/plan.ts';

/** A decision that does, reports and asks for nothing. */
export const NOTHING: Omit<EniDecision, 'object'> = {
  step: undefined,
  status: undefined,
  readInterfaces: false,
  readRoom: undefined,
  poll: false,
  retryAt: undefined,
};
