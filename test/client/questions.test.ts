import { beforeAll, describe, expect, it } from 'vitest';
import { ascii, concat } from '../../src/base/bytes.js';
import type { MessageId } from '../../src/base/ids.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { isUnderWay, mayBeAnswered, transitMs } from '../../src/client/questions.js';
import type { Pace } from '../../src/cover/pace.js';
import type { Sending } from '../../src/ports/client-store.js';
import { fakeNetwork, without } from '../fakes/network.js';
import type { FakeNetwork } from '../fakes/network.js';
import { addressOfBob, letterOf, quick, turns } from '../node/packets.js';
import { nodeTurns } from '../node/sender.js';
import { handOf } from './hand.js';
import type { Hand } from './hand.js';

let letter: Uint8Array;
let large: Uint8Array;
beforeAll(async () => {
  [letter, large] = await Promise.all([letterOf(), letterOf(60_000)]);
});

/** A slot every few minutes, so that stories are not about waiting for one. */
const pace: Pace = { meanMs: 4 * minuteMs, packets: 1, cover: true, questions: 0.5 };
const asking = (more: Partial<Pace> = {}): Hand => handOf({ client: { pace: { ...pace, ...more } } });
const stepMs = 4 * minuteMs;

/** Lets time pass until that is so. */
const until = async (hand: Hand, isSo: () => boolean, longestMs = dayMs): Promise<void> => {
  const end = hand.network.now() + longestMs;
  while (!isSo()) {
    if (hand.network.now() >= end) expect.fail('it does not come to that');
    await hand.pass(stepMs, stepMs);
  }
};

const asked = (hand: Hand): number => hand.given.filter(({ purpose }) => purpose === 'receipt').length;
const untilAsked = (hand: Hand, times: number, longestMs?: number): Promise<void> =>
  until(hand, () => asked(hand) >= times, longestMs);
const waits = ({ network }: Hand): number => network.client.store.waiting(network.now()).length;
const untilLeft = (hand: Hand): Promise<void> => until(hand, () => waits(hand) === 0);

const sent = async (hand: Hand, raw: Uint8Array): Promise<MessageId> => {
  const id = await hand.submit(raw);
  await hand.turn();
  return id;
};

