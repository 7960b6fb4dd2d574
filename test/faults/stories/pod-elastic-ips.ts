import { MODES, type Mode } from '../../scenario/elastic-ips/rig.ts';
import type { World } from '../../support/world/world.ts';
import { clusterEips } from '../bystanders.ts';
import { type FaultStory, MINUTE, SECOND } from '../story.ts';

const FLOATING = '10.0.9.50';

/** A pod with an Elastic IP lives on `a`, is recreated on `b`, and ends there. */
function podWithElasticIp(mode: Mode): FaultStory {
  const annotations = (world: World) =>
    Object.fromEntries(
      Object.entries(mode.annotations).map(([key, value]) => [
        key,
        value.replace('eipalloc-1', prepared(world)?.allocationId ?? ''),
      ]),
    );
  const floating = mode.target === 'floating' ? { 'eni-agent.io/floating-ips': FLOATING } : {};
  const attachments = (index: number) => [{ interface: 'net1', ips: [`10.0.9.${index}`] }];
  const target = { primary: '10.0.2.1', net1: '10.0.9.2', floating: FLOATING }[mode.target];
  return {
    name: `a pod's Elastic IP by ${mode.name}`,
    prepare(world) {
      if (mode.prepared === undefined) return;
      const tags = Object.entries({ ...mode.prepared, prepared: 'yes' }).map(([key, value]) => ({ key, value }));
      world.cloud.allocateAddress({ tagSpecifications: [{ resourceType: 'elastic-ip', tags }] });
    },
    async tell(world) {
      const { clock, node } = world;
      const spec = { name: 'pod', annotations: { ...annotations(world), ...floating } };
      const first = node('a').runPod({ ...spec, podIp: '10.0.1.1', attachments: attachments(1) });
      await clock.advance(SECOND);
      if (mode.target === 'floating') node('a').addAddress(first, FLOATING);
      await clock.advance(20 * SECOND);
      node('a').deletePod('pod');
      await clock.advance(2 * SECOND);
      const second = node('b').runPod({ ...spec, podIp: '10.0.2.1', attachments: attachments(2) });
      await clock.advance(SECOND);
      if (mode.target === 'floating') node('b').addAddress(second, FLOATING);
      await clock.advance(10 * MINUTE);
      const served = publicIpOf(world, target);
      if (served === undefined) notes.set(world, `${target} has no Elastic IP after 10 min`);
      node('b').deletePod('pod');
      await clock.advance(5 * MINUTE);
    },
    wrong(world) {
      const missing = notes.get(world);
      return [...(missing === undefined ? [] : [missing]), ...leftOver(world)];
    },
  };
}

const notes = new WeakMap<World, string>();

export const podElasticIpStories: readonly FaultStory[] = MODES.map(podWithElasticIp);

function prepared(world: World) {
  return clusterEips(world).find(({ tagSet }) => (tagSet ?? []).some(({ key }) => key === 'prepared'));
}

export function publicIpOf(world: World, privateIp: string): string | undefined {
  return world.elasticIps().find((eip) => eip.privateIpAddress === privateIp)?.publicIp;
}

/** After everything has ended only prepared Elastic IPs are there, free and without tags of ours. */
function leftOver(world: World): string[] {
  return clusterEips(world).flatMap((eip) => {
    const keys = (eip.tagSet ?? []).map(({ key }) => key);
    const about = `${eip.allocationId} ${JSON.stringify(eip.tagSet)}`;
    if (!keys.includes('prepared')) return [`leaked ${about}`];
    if (eip.associationId !== undefined) return [`still associated ${about}`];
    return keys.some((key) => /eni-agent|aws-samples/.test(key)) ? [`still tagged ${about}`] : [];
  });
}
