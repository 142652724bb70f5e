import { beforeAll, describe, expect, it } from 'vitest';
import { ascii, concat, latin1 } from '../../src/base/bytes.js';
import type { MessageId } from '../../src/base/ids.js';
import { hourMs } from '../../src/base/units.js';
import { deliveredMessageId, deliveryToken } from '../../src/message/delivery.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { cutReply, pieceDataBytes } from '../../src/message/reply.js';
import { reportMessageId } from '../../src/message/report.js';
import type { Inbox } from '../../src/ports/mail.js';
import type { Surb } from '../../src/ports/client-store.js';
import { fakeNetwork } from '../fakes/network.js';
import type { Wrap } from '../fakes/network.js';
import { addressOfBob, letterOf, quick, turns } from '../node/packets.js';
import { answerWith, mailWith } from '../node/sender.js';
import { handOf } from './hand.js';
import type { Hand } from './hand.js';

let letter: Uint8Array;
beforeAll(async () => {
  letter = await letterOf();
});

const original = '<pEp.0.1Z4X.7d1f@home.test>';

/** A letter that has been sent once, with that many reply blocks. */
const sent = async (replyBlocks: number): Promise<{ readonly hand: Hand; readonly id: MessageId }> => {
  const hand = handOf({ client: { replyBlocks } });
  const id = await hand.submit(letter);
  await hand.turn();
  return { hand, id };
};

const replyTo = (id: MessageId, messageId: string, textBytes: number): Uint8Array =>
  mailWith(
    {
      From: 'Bob <bob@friend.test>',
      To: 'node+abcdefghij234567@mix1.test',
      'Message-ID': messageId,
      'In-Reply-To': deliveredMessageId(deliveryToken(id)),
      Subject: 'Re: ...',
    },
    'x'.repeat(textBytes),
  );

/** Brings these pieces, each over its block. */
const bring = async (hand: Hand, pieces: readonly (readonly [Surb | undefined, Uint8Array | undefined])[]) => {
  hand.bring(pieces.map(([block, piece]) => hand.packet(block ?? expect.fail('none'), piece ?? expect.fail('none'))));
  await hand.turn();
};

