import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { burstIntervals, mostWaitingMails, nodesWaitingFactor } from '../../src/base/bounds.js';
import { mib, minuteMs } from '../../src/base/units.js';
import {
  charged,
  costOfMail,
  costOfText,
  isAboutDocuments,
  levelAt,
  looksLikeDocuments,
  looksLikePackets,
  nextMails,
  overBacklog,
  overWatermark,
  type Room,
  spentAt,
  type WaitingMail,
} from '../../src/carrier/intake.js';

const packetMailBytes = 45_500;

const mailOf = (uid: number, given: Partial<WaitingMail> = {}): WaitingMail => ({
  folder: 'INBOX',
  uid,
  sizeBytes: packetMailBytes,
  sender: 'alice@home.test',
  isListed: false,
  mayGo: true,
  ...given,
});

const room = (given: Partial<Room> = {}): Room => ({
  bytes: Infinity,
  mails: Infinity,
  others: Infinity,
  levelOf: () => 100,
  spentOf: () => 0,
  ...given,
});

/** Mails of up to eight senders, three of whom are nodes. */
const waiting = fc
  .array(fc.record({ from: fc.nat(7), sizeBytes: fc.integer({ min: 1000, max: 8 * mib }), mayGo: fc.boolean() }), {
    maxLength: 80,
  })
  .map((mails) =>
    mails.map(({ from, ...mail }, i) => mailOf(i + 1, { ...mail, sender: `s${from}@x.test`, isListed: from < 3 })),
  );

const sendersOf = (mails: readonly WaitingMail[]): ReadonlySet<string> => new Set(mails.map(({ sender }) => sender));

