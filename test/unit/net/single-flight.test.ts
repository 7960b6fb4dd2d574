import { expect, test } from 'vitest';
import { SingleFlight } from '../../../lib/net/single-flight.ts';
import { Semaphore } from '../../../lib/runtime/semaphore.ts';

test('any number of requests during one run lead to one more run, which all of them wait for', async () => {
  const gates: (() => void)[] = [];
  const flight = new SingleFlight(() => new Promise<void>((resolve) => gates.push(resolve)));

  const first = flight.request();
  const later = Promise.all([flight.request(), flight.request(), flight.request()]);
  expect(gates).toHaveLength(1);
  gates[0]?.();
  await expect.poll(() => gates.length).toBe(2);
  gates[1]?.();
  await Promise.all([first, later]);

  expect([gates.length, flight.busy]).toEqual([2, false]);
});

test('slots are never exceeded and are freed by failures too', async () => {
  const slots = new Semaphore(2);
  let [running, most] = [0, 0];
  const work = async (index: number) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    running -= 1;
    if (index % 3 === 0) throw new Error('failed');
  };

  const results = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => slots.use(() => work(index))));

  expect(most).toBe(2);
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(13);
});
