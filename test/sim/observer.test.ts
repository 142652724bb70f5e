import { describe, expect, it } from 'vitest';
import { minuteMs } from '../../src/base/units.js';
import { findRecipients, findSenders, type Observed } from '../../src/sim/observer.js';
import type { Target } from '../../src/sim/recording.js';
import type { EntryMail, Flush } from '../../src/sim/sighting.js';

const entry = (at: number, sender: number): EntryMail => ({ kind: 'entry', at, sender, node: 0, packets: 1 });
const flush = (at: number, node: number, more: Partial<Flush>): Flush => ({
  kind: 'flush',
  at,
  node,
  stayed: { fresh: 0, seasoned: 0 },
  left: { fresh: 0, seasoned: 0 },
  mails: [],
  deliveries: [],
  ...more,
});
const to = (recipients: number, at: number) =>
  Array.from({ length: recipients }, (_, recipient) => ({ recipient, at }));
const targetOf = (own: EntryMail, exit: Flush): Target => ({
  message: { number: 0, sender: own.sender, recipient: 0, submittedAt: 0, mailedAt: 0, deliveredAt: exit.at },
  entry: own,
  exit,
});
const twoLayers: Observed = {
  nodes: 2,
  sight: { kind: 'layers', layers: [1, 2] },
  chance: () => 1,
  ages: 'two',
};

describe('the observer of all mails', () => {
  it('is as uncertain as two coins where four mails go through one node together', () => {
    const entries = [0, 1, 2, 3].map((sender) => entry(sender, sender));
    const first = flush(10, 0, {
      left: { fresh: 4, seasoned: 0 },
      mails: [{ to: 1, packets: 4, arrivesAt: 11, closing: false }],
    });
    const last = flush(20, 1, { left: { fresh: 4, seasoned: 0 }, deliveries: to(4, 21) });
    const sightings = [...entries, first, last];
    const targets = [targetOf(entries[1] as EntryMail, last)];
    for (const find of [findRecipients, findSenders]) {
      const [found] = find(sightings, targets, twoLayers);
      expect(found?.bits).toBeCloseTo(2, 9);
      expect(found?.lost).toBeCloseTo(0, 9);
    }
    expect(findRecipients(sightings, targets, twoLayers)[0]?.success).toBe(0.25);
  });

  it('knows a message that goes through alone', () => {
    const own = entry(0, 0);
    const last = flush(20, 1, { left: { fresh: 1, seasoned: 0 }, deliveries: to(1, 21) });
    const alone = [
      own,
      flush(10, 0, { left: { fresh: 1, seasoned: 0 }, mails: [{ to: 1, packets: 1, arrivesAt: 11, closing: false }] }),
      last,
    ];
    for (const find of [findRecipients, findSenders])
      expect(find(alone, [targetOf(own, last)], twoLayers)).toEqual([{ bits: 0, success: 1, lost: 0 }]);
  });

  it('counts what stayed: half of a pool that left is half of the suspicion', () => {
    const entries = [0, 1].map((sender) => entry(sender, sender));
    const late = entry(15, 2);
    const mail = (arrivesAt: number, packets: number) => [{ to: 1, packets, arrivesAt, closing: false }];
    const last = flush(40, 1, { left: { fresh: 2, seasoned: 0 }, deliveries: to(2, 41) });
    const sightings = [
      ...entries,
      flush(10, 0, { left: { fresh: 1, seasoned: 0 }, stayed: { fresh: 1, seasoned: 0 }, mails: mail(11, 1) }),
      late,
      flush(12, 1, { left: { fresh: 1, seasoned: 0 }, deliveries: to(1, 13) }),
      flush(20, 0, { left: { fresh: 1, seasoned: 1 }, mails: mail(21, 2) }),
      last,
    ];
    // One half in the first delivery, a quarter in each of the two later ones.
    const [found] = findRecipients(sightings, [targetOf(entries[0] as EntryMail, last)], twoLayers);
    expect(found?.bits).toBeCloseTo(1.5, 9);
    // Back from the two: the fresh one is the late mail, the seasoned one either of the early ones.
    const [sender] = findSenders(sightings, [targetOf(entries[0] as EntryMail, last)], twoLayers);
    expect(sender?.bits).toBeCloseTo(1.5, 9);
  });

  it('reckons with the strategy where it cannot see what stayed', () => {
    const own = entry(0, 0);
    const unseen = { stayed: undefined, left: undefined };
    const mail = [{ to: 1, packets: 1, arrivesAt: 11, closing: false }];
    const last = flush(20, 1, { ...unseen, deliveries: to(1, 21) });
    const sightings = [own, flush(10, 0, { ...unseen, mails: mail }), last];
    const [found] = findRecipients(sightings, [targetOf(own, last)], { ...twoLayers, chance: () => 0.5 });
    // Half of it is thought to be still in the first node, and half of the rest in the second.
    expect(found).toEqual({ bits: 0, success: 1, lost: 0.75 });
  });

  it('follows no message over mails that close the ring', () => {
    const own = entry(0, 0);
    const last = flush(minuteMs, 1, { left: { fresh: 1, seasoned: 0 }, deliveries: to(1, minuteMs) });
    const closing = [{ to: 0, packets: 3, arrivesAt: minuteMs + 1, closing: true }];
    const sightings = [
      own,
      flush(10, 0, { left: { fresh: 1, seasoned: 0 }, mails: [{ to: 1, packets: 1, arrivesAt: 11, closing: false }] }),
      { ...last, mails: closing },
    ];
    expect(findRecipients(sightings, [targetOf(own, sightings[2] as Flush)], twoLayers)[0]?.lost).toBe(0);
  });

  it('suspects nobody for what left the last layer and was no message', () => {
    const own = entry(0, 0);
    const mail = (node: number, arrivesAt: number) => ({ to: node, packets: 1, arrivesAt, closing: false });
    const closing = { to: 0, packets: 1, arrivesAt: minuteMs, closing: true };
    const last = flush(20, 1, { left: { fresh: 2, seasoned: 0 }, mails: [closing], deliveries: to(1, 21) });
    const sightings = [
      own,
      flush(10, 0, { left: { fresh: 4, seasoned: 0 }, mails: [1, 1, 2, 2].map((node) => mail(node, 11)) }),
      last,
      flush(20, 2, { left: { fresh: 2, seasoned: 0 }, deliveries: to(2, 21) }),
    ];
    const threeNodes: Observed = { ...twoLayers, nodes: 3, sight: { kind: 'layers', layers: [1, 2, 2] } };
    // One of two went on from the one node, so each of three deliveries is as likely as the next.
    const [found] = findRecipients(sightings, [targetOf(own, last)], threeNodes);
    expect(found?.bits).toBeCloseTo(Math.log2(3), 9);
    expect(found?.lost).toBeCloseTo(0, 9);
  });
});
