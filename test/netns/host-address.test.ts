import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ip } from '../../lib/model/ip.ts';
import { addAddress, deleteAddress } from '../../lib/net/host-address.ts';
import { changeLink } from '../../lib/net/link-settings.ts';
import { OwnAddresses } from '../../lib/net/own-addresses.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { canUseRealNamespaces, RealHost } from '../../sim/host/real.ts';
import { summary, Witness } from '../unit/net/witness.ts';

const possible = await canUseRealNamespaces();
if (possible !== true) process.stdout.write(`host address tests skipped: ${possible}\n`);

const DEVICE = 'tnH1';

describe.skipIf(possible !== true)('addresses of our own namespace', () => {
  let host: RealHost;
  const stop = new AbortController();
  const running: Promise<void>[] = [];

  beforeAll(async () => {
    host = new RealHost();
    await host.createNode('h', [{ name: DEVICE, mac: '0a:00:00:00:03:01' }]);
  });

  afterAll(async () => {
    stop.abort();
    await Promise.all(running);
    await host.close();
  });

  /** Our own namespace, read once; from then on only events and requests make it look. */
  async function observed() {
    const witness = new Witness();
    const { onChange, onProblem } = witness;
    const own = new OwnAddresses({
      clock: systemClock(),
      random: Math.random,
      resyncMs: 3_600_000,
      onChange,
      onProblem,
    });
    running.push(own.start(stop.signal));
    await witness.until('first read', () => own.synced);
    return { witness, own };
  }

  test('a name that the monitor does not report is seen when the view is told to look', async () => {
    const { witness, own } = await observed();
    const called = () => own.interfaces().find(({ name }) => name === DEVICE)?.altNames ?? [];
    expect(called()).toEqual([]);

    await changeLink({ kind: 'add-name', link: DEVICE, name: 'tnH1multus' }, stop.signal);
    own.refresh();
    await witness.until('the name', () => called().includes('tnH1multus'));

    expect(witness.problems).toEqual([]);
  });

  test.each([
    ['IPv4', '10.77.0.201', 24],
    ['IPv6', '2001:db8:77::201', 64],
  ])('%s: added and deleted twice without complaint, and seen by the monitor', async (_name, text, prefixLength) => {
    const { witness, own } = await observed();
    const address = ip(text);
    const held = () => own.interfaces().some(({ addresses }) => addresses.some((seen) => seen.ip === address));

    const startedAt = performance.now();
    await addAddress(DEVICE, address, prefixLength, stop.signal);
    await witness.until('the address', held);
    process.stdout.write(`own address added to view: ${summary([performance.now() - startedAt])}\n`);
    await addAddress(DEVICE, address, prefixLength, stop.signal);
    await deleteAddress(DEVICE, address, prefixLength, stop.signal);
    await witness.until('its end', () => !held());
    await deleteAddress(DEVICE, address, prefixLength, stop.signal);

    expect(witness.problems).toEqual([]);
  });

  test('an interface that does not exist is named by the error of an addition, and fine for a deletion', async () => {
    await expect(addAddress('nope0', ip('10.77.0.9'), 32, stop.signal)).rejects.toMatchObject({ fault: 'gone' });
    await deleteAddress('nope0', ip('10.77.0.9'), 32, stop.signal);
    expect(execFileSync('ip', ['-o', 'addr']).toString()).not.toContain('10.77.0.9');
  });
});
