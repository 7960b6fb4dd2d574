import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EIP, own } from '../../../lib/dialect/own.ts';
import { type EipElement, MAX_ELEMENTS, parseElements, printElements } from '../../../lib/dialect/own-grammar.ts';
import { targetText } from '../../../lib/dialect/target.ts';
import type { EipSource, EipTarget } from '../../../lib/model/elastic-ips/claim.ts';
import { ip } from '../../../lib/model/ip.ts';
import { CONTEXT, podWith } from './samples.ts';

const AUTO = { kind: 'allocate', pool: 'amazon' } as const;
const PRIMARY = { kind: 'primary' } as const;
const NET1 = { kind: 'interface', name: 'net1' } as const;

function messages(text: string): readonly string[] {
  return own.requests(podWith({ [EIP]: text }), CONTEXT).refusals.map(({ message }) => message);
}

describe('parseElements', () => {
  test.each<[string, EipElement[]]>([
    ['auto', [{ target: PRIMARY, source: AUTO }]],
    ['auto:amazon', [{ target: PRIMARY, source: AUTO }]],
    ['auto:ipv4pool-ec2-0a1', [{ target: PRIMARY, source: { kind: 'allocate', pool: 'ipv4pool-ec2-0a1' } }]],
    ['tag:pool', [{ target: PRIMARY, source: { kind: 'tagged', key: 'pool', value: undefined } }]],
    ['tag:pool=', [{ target: PRIMARY, source: { kind: 'tagged', key: 'pool', value: '' } }]],
    ['tag:pool=a=b', [{ target: PRIMARY, source: { kind: 'tagged', key: 'pool', value: 'a=b' } }]],
    ['tag:team/a:b = x y', [{ target: PRIMARY, source: { kind: 'tagged', key: 'team/a:b', value: 'x y' } }]],
    ['eipalloc-0ab', [{ target: PRIMARY, source: { kind: 'fixed', allocationId: 'eipalloc-0ab' } }]],
    ['net1=auto', [{ target: NET1, source: AUTO }]],
    ['eth0=auto', [{ target: PRIMARY, source: AUTO }]],
    ['a-name-of-15-ch=auto', [{ target: { kind: 'interface', name: 'a-name-of-15-ch' }, source: AUTO }]],
    ['net1=tag:pool=a', [{ target: NET1, source: { kind: 'tagged', key: 'pool', value: 'a' } }]],
    ['10.10.1.100=auto', [{ target: { kind: 'address', address: ip('10.10.1.100') }, source: AUTO }]],
    [
      ' net1 = auto ,\n 10.10.1.100=eipalloc-0ab, tag:k=v,',
      [
        { target: NET1, source: AUTO },
        {
          target: { kind: 'address', address: ip('10.10.1.100') },
          source: { kind: 'fixed', allocationId: 'eipalloc-0ab' },
        },
        { target: PRIMARY, source: { kind: 'tagged', key: 'k', value: 'v' } },
      ],
    ],
    ['', []],
    [' , ,', []],
  ])('reads %j', (text, elements) => {
    expect(parseElements(text)).toEqual({ elements, faults: [] });
  });

  test.each([
    ['yes', '"yes": it names no Elastic IP; write auto, auto:POOL'],
    ['AUTO', '"AUTO": it names no Elastic IP'],
    ['net1', '"net1": it names no Elastic IP'],
    ['net1=', '"net1=": it names no Elastic IP'],
    ['net1=net2=auto', '"net1=net2=auto": it names no Elastic IP'],
    ['auto auto', '"auto auto": it names no Elastic IP'],
    ['203.0.113.9', '"203.0.113.9": it names no Elastic IP'],
    ['eipalloc-', '"eipalloc-": it names no Elastic IP'],
    ['eipalloc-0AB', '"eipalloc-0AB": it names no Elastic IP'],
    ['auto:', 'no pool stands after "auto:"'],
    ['auto:a b', 'no pool stands after "auto:"'],
    ['tag:', 'the tag key is empty'],
    ['tag:=v', 'the tag key is empty'],
    [`tag:${'k'.repeat(129)}`, 'longer than the 128 characters'],
    [`tag:k=${'v'.repeat(251)}`, 'longer than 256 characters'],
    ['tag:k=a\u0007b', 'the tag value has control characters'],
    ['=auto', 'must be the name of an interface (net1) or an IPv4 address'],
    ['net 1=auto', 'must be the name of an interface'],
    ['a-name-of-16-cha=auto', 'must be the name of an interface'],
    ['auto:net1=auto', 'must be the name of an interface'],
    ['ñet1=auto', 'must be the name of an interface'],
    ['10.0.0.300=auto', 'the target is not an IPv4 address'],
    ['010.0.0.1=auto', 'the target is not an IPv4 address'],
    ['10.0.0=auto', 'the target is not an IPv4 address'],
    ['2001:db8::1=auto', 'Elastic IPs exist for IPv4 only'],
    ['127.0.0.1=auto', '127.0.0.1 is not an address that a VPC can route'],
    ['169.254.0.1=auto', '169.254.0.1 is not an address that a VPC can route'],
  ])('refuses %j by name and keeps its neighbours', (text, fault) => {
    const pod = podWith({ [EIP]: `net8=auto, ${text}, net9=auto` });

    const { claims, refusals } = own.requests(pod, CONTEXT);

    expect(claims.map(({ target }) => targetText(target))).toEqual(['net8', 'net9']);
    expect(refusals).toHaveLength(1);
    expect(refusals[0]?.reason).toBe('InvalidAnnotation');
    expect(refusals[0]?.message).toContain(`annotation ${EIP}: `);
    expect(refusals[0]?.message).toContain(fault);
  });

  test.each([
    ['auto, tag:k', 'the primary address'],
    ['auto, eth0=tag:k', 'the primary address'],
    ['net1=auto, net1=tag:k', 'net1'],
    ['10.0.0.9=auto, 10.0.0.9=tag:k', '10.0.0.9'],
  ])('gives an address one EIP, the first: %j', (text, name) => {
    expect(parseElements(text).elements.map(({ source }) => source)).toEqual([AUTO]);
    expect(messages(text)).toEqual([
      expect.stringContaining(`an earlier element gives ${name} an Elastic IP, and an address can have only one`),
    ]);
  });

  test('gives an EIP to one address, the first', () => {
    const text = 'net1=eipalloc-1, net2=eipalloc-2, auto, net3=eipalloc-1';

    expect(parseElements(text).elements.map(({ target }) => targetText(target))).toEqual(['net1', 'net2', 'eth0']);
    expect(messages(text)).toEqual([
      expect.stringContaining('"net3=eipalloc-1": an earlier element has the same Elastic IP on net1'),
    ]);
  });

  test('may take several EIPs of one tag', () => {
    expect(parseElements('net1=tag:pool, net2=tag:pool').elements).toHaveLength(2);
  });

  test('says little about a mistake that was made a thousand times, and nothing long', () => {
    const faults = messages(Array.from({ length: 1000 }, () => 'x'.repeat(200)).join(','));

    expect(faults).toHaveLength(MAX_ELEMENTS + 1);
    expect(Math.max(...faults.map((fault) => fault.length))).toBeLessThan(400);
    expect(faults.at(-1)).toContain('from here on ignored: more than 64 elements');
  });
});