describe('a client that asks', () => {
  it('sends no reply blocks with a message, and asks when it may have arrived', async () => {
    const hand = asking();
    const id = await sent(hand, letter);
    await untilLeft(hand);
    const leftAt = hand.network.now();
    expect(hand.given).toEqual([]);
    await untilAsked(hand, 1);
    const transit = transitMs(hand.network.network);
    expect(transit).toBe(36 * minuteMs);
    expect(hand.network.now() - leftAt).toBeGreaterThan(transit - stepMs);
    expect(hand.given.map(({ purpose, messageId }) => [purpose, messageId])).toEqual([
      ['receipt', id],
      ['bounce', id],
    ]);
    const [sending = expect.fail('none')] = hand.network.client.store.sendings(id);
    expect(hand.given.map(({ exit }) => exit)).toEqual([sending.exit, sending.exit]);
  });

  it('asks once more hours after the exit has handed it over, and hears of a bounce that comes later still', async () => {
    const hand = asking();
    const id = await sent(hand, letter);
    await untilAsked(hand, 1);
    await hand.answer({ kind: 'handed-over', code: 250 });
    expect(hand.status(id).state).toBe('delivered');
    const heardAt = hand.network.now();
    const exit = hand.given[0]?.exit;
    await untilAsked(hand, 2);
    expect(hand.network.now() - heardAt).toBeGreaterThanOrEqual(6 * hourMs);
    expect(hand.network.now() - heardAt).toBeLessThan(7 * hourMs);
    expect(hand.given.slice(2).map(({ purpose, messageId, exit: whom }) => [purpose, messageId, whom])).toEqual([
      ['receipt', id, exit],
      ['bounce', id, exit],
    ]);
    await hand.answer({ kind: 'handed-over', code: 250 });
    await hand.pass(2 * dayMs, hourMs);
    expect(asked(hand)).toBe(2);
    expect(hand.status(id)).toMatchObject({ state: 'delivered', sendings: 1 });
    expect(hand.inbox()).toEqual([]);
    await hand.answer({ kind: 'bounced', status: [5, 1, 1] }, hand.unused('bounce')[0]);
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: { kind: 'bounced' } });
    expect(hand.inbox()).toHaveLength(1);
  });

  it('asks until it hears whether what was handed over came back, and no more then', async () => {
    const hand = asking();
    const id = await sent(hand, letter);
    await untilAsked(hand, 1);
    const [early = expect.fail('no question')] = hand.unused('receipt');
    await hand.answer({ kind: 'handed-over', code: 250 });
    // Neither an answer to an earlier question, nor what the exit said before it was handed over, is one to the last.
    await hand.answer({ kind: 'incomplete', have: [] }, hand.unused('bounce')[0]);
    await untilAsked(hand, 2);
    // That answer is lost.
    await untilAsked(hand, 3, 2 * dayMs);
    expect(hand.given.filter(({ exit }) => exit !== early.exit)).toEqual([]);
    await hand.answer({ kind: 'bounced', status: [5, 1, 1] });
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: { kind: 'bounced', status: [5, 1, 1] } });
    expect(hand.inbox()).toHaveLength(1);
    await hand.pass(2 * dayMs, hourMs);
    expect([asked(hand), hand.inbox().length, hand.status(id).sendings]).toEqual([3, 1, 1]);
  });

  it('asks about what nobody has confirmed before what has been handed over', async () => {
    const hand = asking();
    const first = await sent(hand, letter);
    await untilAsked(hand, 1);
    await hand.answer({ kind: 'handed-over', code: 250 });
    await hand.pass(5 * hourMs, stepMs);
    const second = await sent(hand, large);
    await untilLeft(hand);
    // Both are due, that which was handed over for longer.
    hand.network.passMs(3 * hourMs);
    await untilAsked(hand, 3);
    const about = hand.given.filter(({ purpose }) => purpose === 'receipt').map(({ messageId }) => messageId);
    expect(about).toEqual([first, second, first]);
  });

  it('asks like that where answers come unasked, too', async () => {
    for (const more of [{ questions: 0 }, { cover: false }]) {
      const hand = asking(more);
      const id = await sent(hand, letter);
      await untilLeft(hand);
      await hand.answer({ kind: 'handed-over', code: 250 });
      expect(hand.status(id).state).toBe('delivered');
      const heardAt = hand.network.now();
      const given = hand.given.length;
      await until(hand, () => hand.given.length > given);
      expect(hand.network.now() - heardAt).toBeGreaterThanOrEqual(6 * hourMs);
      expect(hand.given.slice(given).map(({ purpose, messageId }) => [purpose, messageId])).toEqual([
        ['receipt', id],
        ['bounce', id],
      ]);
      await untilLeft(hand);
      await hand.answer({ kind: 'bounced', status: [5, 1, 1] });
      expect(hand.status(id).state).toBe('failed');
      expect(hand.inbox()).toHaveLength(1);
      await hand.pass(2 * dayMs, hourMs);
      expect(hand.given).toHaveLength(given + 2);
    }
  });

  it('asks in the place of cover where answers come unasked: no message waits behind a question', async () => {
    const hand = asking({ questions: 0, packets: 4 });
    const another = (i: number): Uint8Array => concat(ascii(`X-Nr: ${i}\r\n`), letter);
    const old: MessageId[] = [];
    for (let i = 0; i < 8; i++) old.push(await sent(hand, another(i)));
    await untilLeft(hand);
    const [blocks, given] = [hand.unused('receipt'), hand.given.length];
    for (const block of blocks) await hand.answer({ kind: 'handed-over', code: 250 }, block);
    expect(old.map((id) => hand.status(id).state)).toEqual(old.map(() => 'delivered'));
    // All are to be asked about, and nothing has been: no slot has come.
    hand.network.passMs(7 * hourMs);
    hand.network.client.store.setNote('pace', `${hand.network.now() + hourMs}`);
    await hand.turn();
    expect([hand.given.length, waits(hand)]).toEqual([given, 0]);
    const mails = hand.network.world.observed.length;
    const fresh = await sent(hand, another(8));
    expect(waits(hand)).toBe(1);
    await untilLeft(hand);
    // The message has left in the next mail, and three of the questions with it, as far as ways begin where it does.
    expect(hand.network.world.observed.length - mails).toBe(1);
    expect(hand.status(fresh).state).toBe('in-network');
    const about = (): readonly MessageId[] =>
      hand.given.slice(given + 2).flatMap(({ purpose, messageId }) => (purpose === 'receipt' ? [messageId] : []));
    expect(about()).toHaveLength(3);
    await until(hand, () => about().length >= old.length, hourMs);
    expect(about().toSorted()).toEqual(old.toSorted());
    expect(waits(hand)).toBe(0);
  });

  it('sends what is missing soon after the exit has said so, and asks anew', async () => {
    const hand = asking();
    const id = await sent(hand, large);
    await untilAsked(hand, 1);
    await hand.answer({ kind: 'incomplete', have: [0, 1, 3] });
    const made: number[] = [];
    await until(
      hand,
      () => {
        made.push(hand.made());
        return hand.status(id).sendings === 2;
      },
      hourMs,
    );
    // The third fragment, over two ways.
    expect(Math.max(...made)).toBe(2);
    await untilLeft(hand);
    await untilAsked(hand, 2);
    await hand.answer({ kind: 'handed-over', code: 250 });
    expect(hand.status(id).state).toBe('delivered');
  });

  it('sends nothing to an exit that has all of it, and asks until it has heard of the end', async () => {
    const hand = asking();
    const id = await sent(hand, large);
    let made = 0;
    for (let times = 1; times <= 6; times++) {
      await untilAsked(hand, times, 2 * dayMs);
      if (times > 1) expect(made).toBe(0);
      await hand.answer({ kind: 'incomplete', have: [0, 1, 2, 3] });
      made = 0;
      await until(hand, () => {
        made += hand.made();
        return asked(hand) > times;
      });
    }
    // More than a day: it would have been sent again some four times.
    expect(hand.network.now() - hand.status(id).submittedAt).toBeGreaterThan(dayMs);
    expect(hand.status(id).sendings).toBe(1);
    await hand.answer({ kind: 'refused', code: 554 });
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: { kind: 'refused', code: 554 } });
  });

  it('sends all of it again to an exit that had it and is silent, and then to another one', async () => {
    const hand = asking();
    const id = await sent(hand, large);
    await untilAsked(hand, 1);
    await hand.answer({ kind: 'incomplete', have: [0, 1, 2, 3] });
    const first = hand.network.client.store.sendings(id)[0]?.exit;
    await until(hand, () => hand.status(id).sendings === 2);
    expect(hand.made()).toBe(2 * 4);
    expect(hand.network.client.store.sendings(id)[0]?.exit).toBe(first);
    await until(hand, () => hand.status(id).sendings === 4, 3 * dayMs);
    expect(hand.network.client.store.sendings(id)[0]?.exit).not.toBe(first);
  });

  it('asks an exit that is silent again, each time after longer, sends again meanwhile, and gives up in its time', async () => {
    const hand = asking();
    const id = await sent(hand, letter);
    const { submittedAt } = hand.status(id);
    await untilAsked(hand, 1);
    const askedAt = hand.network.now();
    // Nothing is sent again while the answer may be on its way.
    const answerMs = 4 * transitMs(hand.network.network);
    await hand.pass(answerMs - 2 * stepMs, stepMs);
    expect([asked(hand), hand.status(id).sendings]).toEqual([1, 1]);
    await untilAsked(hand, 2, 2 * hourMs);
    expect(hand.network.now() - askedAt).toBeGreaterThanOrEqual(answerMs - stepMs);
    await until(hand, () => hand.status(id).sendings === 2);
    await until(hand, () => hand.status(id).state === 'failed', 6 * dayMs);
    expect(hand.network.now() - submittedAt).toBeGreaterThanOrEqual(120 * hourMs);
    expect(hand.network.now() - submittedAt).toBeLessThan(126 * hourMs);
    expect(hand.status(id).ending).toMatchObject({ kind: 'no-answer' });
    // Other exits were tried, and asked.
    expect(new Set(hand.given.map(({ exit }) => exit)).size).toBeGreaterThan(2);
    await hand.turn();
    expect(hand.inbox()).toHaveLength(1);
    const before = asked(hand);
    await hand.pass(dayMs, hourMs);
    expect(asked(hand)).toBe(before);
  });

  it('does not send again, and does not give up, what still waits here; but not for ever', async () => {
    const hand = asking({ meanMs: 60 * dayMs });
    const id = await sent(hand, letter);
    await hand.pass(6 * dayMs, 6 * hourMs);
    expect(waits(hand)).toBe(1);
    expect(hand.status(id)).toMatchObject({ state: 'in-network', sendings: 1 });
    await hand.pass(4 * dayMs + 6 * hourMs, 6 * hourMs);
    expect(hand.status(id)).toMatchObject({ state: 'failed', ending: { kind: 'no-answer', sendings: 1 } });
  });

  it('says so when it asks more than a day too late', async () => {
    const hand = asking();
    await sent(hand, letter);
    await untilLeft(hand);
    expect(hand.network.client.warnings).toEqual([]);
    hand.network.passMs(2 * dayMs);
    await untilAsked(hand, 1);
    expect(hand.network.client.warnings).toEqual(['client/questions-late']);
  });

  it('uses the slot all the same where nobody can be asked, and says so', async () => {
    const hand = asking();
    const { network } = hand.network;
    // Over three nodes there is a way there, and none back.
    const [fourth, fifth] = network.nodes.slice(3).map(({ nodeId }) => nodeId);
    hand.network.client.sees(without(without(network, fourth ?? expect.fail('few')), fifth ?? expect.fail('few')));
    await hand.pass(2 * hourMs, stepMs);
    expect(hand.network.client.warnings).toContain('client/no-question');
    expect(hand.network.world.observed.length).toBeGreaterThan(10);
  });
});

