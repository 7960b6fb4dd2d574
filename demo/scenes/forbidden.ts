import type { WorldPod } from '../../sim/world/world-pod.ts';
import { conditionOf, eventsAbout } from '../pod-words.ts';
import type { Scene } from '../scene.ts';
import type { Stage } from '../stage.ts';

interface Attempt {
  readonly pod: WorldPod;
  readonly wants: string;
  /** Absent when the pod is refused for what it wrote, not for an address. */
  readonly address?: string;
  /** The reason that the pod must be reported. */
  readonly reasons: readonly string[];
}

/** Each refusal is reported on the pod that caused it, and disturbs nobody else: a well-behaved pod starts at the same time. */
export const forbidden: Scene = {
  title: 'Forbidden claims',
  measures: 'CNI result file → EC2 call',
  play: async (stage) => {
    const attempts = await startAttempts(stage);
    const node = stage.node('node-b');
    const good = await stage.startPod({
      name: 'good',
      node,
      networks: [stage.network(node, 0), stage.network(node, 1)],
    });
    await stage.untilServed([good]);
    stage.measure([good]);
    for (const { pod, wants, reasons } of attempts) {
      await stage.until(`${pod.name} refused`, () =>
        reasons.includes(conditionOf(stage.world.kube, pod.name)?.reason ?? ''),
      );
      stage.say(`${pod.name} wants ${wants}: ${conditionOf(stage.world.kube, pod.name)?.reason}.`);
    }
    const withAddress = attempts.filter(({ address }) => address !== undefined);
    await stage.until('an Event for each', () =>
      withAddress.every(({ pod }) => eventsAbout(stage.world.kube, pod.name, 'AddressRefused').length > 0),
    );
    stage.check('“good” was warned too', eventsAbout(stage.world.kube, good.name, 'AddressRefused').length === 0);
    stage.say('“good” started beside them and is served.');
    return `${attempts.length} refusals, each with its reason on the pod; others are served`;
  },
};

async function startAttempts(stage: Stage): Promise<Attempt[]> {
  const node = stage.node('node-b');
  const victim = stage.world.pods.running().find(({ name }) => name === 'web-c1');
  const taken = victim?.networks[0]?.ips[0] ?? '';
  const primary = stage.node('node-a').enis[0]?.primaryIp ?? '';
  const start = (name: string, ips: readonly string[] | undefined, annotations = {}) =>
    stage.startPod({ name, node, annotations, networks: [stage.network(node, 0, { ...(ips && { ips }) })] });
  const attempts: Attempt[] = [
    {
      pod: await start('bad-primary', [primary]),
      wants: `${primary}, the primary address of node-a’s ENI`,
      address: primary,
      reasons: ['PrimaryAddress', 'HeldElsewhere'],
    },
    {
      pod: await start('bad-subnet', ['192.168.7.7']),
      wants: '192.168.7.7, outside its subnet',
      address: '192.168.7.7',
      reasons: ['OutsideSubnet', 'NoMatchingInterface'],
    },
    {
      pod: await start('bad-words', undefined, { 'eni-agent.io/floating-ips': '10.10.1.300, everything' }),
      wants: 'the floating IPs “10.10.1.300, everything”',
      reasons: ['InvalidAnnotation'],
    },
    {
      pod: await start('bad-thief', undefined),
      wants: `${taken}, which web-c1 has, and nothing declares it`,
      address: taken,
      reasons: ['HeldElsewhere'],
    },
  ];
  for (const { pod, address } of attempts) if (address) stage.denied.add(`${pod.name} ${address}`);
  const thief = attempts.at(-1);
  if (thief) await stage.world.pods.addAddress(thief.pod, 'net1', taken);
  return attempts;
}
