import { onTestFinished } from 'vitest';
import { createEniObjectReconciler, type EniObjectReconciler } from '../../../agent/eni-objects/reconciler.ts';
import { ENI_TAG } from '../../../lib/model/eni-objects/eni-object.ts';
import type { IpAddress } from '../../../lib/model/ip.ts';
import type { Ending } from '../../../lib/model/retention.ts';
import { OPEN_POLICY, type TenantPolicy } from '../../../lib/model/tenant-policy.ts';
import { silentLogger } from '../../../lib/runtime/logger.ts';
import { RateLimit } from '../../../lib/runtime/rate-limit.ts';
import { Cloud } from '../../../sim/ec2/cloud.ts';
import { seededRandom, VirtualClock } from '../../support/virtual-clock.ts';
import { FakeInterfaces } from './fake-interfaces.ts';
import { FakeObjects } from './fake-objects.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;

/** One zone with nodes `a` and `b` (m5.large: three interfaces, two of them taken), another zone with `far`. */
export function rig() {
  const clock = new VirtualClock();
  const cloud = new Cloud({ now: () => clock.now() });
  Object.assign(cloud.knobs, { attachMs: 2 * SECOND, detachMs: 4 * SECOND });
  const vpc = cloud.addVpc({ id: 'vpc-1', cidr: '10.0.0.0/16' });
  cloud.addSubnet({ id: 'subnet-1', vpcId: vpc.id, cidr: '10.0.1.0/24', zone: 'us-east-1a' });
  cloud.addSubnet({ id: 'subnet-2', vpcId: vpc.id, cidr: '10.0.2.0/24', zone: 'us-east-1b' });
  for (const [name, subnetId] of [
    ['a', 'subnet-1'],
    ['b', 'subnet-1'],
    ['far', 'subnet-2'],
  ] as const) {
    cloud.addInstance({ id: `i-${name}`, subnetId, type: 'm5.large' });
    cloud.addInterface({ id: `eni-of-${name}`, subnetId, instanceId: `i-${name}`, deviceIndex: 2 });
  }
  const ec2 = new FakeInterfaces(cloud, clock);
  const objects = new FakeObjects(clock);
  const pods = new Map<string, { nodeName: string }>();
  const inUse = new Set<IpAddress>();
  /** Why objects go that are being deleted; undefined: the API server does not say. */
  const world: { ending: Ending | undefined; tenants: TenantPolicy } = { ending: 'object', tenants: OPEN_POLICY };
  const events: string[] = [];
  let running: { readonly loop: EniObjectReconciler; readonly stop: AbortController } | undefined;
  let seed = 1;

  const kill = () => {
    running?.stop.abort(new Error('killed'));
    running = undefined;
  };
  const start = () => {
    const stop = new AbortController();
    const random = seededRandom((seed += 1));
    const loop = createEniObjectReconciler(
      {
        process: { clock, random, log: silentLogger, mayAct: () => true, callSignal: stop.signal },
        ec2: { interfaces: ec2, rateLimit: new RateLimit({ clock, random }) },
        objects: {
          writer: objects,
          recordEvent: (object, { reason }) => events.push(`${object.name} ${reason}`),
          endingOf: async () => {
            if (world.ending === undefined) throw new Error('403: cannot get namespaces');
            return world.ending;
          },
          observe: () => ({
            objects: objects.list(),
            objectsKnown: true,
            pods,
            podsKnown: true,
            instanceOfNode: new Map(['a', 'b', 'far'].map((node) => [node, `i-${node}`])),
            inUse,
          }),
        },
        clusterName: 'test',
        tenants: () => world.tenants,
      },
      stop.signal,
    );
    running = { loop, stop };
  };
  objects.onChange = () => running?.loop.trigger();
  onTestFinished(kill);
  return {
    clock,
    cloud,
    ec2,
    objects,
    world,
    inUse,
    events,
    start,
    kill,
    schedule: (pod: string, node: string | undefined) => {
      if (node === undefined) pods.delete(`ns/${pod}`);
      else pods.set(`ns/${pod}`, { nodeName: node });
      running?.loop.trigger();
    },
    trigger: () => running?.loop.trigger(),
    /** Interfaces with our tags, as they are now. */
    ours: () => cloud.state.allInterfaces(clock.now()).filter(({ tags }) => tags.has(ENI_TAG.uid)),
    isReady: (name: string) => objects.get(name)?.status.ready?.status === 'True',
  };
}