describe('what a client asks when it has nothing to ask', () => {
  /** Whatever is under way arrives. */
  const nodesAlone = (network: FakeNetwork): Promise<void> => nodeTurns(network, 8);

  /** Days of a whole network, in which somebody writes so many letters. */
  const live = async (letters: number, days: number, pace: Pace) => {
    const network = fakeNetwork({ ...quick, nodes: 5, seed: 3, client: { pace } });
    network.world.account(addressOfBob);
    const { client, world } = network;
    let came = 0;
    let left = 0;
    const rounds = (days * dayMs) / (12 * minuteMs);
    for (let round = 0; round < rounds; round++) {
      if (letters > 0 && round % Math.floor(rounds / letters) === 0)
        await client.submit(new TextEncoder().encode(`X-Nr: ${round}\r\n${new TextDecoder().decode(letter)}`), [
          addressOfBob,
        ]);
      await turns(network, 1);
      for (const { from, to } of world.observed) {
        if (to === client.account.address) came++;
        if (from === client.account.address) left++;
      }
      world.forget();
    }
    await nodesAlone(network);
    await client.turn();
    return { network, came, left };
  };
  const usual: Pace = { meanMs: 20 * minuteMs, packets: 1, cover: true, questions: 0.5 };

  it('is answered like anything else, and leaves nothing behind', async () => {
    const { network, came, left } = await live(0, 2, usual);
    // A slot in each round at most.
    expect(left).toBeGreaterThan(60);
    expect(came).toBeGreaterThan(left * 0.3);
    expect(came).toBeLessThan(left * 0.7);
    expect(network.client.account.mailbox.raws()).toEqual([]);
    expect(network.client.warnings).toEqual([]);
  });

  it('comes to as many answers as when there is much to ask', async () => {
    const busy = await live(40, 2, usual);
    const idle = await live(0, 2, usual);
    expect(
      busy.network.client.store.messageStatuses().filter(({ state }) => state === 'delivered').length,
    ).toBeGreaterThan(30);
    // Half of some 100 each; the deviation of the difference is 10.
    expect(Math.abs(busy.came - idle.came)).toBeLessThan(42);
  });

  it('is asked of the exit of an earlier cover drop, if there was one, and once more hours later', async () => {
    const network = fakeNetwork({ ...quick, nodes: 6, client: { pace: { ...usual, questions: 0.3 } } });
    const { client, nodes, now, passMs } = network;
    const answersOf = (): readonly number[] => nodes.map(({ counted }) => counted()['answer'] ?? 0);
    const kept = (): readonly string[] => (client.store.note('cover-question') ?? '').split('\n');
    const askedAt = new Map<string, number>();
    const gaps: number[] = [];
    while (gaps.length < 4) {
      passMs(12 * minuteMs);
      await nodesAlone(network);
      const [lines, before] = [kept(), answersOf()];
      await client.turn();
      const gone = lines.find((line) => line !== '' && !kept().includes(line));
      if (gone === undefined) continue;
      const [exit = '', , again] = gone.split(' ');
      if (again === undefined) askedAt.set(exit, now());
      else gaps.push(now() - (askedAt.get(exit) ?? Infinity));
      await nodesAlone(network);
      const more = answersOf().map((count, i) => count - (before[i] ?? 0));
      expect(more).toEqual(nodes.map(({ nodeId }) => (nodeId === exit ? 1 : 0)));
    }
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(6 * hourMs);
  });

  it('is nothing where answers come unasked', async () => {
    for (const some of [
      { ...usual, questions: 0 },
      { ...usual, cover: false },
    ]) {
      const idle = await live(0, 1, some);
      expect(idle.came).toBe(0);
      const busy = await live(10, 1, some);
      expect(busy.came).toBeGreaterThanOrEqual(10);
    }
  });
});

