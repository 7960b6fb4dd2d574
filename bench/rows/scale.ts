import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Measurement, quantile, type Row } from '../measurement.ts';
import { linePlot } from '../plot.ts';
import type { Converged } from '../scale/region.ts';
import { bucketSeconds, coldStart, noisyNeighbour, rollingReplacement } from '../scale/scenarios.ts';

const DOCS = join(import.meta.dirname, '../../docs');

/**
 * Whole clusters on a virtual clock with EC2's documented token buckets: how long until every pod is served, with how many calls, and
 * how the worst-served node fares. Writes the two plots of docs/performance.md, unless quick.
 */
export const scale: Row = {
  name: 'scale',
  beside: true,
  run: async ({ quick }) => {
    const measured: Measurement[] = [];
    const sizes = quick
      ? [{ nodes: 20, perNode: 40 }]
      : [
          { nodes: 20, perNode: 40 },
          { nodes: 2_000, perNode: 30 },
        ];
    for (const { nodes, perNode } of sizes)
      measured.push(...coldStartRows(nodes, nodes * perNode, await coldStart(nodes, perNode)));
    measured.push({
      name: 'scale/replacement',
      title: 'a node is replaced, its 40 pods move → all served',
      unit: 's',
      samples: await rollingReplacement(20, 40),
      note: 'virtual time',
    });
    const neighbour = await noisyNeighbour(20, 40, 4.5);
    measured.push({
      name: 'scale/neighbour',
      title: '20 nodes, 800 pods, a neighbour leaves one call in two seconds → served',
      unit: 's',
      samples: neighbour.secondsByNode,
      note: `virtual time; one call per pod: ${duration(800 / 0.5)}`,
    });
    if (!quick) await plots();
    return measured;
  },
};

function coldStartRows(nodes: number, pods: number, converged: Converged): Measurement[] {
  const { secondsByNode, assigns, reads, refused } = converged;
  const name = `scale/nodes-${nodes}`;
  const title = `cold start of ${nodes} nodes, ${pods} pods`;
  return [
    {
      name,
      title: `${title} → node served`,
      unit: 's',
      samples: secondsByNode,
      note: `virtual time; one call per pod: ${duration(bucketSeconds(pods))} at least`,
    },
    {
      name: `${name}/worst`,
      title: '… worst-served node',
      unit: 's',
      samples: [Math.max(...secondsByNode)],
      note: `the buckets alone: ${duration(bucketSeconds(assigns))}; median ${quantile(secondsByNode, 0.5)} s`,
    },
    {
      name: `${name}/calls`,
      title: '… AssignPrivateIpAddresses',
      unit: 'calls',
      samples: [assigns],
      note: `instead of ${pods}; ${reads} reads; ${refused} refused for the rate`,
    },
  ];
}

async function plots(): Promise<void> {
  const podsPerNode = [1, 5, 10, 20, 40, 60, 80, 100, 120, 140];
  const byPods = [];
  for (const pods of podsPerNode) byPods.push({ x: pods, ...(await coldStart(50, pods)) });
  const calls = {
    title: 'EC2 calls as pods per node grow (50 nodes, three Multus ENIs each)',
    x: 'pods per node',
    y: 'AssignPrivateIpAddresses per node',
    lines: [
      { name: 'one call per pod', points: byPods.map(({ x }) => [x, x] as const) },
      { name: 'eni-agent', points: byPods.map(({ x, assigns }) => [x, assigns / 50] as const) },
    ],
  };
  await writeFile(join(DOCS, 'performance-pods.svg'), linePlot(calls));
  const nodes = [10, 50, 100, 200, 400, 800, 1_200];
  const byNodes = [];
  for (const count of nodes) byNodes.push({ x: count, ...(await coldStart(count, 30)) });
  const seconds = {
    title: 'Minutes until the last pod is served, all nodes starting at once (30 pods per node)',
    x: 'nodes',
    y: 'minutes',
    lines: [
      { name: 'one call per pod, at best', points: byNodes.map(({ x }) => [x, bucketSeconds(x * 30) / 60] as const) },
      { name: 'eni-agent', points: byNodes.map(({ x, seconds: took }) => [x, took / 60] as const) },
    ],
  };
  await writeFile(join(DOCS, 'performance-nodes.svg'), linePlot(seconds));
}

function duration(seconds: number): string {
  return seconds < 120 ? `${seconds.toFixed(0)} s` : `${(seconds / 60).toFixed(0)} min`;
}
