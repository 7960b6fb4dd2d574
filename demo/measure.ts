import type { CallRecord } from '../sim/ec2/endpoint.ts';

/** When EC2 first got a call that assigns the address, epoch ms; undefined when it got none. */
export function firstSent(calls: readonly CallRecord[], address: string, notBefore = 0): number | undefined {
  return assignmentsOf(calls, address).find(({ at }) => at >= notBefore)?.at;
}

/** Calls that assign the address, whatever became of them. */
export function assignmentsOf(calls: readonly CallRecord[], address: string): CallRecord[] {
  return calls.filter(({ action, params }) => action.startsWith('Assign') && Object.values(params).includes(address));
}

export function mutations(calls: readonly CallRecord[]): CallRecord[] {
  return calls.filter(({ action }) => !/^(?:Describe|Get)/.test(action));
}

export function routeWrites(calls: readonly CallRecord[]): CallRecord[] {
  return calls.filter(({ action }) => /^(?:Create|Replace)Route$/.test(action));
}

export function refusedCalls(calls: readonly CallRecord[], code: string): number {
  return calls.filter(({ outcome }) => outcome === code).length;
}

/** The middle value: of an even number the upper one. Undefined of nothing. */
export function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}

export function milliseconds(value: number | undefined): string {
  return value === undefined ? '–' : `${Math.round(value)} ms`;
}