const label = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,14}$/);
const target: fc.Arbitrary<EipTarget> = fc.oneof(
  fc.constant(PRIMARY),
  label
    .filter((name) => name !== 'eth0' && !/^[\d.]+$/.test(name))
    .map((name) => ({ kind: 'interface', name }) as const),
  fc.nat(255).map((last) => ({ kind: 'address', address: ip(`10.0.0.${last}`) }) as const),
);
const word = fc.stringMatching(/^[a-zäß/=:@+é](?:[a-z =:/.@+é-]{0,30}[a-z])?$/);
const source: fc.Arbitrary<EipSource> = fc.oneof(
  fc.stringMatching(/^[a-z0-9-]{1,20}$/).map((pool) => ({ kind: 'allocate', pool }) as const),
  fc
    .record({ key: word, value: fc.option(fc.oneof(word, fc.constant('')), { nil: undefined }) })
    .map(({ key, value }) => ({ kind: 'tagged', key: key.replaceAll('=', '-').trim(), value }) as const),
  fc.stringMatching(/^eipalloc-[0-9a-f]{17}$/).map((allocationId) => ({ kind: 'fixed', allocationId }) as const),
);
const elements = fc.uniqueArray(fc.record({ target, source }), {
  maxLength: 8,
  comparator: (a, b) =>
    targetText(a.target) === targetText(b.target) ||
    (a.source.kind === 'fixed' && printElements([a]) === printElements([b])),
});
const fragment = fc.constantFrom(
  'net1',
  '=',
  'auto',
  ':',
  'tag:',
  'k',
  ',',
  ' ',
  'eipalloc-',
  '0a',
  '10.0.0.1',
  '::1',
  '.',
  'é',
  '\0',
);
const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 500 }),
  fc.array(fragment, { maxLength: 200 }).map((parts) => parts.join('')),
);

