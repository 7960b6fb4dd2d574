import { describe, expect, it } from 'vitest';
import { cidr } from '../../../../lib/model/ip.ts';
import {
  ANNOUNCEMENT,
  type Announcement,
  LINKS_READY,
  LINKS_READY_LABEL,
  NOT_READY_TAINT,
  parseAnnouncement,
  renderAnnouncement,
} from '../../../../lib/model/node-enis/announcement.ts';
import { hostNameOf } from '../../../../lib/model/node-enis/node-eni.ts';
import { NODE_ENI_REASONS } from '../../../../lib/model/node-enis/reasons.ts';
import { NODE_ENI_TAG, nodeEniTags, nodeEniToken, slotKey, slotOf } from '../../../../lib/model/node-enis/tags.ts';
import { announcedInterface } from '../../../support/builders.ts';
import { contentOf } from '../../architecture/source-tree.ts';

const ANNOUNCED: Announcement = {
  wanted: 2,
  interfaces: [announcedInterface({ cidrs: [cidr('10.0.64.0/20')] })],
};

describe('the announcement of a node’s interfaces', () => {
  it('comes back as it was written', () => {
    expect(parseAnnouncement(renderAnnouncement(ANNOUNCED))).toEqual(ANNOUNCED);
  });

  it('gives the same text whatever the order', () => {
    const [first] = ANNOUNCED.interfaces;
    if (first === undefined) throw new Error('no interface');
    const second = { ...first, id: 'eni-2', mac: '02:00:00:00:00:02', index: 1, name: undefined, mtu: undefined };
    expect(renderAnnouncement({ wanted: 2, interfaces: [second, first] })).toBe(
      renderAnnouncement({ wanted: 2, interfaces: [first, second] }),
    );
  });

  it.each([undefined, '', 'null', '[]', '{}', '{"wanted":-1}', '{"wanted":"1"}', 'x'])('is none in %j', (text) => {
    expect(parseAnnouncement(text)).toBeUndefined();
  });

  it('leaves out entries that name no interface, and keeps the others', () => {
    const text = JSON.stringify({ wanted: 1, interfaces: [{}, { id: 'eni-1' }, { id: 'eni-1', mac: 'x' }, 7] });
    expect(parseAnnouncement(text)).toEqual({ wanted: 1, interfaces: [] });
  });
});

describe('the manual', () => {
  const page = contentOf('docs/node-enis.md');

  it('names every key of the contract between controller and node agent', () => {
    const keys = [
      ANNOUNCEMENT,
      LINKS_READY,
      `${LINKS_READY_LABEL}=ready`,
      NOT_READY_TAINT,
      ...Object.values(NODE_ENI_TAG),
    ];
    expect(keys.filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
  });

  it('has a line for every reason', () => {
    expect(Object.keys(NODE_ENI_REASONS).filter((reason) => !page.includes(`\`${reason}\``))).toEqual([]);
  });
});

describe('what identifies an interface as one slot’s', () => {
  const slot = { uid: '0b4e2b0e-7d0a-4b0e-9a57-6f1f6d7b8c9d', instanceId: 'i-0123456789abcdef0', index: 14 };

  it('is read back from its tags', () => {
    const tags = nodeEniTags(
      slot,
      { clusterName: 'c', name: 'multus', node: 'n' },
      { tags: { 'eni-agent.io/cluster': 'other' }, deletionPolicy: 'Delete' },
    );
    expect(slotOf(tags, 'c')).toEqual(slot);
    expect(slotOf(tags, 'other')).toBeUndefined();
    expect(slotKey(slot)).toBe(`${slot.uid}/${slot.instanceId}/14`);
  });

  it('gives a token of 64 characters at most that differs by slot and by the interface that is gone', () => {
    const tokens = [
      nodeEniToken(slot, undefined),
      nodeEniToken({ ...slot, index: 13 }, undefined),
      nodeEniToken(slot, 'eni-0aaaaaaaaaaaaaaa1'),
      nodeEniToken(slot, 'eni-0aaaaaaaaaaaaaaa2'),
    ];
    expect(new Set(tokens).size).toBe(4);
    for (const token of tokens) expect(token.length).toBeLessThanOrEqual(64);
  });

  it('names the first link as the object says and the others with their index', () => {
    expect([0, 1, 2].map((index) => hostNameOf('multus', index))).toEqual(['multus', 'multus1', 'multus2']);
  });
});
