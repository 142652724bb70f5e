import { beforeAll, describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { exponential, poissonCount, seededRng, uniformInt, unitInterval } from '../../src/base/random.js';
import { dayMs, hourMs, minuteMs } from '../../src/base/units.js';
import { noteDelivered } from '../../src/client/questions.js';
import type { Pace } from '../../src/cover/pace.js';
import { crossValidate } from '../../src/sim/classifier.js';
import type { Separation } from '../../src/sim/classifier.js';
import { featuresOf } from '../../src/sim/traffic.js';
import type { AccountDay } from '../../src/sim/traffic.js';
import type { ClientStore } from '../../src/ports/client-store.js';
import { fakeNetwork } from '../fakes/network.js';
import { inOrder, overlaid } from '../fakes/in-order.js';
import type { Wrap } from '../fakes/network.js';
import { thriftyCrypto } from '../fakes/remembering.js';
import { addressOfBob, letterOf } from '../node/packets.js';

// The real client, day after day, and somebody who sees every mail that leaves its account and comes to it.

const rng = seededRng(new Uint8Array(32).fill(31));

let letter: string;
beforeAll(async () => {
  letter = new TextDecoder().decode(await letterOf());
});

/** When somebody writes ten messages: by day, some of them right after each other. */
const writingTimes = (): readonly number[] => {
  const times: number[] = [];
  while (times.length < 10) {
    let at = (8 + 14 * unitInterval(rng)) * hourMs;
    for (let more = 1 + poissonCount(rng, 1); more > 0 && times.length < 10; more--) {
      times.push(at);
      at += exponential(rng, 5 * minuteMs);
    }
  }
  return times.sort((a, b) => a - b);
};
const neverWrites = (): readonly number[] => [];

const quickCrypto = thriftyCrypto(chooseCrypto());

/** Mix keys of a list live for a week. */
const daysOfOneClient = 5;

/** About how long a packet is on its way. */
const transit = (): number => [1, 2, 3].reduce((sum) => sum + exponential(rng, 8 * minuteMs), 3 * minuteMs);

/** Which answers come: to each question, or to each message when it has arrived. */
type Answering = 'questions' | 'messages';

/**
 * Stands for the nodes: notes when an answer comes to the client, and lets it know then what became of a message.
 *
 * @param answerAt notes an answer at that time
 */
const watching = (now: () => number, kind: Answering, answerAt: (at: number) => void): Wrap => {
  const ordered = inOrder();
  return <T extends object>(name: string, port: T): T => {
    if (name !== 'store') return port;
    const store = port as unknown as ClientStore;
    const { addLoop, addSurb, putSending, settleMessage, messageStatus, removeSendings } = store;
    const answer = (): void => answerAt(now() + transit() + transit());
    const watched: Partial<ClientStore> = {
      addLoop: (id, sentAt) => {
        answer();
        addLoop(id, sentAt);
      },
      addSurb: (surb) => {
        addSurb(surb);
        if (surb.purpose !== 'receipt' || kind === 'messages') return;
        answer();
        if (messageStatus(surb.messageId)?.state === 'delivered') removeSendings(surb.messageId);
        else {
          settleMessage(surb.messageId, { state: 'delivered', ending: { kind: 'handed-over', code: 250 } }, now());
          noteDelivered({ store }, surb, now());
        }
      },
      putSending: (id, sending) => {
        putSending(id, sending);
        if (kind === 'questions') return;
        answer();
        settleMessage(id, { state: 'delivered', ending: { kind: 'handed-over', code: 250 } }, now());
      },
    };
    return ordered(name, overlaid(port, watched));
  };
};

/** No two clients have the same chance: twins of two kinds would make a classifier take the one for the other. */
let clients = 0;

interface Kind {
  readonly pace: Pace;
  readonly answers: Answering;
}

/** Days of clients of that kind, whose users write at those times. */
const record = async (
  { pace, answers }: Kind,
  times: () => readonly number[],
  days: number,
): Promise<readonly AccountDay[]> => {
  const recorded: AccountDay[] = [];
  while (recorded.length < days) {
    const { client, world, now, passMs } = fakeNetwork({
      nodes: 6,
      seed: ++clients,
      client: { pace, crypto: quickCrypto },
    });
    const came: number[] = [];
    const wrap = watching(now, answers, (at) => came.push(at));
    for (let day = 0; day < daysOfOneClient; day++) {
      const startAt = now();
      const mails: { at: number; to: string; sizeBytes: number }[] = [];
      const written = [...times()];
      await client.turn(wrap);
      for (;;) {
        const slotAt = Number(client.store.note('pace') ?? Infinity);
        const nextAt = Math.min(slotAt, startAt + (written[0] ?? Infinity), startAt + dayMs);
        passMs(Math.max(0, Math.ceil(nextAt - now())));
        if (now() >= startAt + dayMs) break;
        if (now() < slotAt) {
          written.shift();
          await client.submit(new TextEncoder().encode(`X-Nr: ${now()}\r\n${letter}`), [addressOfBob], wrap);
        }
        await client.turn(wrap);
        for (const { to, raw } of world.observed) mails.push({ at: now(), to, sizeBytes: raw.length });
        world.forget();
      }
      const left = mails.map(({ at, to, sizeBytes }) => ({ way: 'out', at, sizeBytes, peer: to }) as const);
      const answered = came.filter((at) => at >= startAt && at < startAt + dayMs);
      // All of one size, each from whichever node.
      const answersThen = answered.map((at) => ({ way: 'in', at, sizeBytes: 1, peer: uniformInt(rng, 6) }) as const);
      recorded.push({ startAt, lengthMs: dayMs, mails: [...left, ...answersThen] });
    }
  }
  return recorded;
};

const apart = async (kind: Kind, days: number): Promise<Separation> => {
  const [busy, idle] = [await record(kind, writingTimes, days), await record(kind, neverWrites, days)];
  const samples = [...busy.map((day) => ({ day, isFirst: true })), ...idle.map((day) => ({ day, isFirst: false }))];
  return crossValidate(
    samples.map(({ day, isFirst }) => ({ isFirst, features: featuresOf(day) })),
    rng,
  );
};

describe('a client whose user writes ten messages a day and one whose user writes none', () => {
  // Fourteen mails a day: most of the one client's that don't ask carry a message, none of the other's.
  const pace: Pace = { meanMs: 100 * minuteMs, packets: 1, cover: true, questions: 0.33 };

  it('can’t be told apart by the mails that leave their accounts and come to them', { timeout: 600_000 }, async () => {
    const { auc, low, high } = await apart({ pace, answers: 'questions' }, 600);
    // Over 600 days of each the area of two kinds that are the same has a deviation of 0.022.
    expect(auc).toBeGreaterThan(0.45);
    expect(auc).toBeLessThan(0.55);
    expect(low).toBeLessThan(0.5);
    expect(high).toBeGreaterThan(0.5);
  });

  it('are told apart where exits answer unasked', async () => {
    expect((await apart({ pace: { ...pace, questions: 0 }, answers: 'messages' }, 40)).auc).toBeGreaterThan(0.9);
  });

  it('are told apart where the one has turned cover off', async () => {
    expect((await apart({ pace: { ...pace, cover: false }, answers: 'messages' }, 40)).auc).toBeGreaterThan(0.9);
  });
});