describe('the grammar of eni-agent.io/eip', () => {
  test('what is printed is read as the same', () => {
    fc.assert(
      fc.property(elements, (written) => {
        expect(parseElements(printElements(written))).toEqual({ elements: written, faults: [] });
      }),
    );
  });

  test('whatever is read prints as a text that is read as the same, with one EIP per target', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const read = parseElements(text).elements;
        expect(parseElements(printElements(read))).toEqual({ elements: read, faults: [] });
        expect(new Set(read.map((element) => targetText(element.target))).size).toBe(read.length);
      }),
      { numRuns: 1000 },
    );
  });

  test('every element is either an EIP or a fault', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const written = text.split(',').filter((element) => element.trim() !== '').length;
        const { elements: read, faults } = parseElements(text);
        expect(read.length + faults.length).toBe(Math.min(written, MAX_ELEMENTS + 1));
      }),
    );
  });
});

function identityOf(name: string) {
  const [claim] = own.requests(podWith({ [EIP]: '10.10.1.100=auto' }, { name }), CONTEXT).claims;
  return claim?.identity.map((key) => claim.tags[key]);
}

describe('claims of eni-agent.io/eip', () => {
  test('carry tags that name cluster, pod, target and source', () => {
    const { claims } = own.requests(podWith({ [EIP]: 'net1=auto:ipv4pool-ec2-1' }), CONTEXT);

    expect(claims).toEqual([
      {
        id: 'own|apps/web-0|net1',
        dialect: 'own',
        owner: { namespace: 'apps', name: 'web-0', uid: 'uid-1' },
        source: { kind: 'allocate', pool: 'ipv4pool-ec2-1' },
        target: NET1,
        tags: {
          'eni-agent.io/cluster': 'blue',
          'eni-agent.io/pod': 'apps/web-0',
          'eni-agent.io/claim': 'net1',
          'eni-agent.io/source': 'auto:ipv4pool-ec2-1',
        },
        identity: ['eni-agent.io/cluster', 'eni-agent.io/claim', 'eni-agent.io/source', 'eni-agent.io/pod'],
      },
    ]);
  });

  test('on an address are the same for every pod that may hold it', () => {
    expect(identityOf('web-0')).toEqual(['blue', '10.10.1.100', 'auto']);
    expect(identityOf('web-1')).toEqual(identityOf('web-0'));
  });

  test('have unlike ids and identities within a pod', () => {
    const { claims } = own.requests(podWith({ [EIP]: 'auto, net1=auto, net2=auto, 10.0.0.9=auto' }), CONTEXT);
    const identities = claims.map(({ identity, tags }) => identity.map((key) => tags[key]).join('|'));

    expect(new Set(claims.map(({ id }) => id)).size).toBe(4);
    expect(new Set(identities).size).toBe(4);
  });

  test('say which EIPs were allocated, by the source in their tags', () => {
    const allocated = ['auto', 'auto:ipv4pool-ec2-1', 'tag:auto', 'automatic', 'eipalloc-1', ''].map((text) =>
      own.allocatedByUs({ 'eni-agent.io/source': text }),
    );

    expect(allocated).toEqual([true, true, false, false, false, false]);
    expect(own.allocatedByUs({})).toBe(false);
  });

  test('are found again by their tags, in this cluster alone', () => {
    const tags = own.requests(podWith({ [EIP]: 'auto' }), CONTEXT).claims[0]?.tags ?? {};

    expect(own.ownerOf(tags, CONTEXT)).toBe('apps/web-0');
    expect(own.ownerOf(tags, { ...CONTEXT, clusterName: 'green' })).toBeUndefined();
    expect(Object.keys(tags).sort()).toEqual([...own.ownTags].sort());
  });
});
