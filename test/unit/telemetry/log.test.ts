import { describe, expect, it } from 'vitest';
import { KubeError } from '../../../lib/kube/kube-error.ts';
import { Ec2Error } from '../../../lib/model/ec2-error.ts';
import type { LogOptions } from '../../../lib/telemetry/log.ts';
import { createLogger } from '../../../lib/telemetry/log.ts';

const NOON = Date.UTC(2026, 10, 21, 12, 0, 0, 5);

function recording(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({
    level: 'info',
    format: 'json',
    now: () => NOON,
    write: (line) => lines.push(line),
    ...options,
  });
  return { log, lines, records: () => lines.map((line) => JSON.parse(line) as unknown) };
}

describe('createLogger', () => {
  it('writes one JSON object a line, with level, time, message, and the fields of its parents', () => {
    const { log, records } = recording({ fields: { node: 'n1' } });

    log.child({ eni: 'eni-1' }).info('address assigned', { address: '10.0.1.5', latencyMs: 12 });

    expect(records()).toEqual([
      {
        level: 'info',
        time: '2026-11-21T12:00:00.005Z',
        node: 'n1',
        eni: 'eni-1',
        address: '10.0.1.5',
        latencyMs: 12,
        msg: 'address assigned',
      },
    ]);
  });

  it('drops lines below its level', () => {
    const { log, lines } = recording({ level: 'warn' });

    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');

    expect(lines).toHaveLength(2);
  });

  it('never writes a secret, whatever the field it is in', () => {
    const { log, lines } = recording();

    log.info('credentials', {
      token: 'S3CRET',
      credentials: { secretAccessKey: 'S3CRET', sessionToken: 'S3CRET', accessKeyId: 'S3CRET' },
      headers: { authorization: 'S3CRET' },
    });
    log.child({ token: 'S3CRET' }).info('child');

    expect(lines.join('')).not.toContain('S3CRET');
    expect(lines.join('')).toContain('[redacted]');
  });

  it("reduces an error to what an operator can use, without the SDK's whole response", () => {
    const { log, records } = recording();
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', $response: { huge: true } });
    const error = new Ec2Error({
      kind: 'unavailable',
      code: 'ECONNREFUSED',
      message: 'EC2 does not answer',
      action: 'AssignPrivateIpAddresses',
      requestId: 'r-1',
    });
    error.cause = cause;

    log.warn('call failed', { error });

    expect(records()).toMatchObject([
      {
        error: {
          name: 'Ec2Error',
          message: 'EC2 does not answer',
          code: 'ECONNREFUSED',
          kind: 'unavailable',
          action: 'AssignPrivateIpAddresses',
          requestId: 'r-1',
          cause: { name: 'Error', message: 'connect ECONNREFUSED', code: 'ECONNREFUSED' },
        },
      },
    ]);
    expect(JSON.stringify(records())).not.toMatch(/huge|stack/);
  });

  it('keeps the stack of an error without a code, for that is a mistake of ours', () => {
    const { log, records } = recording();

    log.error('task failed', { error: new TypeError('undefined is not a function') });

    expect(records()).toMatchObject([
      { error: { name: 'TypeError', stack: expect.stringContaining('log.test.ts') as string } },
    ]);
  });

  it('keeps no stack of what the world does to an adapter, nor of its causes', () => {
    const { log, lines, records } = recording();
    const cause = new Error('other side closed');
    const refused = new KubeError({ status: 0, reason: 'Network', message: 'no answer', cause });

    log.warn('watch interrupted', { error: refused });

    expect(records()).toMatchObject([
      { error: { name: 'KubeError', reason: 'Network', cause: { message: cause.message } } },
    ]);
    expect(lines.join('')).not.toContain('stack');
  });

  it('survives whatever is thrown at it', () => {
    const { log, lines } = recording();
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    const looped = new Error('a');
    looped.cause = looped;

    for (const error of [null, undefined, 'text', 7, { plain: 1 }, circular, looped, 10n]) log.error('odd', { error });
    log.info('fields', { circular });

    expect(lines).toHaveLength(9);
  });

  it('writes a pretty line for people', () => {
    const { log, lines } = recording({ format: 'pretty' });

    log.info('address assigned', { address: '10.0.1.5', pods: ['media/a'] });
    log.error('call failed', { error: Object.assign(new Error('no'), { code: 'E1' }) });

    expect(lines).toEqual([
      '12:00:00.005 INFO  address assigned  address=10.0.1.5 pods=["media/a"]\n',
      '12:00:00.005 ERROR call failed\n    Error: no {"code":"E1"}\n',
    ]);
  });

  it('colours pretty lines only when asked', () => {
    const plain = recording({ format: 'pretty' });
    const coloured = recording({ format: 'pretty', colour: true });

    plain.log.warn('x');
    coloured.log.warn('x');

    expect(plain.lines.join('')).not.toContain('\u001B');
    expect(coloured.lines.join('')).toContain('\u001B[33mWARN ');
  });
});