describe('a sending', () => {
  const deps = { pace, receipts: { retry: { intervalMs: 1, otherExitAfter: 1 } } };
  const sending = (more: Partial<Sending>): Sending => ({
    ...{ exit: '' as Sending['exit'], bytes: new Uint8Array(1), confirmed: [], unanswered: 1, sentAt: 100 },
    ...{ closed: undefined, askAt: undefined, asked: 0, hearBy: undefined, ...more },
  });

  it('is under way until the first answer to a question about it has come, or can’t come any more', () => {
    const at = { oldest: Infinity, now: 1000 };
    const cases: readonly (readonly [string, Sending, typeof at, boolean])[] = [
      ['waits here', sending({}), { ...at, oldest: 101 }, true],
      ['left, and nobody noted that', sending({}), at, true],
      ['nobody has asked', sending({ askAt: 900 }), at, true],
      ['an answer may come', sending({ askAt: 2000, asked: 1, hearBy: 1001 }), at, true],
      ['none came', sending({ askAt: 2000, asked: 1, hearBy: 1000 }), at, false],
      ['one came', sending({ askAt: 2000, asked: 1 }), at, false],
      ['it has it all, and says so', sending({ confirmed: [0], askAt: 2000, asked: 7 }), at, true],
      ['it is asked again', sending({ confirmed: [0], askAt: 2000, asked: 7, hearBy: 1001 }), at, true],
      ['it had it all, and is silent', sending({ confirmed: [0], askAt: 2000, asked: 7, hearBy: 1000 }), at, false],
      ['a second is waited for', sending({ askAt: 2000, asked: 2, hearBy: 1001 }), at, false],
      ['the exit has given up', sending({ closed: 'expired' }), at, false],
    ];
    for (const [what, one, when, isUnder] of cases)
      expect([what, isUnderWay(deps, one, when)]).toEqual([what, isUnder]);
    expect(isUnderWay({ ...deps, receipts: undefined }, sending({}), at)).toBe(false);
    expect(isUnderWay({ ...deps, pace: { ...pace, cover: false } }, sending({}), at)).toBe(false);
  });

  it('may be answered, where exits answer unasked, until that has come or can’t come any more', () => {
    const unasked = { ...deps, pace: { ...pace, questions: 0 } };
    const cases: readonly (readonly [string, Sending, boolean])[] = [
      ['waits here', sending({}), false],
      ['its answer may come', sending({ hearBy: 1001 }), true],
      ['none came', sending({ hearBy: 1000 }), false],
      ['the exit has given up', sending({ closed: 'expired', hearBy: 1001 }), false],
    ];
    for (const [what, one, may] of cases) {
      expect([what, mayBeAnswered(unasked, one, 1000)]).toEqual([what, may]);
      expect(mayBeAnswered(deps, one, 1000)).toBe(false);
    }
  });
});