describe('a reply', () => {
  it('of one piece lies in the inbox, to the user, under the mail it answers', async () => {
    const { hand, id } = await sent(2);
    const [piece] = cutReply(replyTo(id, '<1@bob>', 100), new Uint8Array(16).fill(1));
    await bring(hand, [[hand.unused('reply')[0], piece]]);
    const [mail = '', ...more] = hand.inbox();
    expect(more).toEqual([]);
    const head = readHead(ascii(mail));
    expect(valuesOf(head, 'to')).toEqual(['<alice@home.test>']);
    expect(valuesOf(head, 'from')).toEqual(['Bob <bob@friend.test>']);
    expect(valuesOf(head, 'in-reply-to')).toEqual([original]);
    expect(mail.endsWith(`\r\n\r\n${'x'.repeat(100)}`)).toBe(true);
    expect(hand.network.client.store.inboundIds()).toEqual([]);
  });

  it('of several is put together in whatever order they come, and however often', async () => {
    const { hand, id } = await sent(8);
    const pieces = cutReply(replyTo(id, '<2@bob>', 2.5 * pieceDataBytes), new Uint8Array(16).fill(2));
    const blocks = hand.unused('reply');
    expect(pieces).toHaveLength(3);
    await bring(hand, [
      [blocks[0], pieces[2]],
      [blocks[1], pieces[0]],
      [blocks[2], pieces[2]],
    ]);
    expect(hand.inbox()).toEqual([]);
    await bring(hand, [[blocks[3], pieces[1]]]);
    expect(hand.inbox()).toHaveLength(1);
    expect(hand.inbox()[0]).toContain('x'.repeat(2.5 * pieceDataBytes));
    // Copies that are late are no new reply, and nothing that is missing.
    await bring(hand, [
      [blocks[4], pieces[1]],
      [blocks[5], pieces[0]],
    ]);
    await hand.pass(60 * hourMs, 4 * hourMs);
    expect(hand.inbox()).toHaveLength(1);
  });

  it('through one exit is not mixed up with another one, nor with one to another mail', async () => {
    const { hand, id } = await sent(4);
    const second = await hand.submit(concat(ascii('X-Second: 1\r\n'), letter));
    await hand.turn();
    const blocks = hand.unused('reply');
    const [of, ofSecond] = [id, second].map((one) => blocks.filter(({ messageId }) => messageId === one));
    const [first, another, third] = [3, 4, 5].map((fill) =>
      cutReply(replyTo(id, `<${fill}@bob>`, pieceDataBytes + fill), new Uint8Array(16).fill(fill)),
    );
    await bring(hand, [
      [of?.[0], first?.[0]],
      [of?.[1], another?.[1]],
      [of?.[2], third?.[0]],
      [ofSecond?.[0], third?.[1]],
    ]);
    expect(hand.inbox()).toEqual([]);
    await bring(hand, [[of?.[3], another?.[0]]]);
    expect(hand.inbox().map((mail) => mail.includes('<4@bob>'))).toEqual([true]);
  });

  it('of which pieces are missing for 48 hours is told of, once, and given up', async () => {
    const { hand, id } = await sent(4);
    const pieces = cutReply(replyTo(id, '<6@bob>', 2 * pieceDataBytes), new Uint8Array(16).fill(6));
    const blocks = hand.unused('reply');
    await hand.answer({ kind: 'handed-over', code: 250 });
    await bring(hand, [[blocks[0], pieces[0]]]);
    await hand.pass(47 * hourMs, hourMs);
    expect(hand.inbox()).toEqual([]);
    await hand.pass(4 * hourMs, hourMs);
    await bring(hand, [[blocks[1], pieces[1]]]);
    await bring(hand, [[blocks[2], pieces[2]]]);
    await hand.pass(60 * hourMs, 4 * hourMs);
    expect(hand.inbox()).toHaveLength(1);
    const ending = { kind: 'reply-incomplete' } as const;
    expect(hand.inbox()[0]).toContain(`Message-ID: ${reportMessageId({ messageId: id, ending })}`);
    // The message itself was delivered.
    expect(hand.status(id).state).toBe('delivered');
  });

  it('is not given up by a client that is stopped before it has read what came meanwhile', async () => {
    const { hand, id } = await sent(2);
    const pieces = cutReply(
      replyTo(id, '<6@bob>', 2 * pieceDataBytes).subarray(0, 2 * pieceDataBytes),
      new Uint8Array(16),
    );
    const [first = expect.fail(), second = expect.fail()] = hand.unused('reply');
    await bring(hand, [[first, pieces[0]]]);
    // The computer sleeps.
    hand.bring([hand.packet(second, pieces[1] ?? expect.fail())]);
    hand.network.passMs(50 * hourMs);
    const stop = new AbortController();
    const stopping: Wrap = (name, port) => {
      if (name !== 'inbox') return port;
      const { inbox } = hand.network.client.account;
      const folders: Inbox['folders'] = async (signal) => {
        const names = await inbox.folders(signal);
        stop.abort();
        return names;
      };
      return { ...inbox, folders } as unknown as typeof port;
    };
    await hand.network.client.run({ every: () => ({ stop: () => Promise.resolve() }) }, stop.signal, stopping);
    await hand.turn();
    expect(hand.inbox().map((mail) => mail.includes('Message-ID: <6@bob>'))).toEqual([true]);
  });

  it('finds its mail also when that is not in the queue’s list any more', async () => {
    const { hand, id } = await sent(2);
    await hand.answer({ kind: 'handed-over', code: 250 });
    await hand.pass(8 * 24 * hourMs, 12 * hourMs);
    expect(hand.network.client.store.messageStatuses()).toEqual([]);
    expect(hand.status(id).recipient).toBeUndefined();
    const [piece] = cutReply(replyTo(id, '<7@bob>', 10), new Uint8Array(16).fill(7));
    await bring(hand, [[hand.unused('reply')[0], piece]]);
    expect(hand.inbox()[0]).toContain(`In-Reply-To: ${original}`);
    // With the last reply block that could bring something, all is forgotten.
    await hand.pass(14 * 24 * hourMs, 24 * hourMs);
    expect(hand.network.client.store.messageStatus(id)).toBeUndefined();
  });

  it('that is nonsense does no harm', async () => {
    const { hand, id } = await sent(8);
    const blocks = hand.unused('reply');
    const [one, two] = [
      cutReply(ascii('y'), new Uint8Array(16).fill(8)),
      cutReply(new Uint8Array(3 * pieceDataBytes), new Uint8Array(16).fill(9)),
    ];
    const lying = two[1]?.map((byte, i) => (i === 18 ? 60 : byte));
    // The first piece of a reply says how many there are; within a mail packets come in any order.
    await bring(hand, [[blocks[1], two[0]]]);
    await bring(hand, [
      [blocks[0], ascii('nonsense')],
      [blocks[2], lying],
      [blocks[3], one[0]],
      [blocks[4], two[2]],
      [blocks[5], two[1]],
    ]);
    expect(hand.inbox()).toHaveLength(2);
    expect(hand.status(id).state).toBe('in-network');
  });

  it('whose header is as long as headers are read, and longer when it is written anew, comes all the same', async () => {
    const { hand } = await sent(16);
    const fields = Array.from({ length: 24_000 }, (_, i) => `pep-${i.toString(36)}:b\n`).join('');
    const pieces = cutReply(ascii(`From: bob@friend.test\n${fields}\nhello\n`), new Uint8Array(16).fill(10));
    const blocks = hand.unused('reply');
    await bring(
      hand,
      pieces.map((piece, i) => [blocks[i], piece]),
    );
    expect(hand.inbox()).toHaveLength(1);
  });
});

