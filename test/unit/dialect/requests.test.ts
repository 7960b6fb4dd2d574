import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HANDOVER } from '../../../lib/dialect/handover.ts';
import { podDialects } from '../../../lib/dialect/index.ts';
import { requestsOf } from '../../../lib/dialect/requests.ts';
import { targetText } from '../../../lib/dialect/target.ts';
import type { EipEventKind } from '../../../lib/model/elastic-ips/claim.ts';
import { ip } from '../../../lib/model/ip.ts';
import { boundTo, CONTEXT, podWith } from './samples.ts';

const EIP = 'eni-agent.io/eip';
const PEC = 'aws-samples.github.com/aws-pod-eip-controller';

describe('requestsOf', () => {
  test('a pod without any annotation asks for nothing', () => {
    expect(requestsOf(podWith({}), CONTEXT)).toEqual({ claims: [], refusals: [] });
  });

  test.each(['auto', 'eth0=auto'])('our annotation is heard when both ask for the primary address (%s)', (text) => {
    const { claims, refusals } = requestsOf(podWith({ [EIP]: text, [`${PEC}-type`]: 'auto' }), CONTEXT);

    expect(claims.map(({ dialect }) => dialect)).toEqual(['own']);
    expect(refusals).toEqual([
      {
        reason: 'InvalidAnnotation',
        message: `annotation ${PEC}-type: ${EIP} already asks for an Elastic IP on the pod's primary address and takes precedence; remove one of the two`,
      },
    ]);
  });

  test('both are heard for different addresses, and good elements beside bad ones', () => {
    const pod = podWith({ [EIP]: 'net1=auto, net2=oops', [`${PEC}-type`]: 'auto' });

    const { claims, refusals } = requestsOf(pod, CONTEXT);

    expect(claims.map(({ id }) => id)).toEqual(['own|apps/web-0|net1', 'pod-eip-controller|apps/web-0|eth0']);
    expect(refusals).toHaveLength(1);
  });

  test('our annotation stands in nobody’s way where it could not be understood', () => {
    const { claims } = requestsOf(podWith({ [EIP]: 'oops', [`${PEC}-type`]: 'auto' }), CONTEXT);

    expect(claims.map(({ dialect }) => dialect)).toEqual(['pod-eip-controller']);
  });

  test.each([undefined, ''])(
    'without a cluster name (%j) a pod that asks is reported so once, and gets nothing',
    (clusterName) => {
      const context = { ...CONTEXT, clusterName };
      const pod = podWith({ [EIP]: 'net1=auto, net2=auto', [`${PEC}-type`]: 'auto' });

      const { claims, refusals } = requestsOf(pod, context);

      expect(claims).toEqual([]);
      expect(refusals.map(({ reason }) => reason)).toEqual(['ClusterNameMissing']);
      expect(requestsOf(podWith({}), context).refusals).toEqual([]);
    },
  );

  test('never throws, and never gives two claims one target, whatever the annotations hold', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.constantFrom(
        'auto',
        'eth0=auto',
        'net1=auto',
        'fixed-tag',
        'fixed-tag-value',
        'tag:k',
        '',
        ' ',
        ',',
        '__proto__',
      ),
    );
    const keys = fc.constantFrom(
      EIP,
      `${PEC}-type`,
      `${PEC}-public-ipv4-pool`,
      `${PEC}-fixed-tag`,
      `${PEC}-fixed-tag-value`,
    );
    fc.assert(
      fc.property(fc.dictionary(keys, text), (annotations) => {
        const pod = podWith(annotations);
        const { claims, refusals } = requestsOf(pod, CONTEXT);

        expect(new Set(claims.map(({ target }) => targetText(target))).size).toBe(claims.length);
        expect(refusals.every(({ message }) => message.length < 600)).toBe(true);
        for (const dialect of podDialects) {
          const statuses = claims.filter((claim) => claim.dialect === dialect.name).map((claim) => boundTo(claim));
          const values = Object.values(dialect.metadata(pod, statuses).labels).filter((value) => value !== null);
          expect(
            values.filter((value) => !/^(([A-Za-z0-9][-\w.]*)?[A-Za-z0-9])?$/.test(value) || value.length > 63),
          ).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('reads a quarter of a million characters, the most that annotations hold, in no time', () => {
    const huge = 262_144;
    const texts = [',', '=', 'tag:', 'auto,', ' ', '10.', 'net1=auto,', 'é'].map((part) =>
      part.repeat(huge / part.length),
    );
    const before = process.cpuUsage();

    for (const text of texts) requestsOf(podWith({ [EIP]: text, [`${PEC}-type`]: text }), CONTEXT);

    // CPU of this process, microseconds: what else the machine does takes nothing of it.
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });
});

describe('every dialect', () => {
  const happenings: [EipEventKind, string, string, string][] = [
    [
      { kind: 'associated', publicIp: ip('203.0.113.7'), privateIp: ip('10.0.0.5') },
      'Normal',
      'EIPAssociated',
      'Elastic IP 203.0.113.7 associated with 10.0.0.5',
    ],
    [{ kind: 'association-failed', message: 'full' }, 'Warning', 'EIPAssociationFailed', 'full'],
    [
      { kind: 'disassociated', publicIp: ip('203.0.113.7') },
      'Normal',
      'EIPDisassociated',
      'Elastic IP 203.0.113.7 disassociated',
    ],
    [{ kind: 'disassociation-failed', message: 'slow' }, 'Warning', 'EIPDisassociationFailed', 'slow'],
  ];

  test.each(happenings)('tells %j', (happening, type, reason, message) => {
    for (const dialect of podDialects) expect(dialect.event(happening)).toEqual({ type, reason, message });
  });

  test('has a cluster tag and tags of its own, and every claim carries them', () => {
    const pod = podWith({ [EIP]: 'net1=auto', [`${PEC}-type`]: 'auto', [HANDOVER]: 'eipalloc-0a1b2c3d4e5f60718' });

    for (const dialect of podDialects) {
      const [claim] = dialect.requests(pod, CONTEXT).claims;
      expect(claim?.tags[dialect.clusterTag]).toBe('blue');
      expect(Object.keys(claim?.tags ?? {}).sort()).toEqual([...dialect.ownTags].sort());
      expect(
        dialect.ownTags.filter((key) => podDialects.some((other) => other !== dialect && other.ownTags.includes(key))),
      ).toEqual([]);
    }
  });
});
