import { afterAll, beforeAll, describe } from 'vitest';
import { describeCustomResources } from './custom-resources.ts';
import { describeDeletion } from './deletion.ts';
import { describeEvents } from './events.ts';
import { describeLeases } from './leases.ts';
import { describeNetworkAttachments } from './network-attachments.ts';
import { describePatches } from './patches.ts';
import { describeSelectors } from './selectors.ts';
import { describeServerSideApply } from './server-side-apply.ts';
import { describeStatus } from './status.ts';
import { describeTables } from './tables.ts';
import { type KubeTarget, Wires } from './target.ts';
import { describeWatches } from './watches.ts';
import { describeWrites } from './writes.ts';

/** What every part of the suite gets: the wire, and a namespace that is its own. */
export interface Bench {
  readonly wires: Wires;
  /** `/api/v1/namespaces/<own>` */
  readonly core: string;
  readonly namespace: string;
  /** `/apis/<group/version>/namespaces/<own>` */
  readonly group: (groupVersion: string) => string;
}

/**
 * The behaviour of the Kubernetes API that eni-agent relies on. It holds on a real kube-apiserver (project `cluster`)
 * and on the simulator (project `contract`); a test that holds on one only has found a defect of the simulator.
 */
export function describeKubeContract(open: () => Promise<KubeTarget & AsyncDisposable>): void {
  let opened: KubeTarget & AsyncDisposable;
  const namespace = `contract-${Date.now().toString(36)}`;
  const wires = new Wires(() => opened);
  const core = `/api/v1/namespaces/${namespace}`;
  const bench: Bench = { wires, core, namespace, group: (version) => `/apis/${version}/namespaces/${namespace}` };

  beforeAll(async () => {
    opened = await open();
    await wires.post('/api/v1/namespaces', { metadata: { name: namespace } });
  });
  afterAll(async () => await opened?.[Symbol.asyncDispose]());

  describe('writes', () => {
    describeWrites(bench);
  });
  describe('patches', () => {
    describePatches(bench);
  });
  describe('server-side apply', () => {
    describeServerSideApply(bench);
  });
  describe('status', () => {
    describeStatus(bench);
  });
  describe('deletion', () => {
    describeDeletion(bench);
  });
  describe('selectors', () => {
    describeSelectors(bench);
  });
  describe('tables', () => {
    describeTables(bench);
  });
  describe('watches', () => {
    describeWatches(bench);
  });
  describe('leases', () => {
    describeLeases(bench);
  });
  describe('events', () => {
    describeEvents(bench);
  });
  describe('custom resources', () => {
    describeCustomResources(bench);
  });
  describe('network attachments', () => {
    describeNetworkAttachments(bench);
  });
}
