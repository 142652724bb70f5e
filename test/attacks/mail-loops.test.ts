import { sha256 } from '@noble/hashes/sha2.js';
import { beforeAll, describe, expect, it } from 'vitest';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { dayMs } from '../../src/base/units.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { fakeNetwork, type FakeNetwork } from '../fakes/network.js';
import type { FakeAccount } from '../fakes/mail-world.js';
import { letterOf, quick } from '../node/packets.js';
import { answerWith, exitOf, mailWith, messageOf, nodeTurns, senderIn } from '../node/sender.js';

// A program answers what an exit mails, the exit answers that, and so on for ever: between an exit and a program that says
// "I am on holiday", between an exit and a mail server that sends everything back, between two exits.

let letter: Uint8Array;
beforeAll(async () => {
  letter = await letterOf();
});

const never = new AbortController().signal;
const idOf = (raw: Uint8Array): string => valuesOf(readHead(raw), 'message-id')[0] ?? '';
const bare = (value: string | undefined): string => (value ?? '').replace(/^.*<(.*)>$/, '$1');

/** The answers of a program to one mail, each with whom it goes to. */
type Program = (raw: Uint8Array) => readonly { readonly to: string; readonly raw: Uint8Array }[];

/** A mailbox whose program answers each mail once, as soon as it comes. */
const answering = ({ mailbox, outbox, address }: FakeAccount, program: Program) => {
  let answered = 0;
  return async (): Promise<void> => {
    const mails = mailbox.raws();
    for (const mail of mails.slice(answered))
      for (const { to, raw } of program(mail)) await outbox.send({ from: address, to, raw }, never);
    answered = mails.length;
  };
};

/** To whom a program answers: From and Reply-To both, as the worst of them do. */
const authorsOf = (raw: Uint8Array): readonly string[] => {
  const head = readHead(raw);
  return [...new Set(['reply-to', 'from'].flatMap((name) => valuesOf(head, name)).map(bare))];
};

const answerTo = (raw: Uint8Array, from: string, more: Readonly<Record<string, string>>): Uint8Array[] =>
  authorsOf(raw).map((to) =>
    mailWith(
      {
        From: from,
        To: to,
        Subject: 'Re: holiday',
        'Message-ID': `<${idOf(raw).length}.${Math.imul(raw.length, 31)}@friend.test>`,
        'In-Reply-To': idOf(raw),
        References: `${valuesOf(readHead(raw), 'references').join(' ')} ${idOf(raw)}`.trim(),
        ...more,
      },
      'I am on holiday.\r\n',
    ),
  );

const program =
  (from: string, more: Readonly<Record<string, string>> = {}): Program =>
  (raw) =>
    answerTo(raw, from, more).map((answer) => ({ to: bare(valuesOf(readHead(answer), 'to')[0]), raw: answer }));

/** A message to that address with a way back, and then half of the rounds until nothing is sent any more. */
const story = async (
  setUp: (network: FakeNetwork) => { readonly to: string; readonly programs: readonly (() => Promise<void>)[] },
  blocks = 6,
): Promise<{ readonly network: FakeNetwork; readonly mails: number; readonly late: number }> => {
  const network = fakeNetwork({ ...quick, nodes: 4, replyTo: 'plus' });
  const anna = senderIn(network);
  const { to, programs } = setUp(network);
  anna.send(await messageOf(letter, to, anna.returnAddress(blocks)), [anna.block()]);
  const rounds = async (many: number): Promise<void> => {
    for (let i = 0; i < many; i++) {
      await nodeTurns(network, 1);
      for (const act of programs) await act();
    }
  };
  await rounds(14);
  const mails = network.world.observed.length;
  await rounds(14);
  return { network, mails, late: network.world.observed.length - mails };
};

const vacations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'RFC 3834': { 'Auto-Submitted': 'auto-replied' },
  Precedence: { Precedence: 'bulk' },
  'X-Autoreply': { 'X-Autoreply': 'yes' },
  'an empty Return-Path': { 'Return-Path': '<>' },
  'a list': { 'List-Id': '<holidays.friend.test>' },
};