describe('in a network of nodes', () => {
  it('Bob presses Reply, and Alice reads the answer', async () => {
    const network = fakeNetwork({ ...quick, nodes: 5, client: { replyBlocks: 4 } });
    const bob = network.world.account(addressOfBob);
    await network.client.submit(letter, [addressOfBob]);
    await turns(network, 20);
    const [delivered = expect.fail('nothing')] = bob.mailbox.raws();
    const head = readHead(delivered);
    const [to = expect.fail('no Reply-To')] = valuesOf(head, 'reply-to');
    const [inReplyTo = ''] = valuesOf(head, 'message-id');
    const answer = answerWith({ To: to, 'In-Reply-To': inReplyTo, 'Message-ID': '<answer@friend.test>' }, letter);
    const exit = network.nodes.find(({ account }) => to.includes(account.address.split('@')[1] ?? '')) ?? expect.fail();
    exit.account.mailbox.put(answer);
    await turns(network, 20);
    // What has come since its last turn, too.
    await network.client.turn();
    const [got = expect.fail('no answer'), ...more] = network.client.account.mailbox.raws().map(latin1);
    expect(more).toEqual([]);
    expect(got).toContain('From: Bob <bob@friend.test>');
    expect(got).toContain(`In-Reply-To: ${original}`);
    expect(got).toContain('-----BEGIN PGP MESSAGE-----');
    expect(network.client.store.messageStatuses()[0]?.state).toBe('delivered');
  });

  it('Alice writes to an alias: her mail is the reply, and no exit mails it', async () => {
    const network = fakeNetwork({ ...quick, nodes: 5, client: { replyBlocks: 4 } });
    const bob = network.world.account(addressOfBob);
    await network.client.submit(letter, [addressOfBob]);
    await turns(network, 20);
    const [to = expect.fail('no Reply-To')] = valuesOf(readHead(bob.mailbox.raws()[0] ?? expect.fail()), 'reply-to');
    const alias = to.replace(/[<>]/g, '');
    const before = network.world.observed.length;
    const [one] = await network.client.submit(concat(ascii('MixMailer-Reply: no\r\n'), letter), [alias]);
    await turns(network, 20);
    expect(network.client.store.messageStatus(one?.id ?? expect.fail())).toMatchObject({ state: 'delivered' });
    // What has come since its last turn, too.
    await network.client.turn();
    expect(network.client.account.mailbox.raws()).toHaveLength(1);
    // Nothing but packets has been mailed.
    expect(network.world.observed.slice(before).every(({ raw }) => raw.length > 32_768)).toBe(true);
  });
});