describe('the order of reading', () => {
  it('skips nobody: round after round every mail is read once, each sender’s oldest first', () => {
    fc.assert(
      fc.property(waiting, fc.integer({ min: 1, max: 10 }), (all, mails) => {
        let left = all;
        const read: WaitingMail[] = [];
        while (left.length > 0) {
          const now = nextMails(left, room({ mails, bytes: 8 * mib }));
          expect(now.length).toBeGreaterThan(0);
          read.push(...now);
          left = left.filter((mail) => !now.includes(mail));
        }
        expect(new Set(read)).toEqual(new Set(all));
        expect(read).toHaveLength(all.length);
        for (const sender of sendersOf(all)) {
          const uids = read.filter((mail) => mail.sender === sender).map(({ uid }) => uid);
          expect(uids).toEqual(uids.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  it('gives each sender of a class one mail before any of that class has two', () => {
    fc.assert(
      fc.property(waiting, (all) => {
        const chosen = nextMails(all, room());
        for (const isListed of [true, false]) {
          const ofClass = chosen.filter((mail) => mail.isListed === isListed);
          const senders = sendersOf(all.filter((mail) => mail.isListed === isListed));
          expect(sendersOf(ofClass.slice(0, senders.size))).toEqual(senders);
        }
      }),
    );
  });

  it('puts one mail of Alice before the second of a thousand', () => {
    const flood = Array.from({ length: 1000 }, (_, i) => mailOf(i + 1, { sender: 'mallory@evil.test' }));
    const chosen = nextMails([...flood, mailOf(5000)], room());
    expect(chosen.findIndex(({ uid }) => uid === 5000)).toBeLessThan(2);
  });

  it('puts first who has had least of late, and then who has least waiting, whoever came first', () => {
    const crowd = Array.from({ length: 1000 }, (_, i) => mailOf(i + 1, { sender: `m${i % 100}@evil.test` }));
    const alice = mailOf(5000);
    const [next] = nextMails([...crowd, alice], room());
    expect(next).toBe(alice);
    const many = [...crowd, alice, mailOf(5001, { sender: 'm0@evil.test' })];
    const spentOf = ({ sender }: WaitingMail): number => (sender === 'm0@evil.test' ? 1 : 2);
    expect(nextMails(many, room({ spentOf })).map(({ uid }) => uid)).toEqual([
      1,
      5000,
      ...crowd.slice(1, 100).map(({ uid }) => uid),
    ]);
  });

  it('takes turns between nodes and all others, however many there are of the others', () => {
    const crowd = Array.from({ length: 500 }, (_, i) => mailOf(i + 1, { sender: `m${i}@evil.test` }));
    const node = Array.from({ length: 20 }, (_, i) => mailOf(1000 + i, { sender: 'node@mix.test', isListed: true }));
    const chosen = nextMails([...crowd, ...node], room({ mails: 40 }));
    expect(chosen.filter(({ isListed }) => isListed)).toHaveLength(20);
  });

  it('stays within the room it is given, but for a single mail, and reads nothing of who has used up his share', () => {
    fc.assert(
      fc.property(
        waiting,
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 8 * mib }),
        (all, mails, bytes) => {
          const levelOf = ({ sender }: WaitingMail): number => (sender === 's4@x.test' ? 0 : 100);
          const chosen = nextMails(all, room({ mails, bytes, levelOf }));
          const sum = chosen.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
          expect(chosen.length).toBeLessThanOrEqual(mails);
          expect(chosen.length <= 1 || sum <= bytes).toBe(true);
          expect(sendersOf(chosen)).not.toContain('s4@x.test');
          expect(nextMails(all, room({ others: 0 })).every(({ isListed }) => isListed)).toBe(true);
        },
      ),
    );
  });

  it('reads one mail at a time of who is no node, before whose second others may have had less', () => {
    expect(nextMails([mailOf(1), mailOf(2)], room()).map(({ uid }) => uid)).toEqual([1]);
  });

  it('reads no more of a node than is in its bucket, and one mail', () => {
    const mails = Array.from({ length: 100 }, (_, i) => mailOf(i + 1, { isListed: true }));
    const chosen = nextMails(mails, room({ levelOf: () => 10 }));
    const cost = costOfMail(packetMailBytes);
    expect(chosen.length * cost).toBeGreaterThanOrEqual(10);
    expect((chosen.length - 1) * cost).toBeLessThan(10);
  });
});

describe('a bucket', () => {
  const flow = { perInterval: 48, intervalMs: 12 * minuteMs };

  it('is full of what comes in some intervals, and fills by the interval; a clock set back fills none', () => {
    const full = 48 * burstIntervals;
    expect(levelAt(undefined, flow, 0)).toBe(full);
    const used = charged(undefined, flow, 0, full + 10);
    expect(used?.level).toBe(-10);
    expect(levelAt(used, flow, 12 * minuteMs)).toBeCloseTo(38);
    expect(levelAt(used, flow, -12 * minuteMs)).toBe(-10);
    expect(charged(used, flow, 100 * 12 * minuteMs, 0)).toBeUndefined();
  });

  it('remembers for some time what was spent, half of it after each ten intervals', () => {
    const used = charged(undefined, flow, 0, 40);
    const halves = [0, 10, 20].map((intervals) => spentAt(used, flow, intervals * 12 * minuteMs));
    expect(halves).toEqual([40, 20, 10]);
    expect(spentAt(charged(used, flow, 120 * minuteMs, 5), flow, 120 * minuteMs)).toBe(25);
    expect(spentAt(used, flow, -12 * minuteMs)).toBe(40);
    // It is full long before.
    expect(charged(used, flow, 60 * 12 * minuteMs, 0)?.level).toBe(48 * burstIntervals);
    expect(charged(used, flow, 64 * 12 * minuteMs, 0)).toBeUndefined();
    expect(spentAt(undefined, flow, 0)).toBe(0);
  });

  it('lets through in any time no more than that time fills, a full bucket and a mail', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ waitMs: fc.nat(minuteMs), cost: fc.integer({ min: 1, max: 64 }) })), (mails) => {
        let bucket = charged(undefined, flow, 0, 0);
        let now = 0;
        let sum = 0;
        for (const { waitMs, cost } of mails) {
          now += waitMs;
          if (levelAt(bucket, flow, now) <= 0) continue;
          bucket = charged(bucket, flow, now, cost);
          sum += cost;
        }
        expect(sum).toBeLessThanOrEqual((now / flow.intervalMs) * 48 + 48 * burstIntervals + 64 + 1e-6);
      }),
    );
  });
});

