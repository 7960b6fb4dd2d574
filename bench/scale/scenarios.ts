import { type Converged, converge, Region } from './region.ts';

/** Every node's agent starts in the same ten seconds and finds its pods there: after an outage, or on a new cluster. */
export async function coldStart(nodes: number, podsPerNode: number, enis = 3): Promise<Converged> {
  const region = new Region({ nodes, enis });
  try {
    let pods = 0;
    for (const node of region.nodes) for (let pod = 0; pod < podsPerNode; pod += 1) region.addPod(node, pods++);
    for (const [index, node] of region.nodes.entries()) {
      region.clock.after((index / nodes) * 10_000, () => node.start());
    }
    return await converge(region, region.nodes);
  } finally {
    region.close();
  }
}

/** One node a minute is replaced by another, which gets the pods of the old one with their addresses. Seconds for each. */
export async function rollingReplacement(nodes: number, podsPerNode: number): Promise<readonly number[]> {
  const region = new Region({ nodes, enis: 3 });
  try {
    const podsOf = (index: number) => Array.from({ length: podsPerNode }, (_, pod) => index * podsPerNode + pod);
    for (const [index, node] of region.nodes.entries()) {
      for (const pod of podsOf(index)) region.addPod(node, pod);
      node.start();
    }
    const old = [...region.nodes];
    await converge(region, old);
    const seconds: number[] = [];
    for (const [index, node] of old.entries()) {
      await region.clock.advance(60_000);
      node.kill();
      const next = region.addNode(0);
      next.start();
      await region.clock.advance(1_000);
      for (const pod of podsOf(index)) region.addPod(next, pod);
      seconds.push((await converge(region, [next], 50)).seconds);
    }
    return seconds;
  } finally {
    region.close();
  }
}

/** A cold start while somebody else in the account uses up this many AssignPrivateIpAddresses a second, of five. */
export async function noisyNeighbour(nodes: number, podsPerNode: number, callsPerSecond: number): Promise<Converged> {
  const region = new Region({ nodes, enis: 3 });
  try {
    region.throttle.drain('AssignPrivateIpAddresses', 100);
    region.throttle.setNeighbour('AssignPrivateIpAddresses', callsPerSecond);
    let pods = 0;
    for (const node of region.nodes) {
      for (let pod = 0; pod < podsPerNode; pod += 1) region.addPod(node, pods++);
      node.start();
    }
    return await converge(region, region.nodes);
  } finally {
    region.close();
  }
}

/** The least time in which EC2 takes this many AssignPrivateIpAddresses: a bucket of 100, five more a second (facts §1.10). */
export function bucketSeconds(calls: number): number {
  return Math.max(0, calls - 100) / 5;
}
