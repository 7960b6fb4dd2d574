import { World } from './world.ts';

/** The AWS SDK loads parts of itself at its first call, in real time, which a virtual clock does not wait for. For `beforeAll`. */
export async function warmUp(): Promise<void> {
  const world = new World();
  let done = false;
  const { ec2 } = world.spawn('warm-up');
  const call = ec2.networks.subnets(['vpc-1'], { signal: new AbortController().signal }).finally(() => {
    done = true;
  });
  while (!done) await world.clock.advance(50);
  await call;
  world.close();
}