describe('a vacation program', () => {
  it.each(Object.entries(vacations))('that says what it is, by %s, is never answered', async (_by, fields) => {
    const { network, mails, late } = await story(({ world }) => {
      const bob = world.account('bob@friend.test');
      return { to: bob.address, programs: [answering(bob, program(bob.address, fields))] };
    });
    const exit = exitOf(network);
    expect(network.world.account('bob@friend.test').mailbox.raws()).toHaveLength(1);
    expect(exit.counted()).toMatchObject({ delivery: 1, automatic: 2 });
    expect(exit.counted()).not.toHaveProperty('notice');
    expect(late).toBe(0);
    // The receipt's packets, the delivery, two answers of the program.
    expect(mails).toBeLessThanOrEqual(12);
  });

  it('that does not say so gets one notice, and its answer to that none', async () => {
    const { network, late } = await story(({ world }) => {
      const bob = world.account('bob@friend.test');
      return { to: bob.address, programs: [answering(bob, program(bob.address))] };
    });
    const got = network.world.account('bob@friend.test').mailbox.raws().map(latin1);
    expect(got).toHaveLength(2);
    expect(got[1]).toMatch(/^Auto-Submitted: auto-replied\r$/m);
    expect(exitOf(network).counted()).toMatchObject({ notice: 1 });
    expect(late).toBe(0);
  });

  it('that answers with other words and another name each time gets no more than a notice for each reason', async () => {
    let n = 0;
    const { network, late } = await story(({ world }) => {
      const bob = world.account('bob@friend.test');
      const alias = { is: '' };
      const restless: Program = (raw) => {
        alias.is ||= bare(valuesOf(readHead(raw), 'reply-to')[0]);
        return Array.from({ length: 3 }, () => ({
          to: alias.is,
          raw: mailWith({ From: bob.address, To: alias.is, 'Message-ID': `<${++n}@friend.test>` }, `away ${n}`),
        }));
      };
      return { to: bob.address, programs: [answering(bob, restless)] };
    });
    expect(network.world.account('bob@friend.test').mailbox.raws()).toHaveLength(2);
    expect(exitOf(network).counted()).toMatchObject({ notice: 1 });
    expect(late).toBe(0);
  });

  it('that encrypts its answers is carried as long as there are reply blocks, told once, and that is all', async () => {
    let n = 0;
    const { network, late } = await story(({ world }) => {
      const bob = world.account('bob@friend.test');
      const alias = { is: '' };
      const eager: Program = (raw) => {
        alias.is ||= bare(valuesOf(readHead(raw), 'reply-to')[0]);
        return Array.from({ length: 4 }, () => ({
          to: alias.is,
          raw: answerWith({ From: bob.address, To: alias.is, Subject: `away ${++n}` }, letter),
        }));
      };
      return { to: bob.address, programs: [answering(bob, eager)] };
    }, 3);
    expect(exitOf(network).counted()).toMatchObject({ notice: 1 });
    expect(exitOf(network).counted()['reply']).toBeLessThanOrEqual(3);
    expect(late).toBe(0);
  });
});

describe('a mail server', () => {
  it('that sends back all it gets is told nothing, however often', async () => {
    const { network, late } = await story(({ world }) => {
      const bob = world.account('bob@friend.test');
      const bounce: Program = (raw) =>
        authorsOf(raw).map((to) => ({
          to,
          raw: ascii(
            [
              'From: MAILER-DAEMON@friend.test',
              `To: ${to}`,
              'Content-Type: multipart/report; report-type=delivery-status; boundary=d',
              '',
              '--d',
              'Content-Type: message/delivery-status',
              '',
              'Reporting-MTA: dns; mail.friend.test',
              '',
              'Action: failed',
              'Status: 5.1.1',
              '--d',
              'Content-Type: text/rfc822-headers',
              '',
              `Message-ID: ${idOf(raw)}`,
              '--d--',
              '',
            ].join('\r\n'),
          ),
        }));
      return { to: bob.address, programs: [answering(bob, bounce)] };
    });
    expect(network.world.account('bob@friend.test').mailbox.raws()).toHaveLength(1);
    expect(exitOf(network).counted()).toMatchObject({ bounce: 1 });
    expect(exitOf(network).counted()).not.toHaveProperty('notice');
    expect(late).toBe(0);
  });
});