describe('what is removed unread', () => {
  it('says by subject, size and header that a program made it of packets', () => {
    const packets = { sizeBytes: packetMailBytes, subject: '[EXT] MixMailer packets', isAutoGenerated: true };
    expect(looksLikePackets(packets)).toBe(true);
    expect(looksLikePackets({ ...packets, isAutoGenerated: false })).toBe(false);
    expect(looksLikePackets({ ...packets, subject: 'Hello' })).toBe(false);
    expect(looksLikePackets({ ...packets, sizeBytes: 20_000 })).toBe(false);
  });

  it('is a mail of documents if that says so of itself, or, to whom they are for, any with their Subject', () => {
    const documents = { subject: '[EXT] mixmailer directory', isAutoGenerated: true };
    expect(looksLikeDocuments(documents)).toBe(true);
    expect(looksLikeDocuments({ ...documents, isAutoGenerated: false })).toBe(false);
    expect(looksLikeDocuments({ ...documents, subject: 'MixMailer packets' })).toBe(false);
    expect(isAboutDocuments(documents.subject)).toBe(true);
    // What is inflated costs as if it had been mailed, and each document as much as a packet.
    expect(costOfText(44_842, 0)).toBe(costOfMail(44_842));
    expect(costOfText(0, 200)).toBe(200);
  });

  it('is never a letter, and never more than the newest of whom has too much', () => {
    fc.assert(
      fc.property(waiting, fc.integer({ min: 0, max: 400 * mib }), (all, excess) => {
        const gone = overWatermark(all, excess);
        expect(gone.every(({ mayGo }) => mayGo)).toBe(true);
        const left = all.filter((mail) => mail.mayGo && !gone.includes(mail));
        const size = (mails: readonly WaitingMail[]): number =>
          mails.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
        const removable = size(all.filter(({ mayGo }) => mayGo));
        expect(size(gone)).toBeGreaterThanOrEqual(Math.min(excess, removable));
        for (const { sender, uid } of gone)
          for (const kept of left) if (kept.sender === sender) expect(kept.uid).toBeLessThan(uid);
        expect(overWatermark(all, 0)).toEqual([]);
      }),
    );
  });

  it('hits the heaviest sender alone while that is enough', () => {
    const heavy = Array.from({ length: 50 }, (_, i) => mailOf(i + 1, { sender: 'mallory@evil.test' }));
    const light = [mailOf(100), mailOf(101)];
    const gone = overWatermark([...heavy, ...light], 30 * packetMailBytes);
    expect(sendersOf(gone)).toEqual(new Set(['mallory@evil.test']));
    expect(gone.map(({ uid }) => uid)).toEqual(heavy.slice(20).map(({ uid }) => uid));
  });

  it('is what one sender has waiting beyond a bound, which is wider for a node', () => {
    const many = (isListed: boolean, mayGo = true): WaitingMail[] =>
      Array.from({ length: mostWaitingMails + 7 }, (_, i) => mailOf(i + 1, { isListed, mayGo }));
    expect(overBacklog(many(false)).map(({ uid }) => uid)).toEqual(
      many(false)
        .slice(mostWaitingMails)
        .map(({ uid }) => uid),
    );
    expect(nodesWaitingFactor).toBeGreaterThan(1);
    expect(overBacklog(many(true))).toEqual([]);
    expect(overBacklog(many(false, false))).toEqual([]);
  });
});
