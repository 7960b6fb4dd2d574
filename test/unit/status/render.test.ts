import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { besideView, renderStatus, type View } from '../../../agent/status/render.ts';
import { ageText } from '../../../agent/status/tables.ts';
import { renderColumns } from '../../../agent/text/columns.ts';
import { COLOURED, PLAIN, paintFor } from '../../../agent/text/paint.ts';
import { toYaml } from '../../../agent/text/yaml.ts';
import { clusterStatus } from '../../../lib/plan/status/cluster-status.ts';
import { agentFact, eniView, factsOf, floatingIp, nodeFact, podOf, snapshotOf } from './facts.ts';

const NODE = 'ip-10-0-101-102.eu-central-1.compute.internal';
const VIEWS: readonly View[] = [
  'overview',
  'nodes',
  'pods',
  'addresses',
  'eips',
  'floatingips',
  'nodeenis',
  'agents',
  'events',
];

/** A cluster whose names are as long as they are on EKS. */
const status = clusterStatus(
  factsOf({
    nodes: [nodeFact(NODE), nodeFact('b')],
    agents: [agentFact(NODE), agentFact('b', { ready: false, trouble: 'CrashLoopBackOff' })],
    pods: [
      podOf('session-border-controller-7d9f8b6c5d-x2x4z', {
        node: NODE,
        addresses: [
          {
            address: '10.0.1.9',
            interface: 'net1',
            eni: 'eni-0123456789abcdef0',
            state: 'assigned',
            eip: '198.51.100.7',
          },
          {
            address: '2001:db8:20:1::1a2b',
            interface: 'net1',
            eni: 'eni-0123456789abcdef0',
            state: 'refused',
            reason: 'AddressLimitExceeded',
          },
        ],
        condition: {
          status: 'False',
          reason: 'AddressLimitExceeded',
          message: `eni-0123456789abcdef0 is full: 10 of 10 used. ${'Long words follow. '.repeat(6)}`,
        },
      }),
    ],
    snapshots: new Map([
      [
        `eni-agent-system/eni-agent-${NODE}`,
        { view: snapshotOf(NODE, { enis: [eniView('eni-0123456789abcdef0', { ipv4: { used: 7, limit: 10 } })] }) },
      ],
    ]),
    floatingIps: [
      floatingIp(
        'ingress',
        { addresses: ['10.0.1.200', '2001:db8:20:1::200'] },
        { node: NODE, conditions: [{ type: 'Ready', status: 'True', observedGeneration: 1 }] },
      ),
    ],
    events: [
      {
        at: '2026-01-02T03:04:00Z',
        type: 'Warning',
        reason: 'AddressRefused',
        message: 'm '.repeat(90),
        count: 3,
        subject: 'Pod default/session',
        node: NODE,
      },
    ],
    gaps: [
      'Events could not be read: events is forbidden: User "someone" cannot list resource "events" at the cluster scope',
    ],
  }),
);

function render(view: View, columns: number | undefined, wide = false): string[] {
  return renderStatus(status, view, { columns, wide, paint: PLAIN }).split('\n');
}

describe('renderStatus', () => {
  it.each(VIEWS)('keeps %s within 80 columns on a terminal', (view) => {
    const lines = render(view, 80);

    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(lines.filter((line) => line !== line.trimEnd())).toEqual([]);
  });

  it('cuts nothing for a pipe, so that a script can search it', () => {
    expect(render('pods', undefined).join('\n')).toContain('10.0.1.9,2001:db8:20:1::1a2b');
    expect(render('addresses', undefined).join('\n')).toContain('session-border-controller-7d9f8b6c5d-x2x4z');
    expect(render('nodes', undefined).join('\n')).toContain(NODE);
  });

  it('says everything that matters on the first screen', () => {
    const text = render('overview', 80).join('\n');

    for (const said of [
      'something is wrong',
      '2 of 2 ready, an agent on 2',
      '1 of 2 ready; version 1.0.0 (2)',
      '1; 7 of 10 IPv4 addresses in use',
      '3 assigned, 0 pending, 1 refused (AddressLimitExceeded 1)',
      '1 bound, 0 pending, 0 refused',
      'Node b  AgentNotReady',
      'eni-agent-b: CrashLoopBackOff',
      '████░ 7/10',
      'ingress',
      'Not shown: Events could not be read',
    ])
      expect(text).toContain(said);
    expect(text.split('\n').length).toBeLessThan(40);
  });

  it('leaves out a column in which nothing stands before it cuts a cell, and keeps it where there is room', () => {
    const table = [
      { head: 'ENI', cell: (id: string) => id, yields: 1 },
      { head: 'REASON', cell: () => '' },
    ];
    const heads = (columns: number | undefined) =>
      renderColumns(table, ['eni-0123456789abcdef0'], { columns, paint: PLAIN });

    expect(heads(24)).toEqual(['ENI', 'eni-0123456789abcdef0']);
    for (const columns of [80, undefined]) expect(heads(columns)[0]).toMatch(/^ENI {2,}REASON$/);
  });

  it('adds what a wide screen has room for', () => {
    expect(render('addresses', undefined, true)[0]).toContain('PUBLIC IP');
    expect(render('nodes', undefined, true)[0]).toContain('INSTANCE');
  });

  it('changes nothing but colours for a terminal that has them', () => {
    const coloured = renderStatus(status, 'overview', { columns: 80, wide: false, paint: COLOURED });

    expect(coloured).toContain('\u001B[31m');
    expect(coloured.replaceAll(new RegExp(`${'\u001B'}\\[\\d+m`, 'g'), '')).toBe(render('overview', 80).join('\n'));
  });
});

describe('besideView', () => {
  it('says what the exit code of a view rests on but the view does not show', () => {
    expect(besideView(status, 'eips')).toEqual([
      expect.stringMatching(/^not shown: Events could not be read/),
      'something is wrong in the cluster (exit code 1); see eni-agent status',
    ]);
    expect(besideView(status, 'overview')).toEqual([]);
    expect(besideView({ ...status, summary: { ...status.summary, healthy: true }, gaps: [] }, 'eips')).toEqual([]);
  });
});

describe('paintFor', () => {
  it('colours a terminal only, and not one whose owner wants none', () => {
    expect(paintFor({ isTTY: true }, {})).toBe(COLOURED);
    expect(paintFor({}, {})).toBe(PLAIN);
    expect(paintFor({ isTTY: true }, { NO_COLOR: '1' })).toBe(PLAIN);
    expect(paintFor({ isTTY: true }, { TERM: 'dumb' })).toBe(PLAIN);
  });
});

describe('toYaml', () => {
  it('is read back as the same value by another implementation of YAML', () => {
    const odd = {
      a: [],
      b: {},
      c: [[1, [2]], { d: null }, 'yes', 'no: yes', '- x', '', ' x', '1e3', '#', 'a\nb'],
      'key: odd': { e: 'ü' },
    };

    expect(parse(toYaml(odd))).toEqual(odd);
    expect(parse(toYaml(status))).toEqual(JSON.parse(JSON.stringify(status)));
  });
});

describe('ageText', () => {
  it.each([
    ['2026-01-02T03:04:00Z', '5s'],
    ['2026-01-02T03:00:05Z', '4m'],
    ['2026-01-01T23:04:05Z', '4h'],
    ['2025-12-30T03:04:05Z', '3d'],
    ['', '-'],
    [undefined, '-'],
  ])('writes the time since %s as %s', (since, text) => {
    expect(ageText(since, Date.parse('2026-01-02T03:04:05Z'))).toBe(text);
  });
});