describe('two exits', () => {
  const second = ({ nodes }: FakeNetwork) => nodes[1] ?? expect.fail('no second node');

  it('one of which has a message for the other’s mailbox do nothing about it', async () => {
    const { network, late } = await story((of) => ({ to: second(of).account.address, programs: [] }));
    expect(exitOf(network).counted()).toMatchObject({ delivery: 1 });
    expect(second(network).counted()).not.toHaveProperty('reply');
    expect(second(network).counted()).not.toHaveProperty('notice');
    // It is a mail for whoever owns the mailbox.
    expect(second(network).account.mailbox.raws()).toHaveLength(1);
    expect(late).toBe(0);
  });

  it('one of which has a message for an alias of the other that is used up: one notice, and no answer to it', async () => {
    const alias = 'abcdefghijklmnop';
    const { network, late } = await story((of) => {
      second(of).store.addReturnAddress(
        { token: '0'.repeat(32), alias: sha256(ascii(alias)), expiresAt: of.now() + 30 * dayMs },
        [],
      );
      return { to: second(of).account.address.replace('@', `+${alias}@`), programs: [] };
    });
    expect(second(network).counted()).toMatchObject({ notice: 1, 'reply/expired': 1 });
    expect(exitOf(network).counted()).toMatchObject({ delivery: 1, automatic: 1 });
    expect(exitOf(network).counted()).not.toHaveProperty('notice');
    expect(late).toBe(0);
  });

  it('whose aliases stand for one another come to rest: what is refused is told once, and that is not answered', async () => {
    // Bob's mail program forwards what one exit hands over to the alias that the other gave him, and its notices back.
    const network = fakeNetwork({ ...quick, nodes: 4, replyTo: 'plus' });
    const bob = network.world.account('bob@friend.test');
    const exits = [exitOf(network), second(network)];
    for (const exit of exits) {
      const anna = senderIn(network, 'anna@home.test', exit);
      anna.send(await messageOf(letter, bob.address, anna.returnAddress(1)));
    }
    await nodeTurns(network, 3);
    const aliases = bob.mailbox.raws().map((raw) => bare(valuesOf(readHead(raw), 'reply-to')[0]));
    const aliasAt = ({ account }: (typeof exits)[number]): string => {
      const [local = '', domain = ''] = account.address.split('@');
      return aliases.find((alias) => alias.startsWith(`${local}+`) && alias.endsWith(`@${domain}`)) ?? expect.fail();
    };
    // From one alias to the other, in clear and encrypted, more than there are reply blocks for.
    for (let i = 0; i < 4; i++)
      for (const [here, there] of [exits, exits.toReversed()]) {
        const [from, to] = [aliasAt(here ?? expect.fail()), aliasAt(there ?? expect.fail())];
        there?.account.mailbox.put(mailWith({ From: from, To: to, 'Message-ID': `<${i}@x.test>` }, `clear ${i}`));
        there?.account.mailbox.put(answerWith({ From: from, To: to, Subject: `again ${i}` }, letter));
      }
    await nodeTurns(network, 10);
    const before = network.world.observed.length;
    await nodeTurns(network, 10);
    expect(network.world.observed).toHaveLength(before);
    // Of each alias one for each reason. Each has come to the other exit, which answers none.
    for (const { counted } of exits) expect(counted()).toMatchObject({ reply: 1, notice: 2, automatic: 2 });
    const notices = network.world.observed.filter(({ raw }) => latin1(raw).includes('Auto-Submitted: auto-replied'));
    expect(notices.map(({ to }) => to).toSorted()).toEqual(
      exits.flatMap((exit) => [aliasAt(exit), aliasAt(exit)]).toSorted(),
    );
  });
});
