import { beforeAll, describe, expect, it } from 'vitest';
import { ascii, concat, latin1 } from '../../src/base/bytes.js';
import { dayMs, minuteMs } from '../../src/base/units.js';
import type { ReturnAddress } from '../../src/message/envelope.js';
import { readHead, valuesOf } from '../../src/message/head.js';
import { replyContent } from '../../src/message/incoming.js';
import { pieceDataBytes } from '../../src/message/reply.js';
import { fakeNetwork, without } from '../fakes/network.js';
import type { FakeNetwork, FakeNetworkOptions } from '../fakes/network.js';
import { addressOfBob, letterOf, quick } from './packets.js';
import { answerWith as answerLike, exitOf, mailWith, messageOf, nodeTurns, senderIn } from './sender.js';
import type { Sender } from './sender.js';

let letter: Uint8Array;
let twoPieces: Uint8Array;
beforeAll(async () => {
  [letter, twoPieces] = await Promise.all([letterOf(), letterOf(20_000)]);
});

const never = new AbortController().signal;
const addressOfExit = 'node@mix1.test';

/** An encrypted mail of Bob's, with the body of one of the letters. */
const answerWith = (fields: Readonly<Record<string, string>>, body = letter): Uint8Array => answerLike(fields, body);

interface Story {
  readonly network: FakeNetwork;
  readonly anna: Sender;
  /** What Bob's mail program shows of the mail he got. */
  readonly got: (name: string) => string | undefined;
  /** Bob sends a mail. */
  readonly bobSends: (to: string, raw: Uint8Array) => Promise<unknown>;
  /** What exits have written to Bob that is no delivery. */
  readonly notices: () => readonly string[];
}

/** Bob has got a mail of Anna's with that return address. */
const story = async (address: (anna: Sender) => ReturnAddress, options: FakeNetworkOptions = {}): Promise<Story> => {
  const network = fakeNetwork({ ...quick, ...options });
  const bob = network.world.account(addressOfBob);
  const anna = senderIn(network);
  anna.send(await messageOf(letter, addressOfBob, address(anna)));
  await nodeTurns(network, 2);
  const [mail = expect.fail('nothing for Bob')] = bob.mailbox.raws();
  return {
    network,
    anna,
    got: (name) => valuesOf(readHead(mail), name)[0],
    bobSends: (to, raw) => bob.outbox.send({ from: bob.address, to, raw }, never),
    notices: () => bob.mailbox.raws().slice(1).map(latin1),
  };
};

const bare = (address: string | undefined): string => address?.replace(/^<(.*)>$/, '$1') ?? expect.fail('no address');

describe('an answer to a delivered mail', () => {
  it('that goes to its Reply-To comes back to the sender, and leaves the exit’s mailbox', async () => {
    const { network, anna, got, bobSends, notices } = await story(({ returnAddress }) => returnAddress(1));
    const replyTo = bare(got('reply-to'));
    expect(replyTo).toMatch(/^node\+[a-z2-7]{16}@mix1\.test$/);
    const answer = answerWith({ To: replyTo.toUpperCase(), Received: 'from bobs-laptop' });
    await bobSends(replyTo, answer);
    await nodeTurns(network, 4);
    expect(anna.replies()).toEqual([replyContent(answer)]);
    expect(exitOf(network).account.mailbox.raws()).toEqual([]);
    expect(exitOf(network).counted()).toMatchObject({ reply: 1 });
    expect(notices()).toEqual([]);
  });

  it('comes back too when it goes to From and says what it answers, wherever that is said', async () => {
    for (const replyTo of ['plus', 'message-id'] as const)
      for (const field of ['In-Reply-To', 'References']) {
        const { network, anna, got, bobSends } = await story(({ returnAddress }) => returnAddress(1), { replyTo });
        expect(got('reply-to') === undefined).toBe(replyTo === 'message-id');
        const answer = answerWith({ To: addressOfExit, [field]: got('message-id') ?? '' });
        await bobSends(bare(got('from')), answer);
        await nodeTurns(network, 4);
        expect(anna.replies()).toEqual([replyContent(answer)]);
      }
  });

  it('of two pieces needs two reply blocks, and takes four where they are', async () => {
    for (const [blocks, used] of [
      [2, 2],
      [3, 2],
      [4, 4],
      [8, 4],
    ] as const) {
      const { network, anna, got, bobSends } = await story(({ returnAddress }) => returnAddress(blocks));
      const answer = answerWith({ To: bare(got('reply-to')) }, twoPieces);
      await bobSends(bare(got('reply-to')), answer);
      await nodeTurns(network, 4);
      expect(anna.replies()).toEqual([replyContent(answer)]);
      const pieces = anna.answers().map((one) => one.kind === 'piece' && one.piece.index);
      expect(pieces.toSorted()).toEqual(used === 2 ? [0, 1] : [0, 0, 1, 1]);
      expect(new Set(anna.answers().map(({ block }) => block)).size).toBe(used);
      expect(exitOf(network).store.replyBlockCount()).toBe(blocks - used);
    }
  });

  it('is carried as long as there are reply blocks, each once', async () => {
    const { network, anna, got, bobSends, notices } = await story(({ returnAddress }) => returnAddress(5));
    const answers = ['one', 'two', 'three'].map((subject) =>
      answerWith({ To: bare(got('reply-to')), Subject: subject }),
    );
    for (const answer of answers) {
      await bobSends(bare(got('reply-to')), answer);
      await nodeTurns(network, 4);
    }
    expect(anna.replies()).toEqual(answers.map(replyContent));
    expect(anna.answers()).toHaveLength(5);
    expect(notices()).toEqual([]);
  });

  it('that comes twice, in another folder, with other traces or after a rebuilt folder, is sent once', async () => {
    const { network, anna, got } = await story(({ returnAddress }) => returnAddress(8));
    const { mailbox } = exitOf(network).account;
    const answer = answerWith({ To: bare(got('reply-to')) });
    mailbox.put(answer);
    mailbox.put(concat(ascii('Received: by another way\r\n'), answer), 'Junk');
    await nodeTurns(network, 1);
    mailbox.rebuild('INBOX');
    mailbox.put(answer);
    await nodeTurns(network, 4);
    expect(anna.answers()).toHaveLength(2);
    expect(anna.replies()).toEqual([replyContent(answer)]);
    expect(exitOf(network).counted()).toMatchObject({ reply: 1 });
    expect([...mailbox.raws(), ...mailbox.raws('Junk')]).toEqual([]);
  });

  it('to two senders goes to both, whichever is in Cc; what can’t be carried is told in one notice', async () => {
    const { network, anna, got, bobSends, notices } = await story(({ returnAddress }) => returnAddress(1));
    const carla = senderIn(network, 'carla@home.test');
    const carlas = network.world.account('bert@friend.test').mailbox;
    carla.send(await messageOf(letter, 'bert@friend.test', carla.returnAddress(1)));
    await nodeTurns(network, 2);
    const hers = valuesOf(readHead(carlas.raws()[0] ?? expect.fail('nothing for Bert')), 'reply-to')[0];
    const [to, cc] = [bare(got('reply-to')), bare(hers)];
    const answer = answerWith({ To: to, Cc: cc, 'In-Reply-To': got('message-id') ?? '' });
    await bobSends(to, answer);
    await nodeTurns(network, 4);
    expect([anna.replies(), carla.replies()]).toEqual([[replyContent(answer)], [replyContent(answer)]]);
    await bobSends(to, answerWith({ To: to, Cc: cc, Subject: 'more' }));
    await bobSends(cc, answerWith({ To: cc, Subject: 'still more' }));
    await nodeTurns(network, 4);
    expect(notices()).toHaveLength(1);
    expect(exitOf(network).counted()).toMatchObject({ reply: 2, 'reply/expired': 3, notice: 1 });
    expect(exitOf(network).account.mailbox.raws()).toEqual([]);
  });

  it('goes over no block that leads nowhere any more', async () => {
    const { network, anna, got, bobSends } = await story((anna_) => ({
      ...anna_.returnAddress(3),
      blocks: [new Uint8Array(7162), ...anna_.returnAddress(1).blocks, new Uint8Array(7162)],
    }));
    const answer = answerWith({ To: bare(got('reply-to')) });
    await bobSends(bare(got('reply-to')), answer);
    await nodeTurns(network, 4);
    expect(anna.replies()).toEqual([replyContent(answer)]);
    expect(anna.answers()).toHaveLength(1);
  });
});

describe('an answer that can’t be carried', () => {
  /** Bob answers; what he is told, if anything. */
  const told = async ({ network, got, bobSends, notices }: Story, answer?: Uint8Array): Promise<readonly string[]> => {
    const before = notices().length;
    await bobSends(
      bare(got('reply-to')),
      answer ?? answerWith({ To: bare(got('reply-to')), 'Message-ID': '<1@b.test>' }),
    );
    await nodeTurns(network, 4);
    expect(exitOf(network).account.mailbox.raws()).toEqual([]);
    return notices().slice(before);
  };

  it('because the return address has expired is told to its writer, for 30 days', async () => {
    const bobs = await story(({ returnAddress }) => returnAddress(8, 2 * dayMs));
    const { network, anna } = bobs;
    network.passMs(2 * dayMs);
    const [notice = '', ...more] = await told(bobs);
    expect(more).toEqual([]);
    expect(notice).toMatch(/^Auto-Submitted: auto-replied\r$/m);
    expect(notice).toContain('In-Reply-To: <1@b.test>');
    expect(notice).toMatch(/^Message-ID: <[0-9a-f]{32}@mixmailer\.invalid>\r$/m);
    expect(notice).toContain('closed by now');
    expect(notice).not.toContain('anna');
    expect(exitOf(network).counted()).toMatchObject({ notice: 1, 'reply/expired': 1 });
    expect(exitOf(network).store.replyBlockCount()).toBe(0);
    expect(anna.answers()).toEqual([]);

    network.passMs(29 * dayMs);
    await nodeTurns(network, 1);
    // Told already; but still known.
    expect(await told(bobs)).toEqual([]);
    network.passMs(dayMs);
    await nodeTurns(network, 1);
    const late = answerWith({ To: bare(bobs.got('reply-to')) });
    await bobs.bobSends(bare(bobs.got('reply-to')), late);
    await nodeTurns(network, 1);
    expect(exitOf(network).account.mailbox.raws()).toEqual([late]);
  });

  it('because the sender meant the return address to last, but it does for 30 days only', async () => {
    const bobs = await story(({ returnAddress }) => returnAddress(8, 1000 * dayMs));
    const { network } = bobs;
    network.passMs(30 * dayMs - 60 * minuteMs);
    expect(await told(bobs)).toEqual([]);
    expect(exitOf(network).counted()).toMatchObject({ reply: 1 });
    network.passMs(60 * minuteMs);
    expect(await told(bobs, answerWith({ To: bare(bobs.got('reply-to')), Subject: 'second' }))).toHaveLength(1);
  });

  it('because it is too large is told with the room there is; a shorter one passes', async () => {
    const bobs = await story(({ returnAddress }) => returnAddress(1));
    const [notice = ''] = await told(bobs, answerWith({ To: bare(bobs.got('reply-to')) }, twoPieces));
    expect(notice).toContain('too large');
    expect(notice).toContain(`about ${Math.floor(pieceDataBytes / 1370)} KB`);
    expect(bobs.anna.answers()).toEqual([]);
    expect(await told(bobs)).toEqual([]);
    expect(bobs.anna.replies()).toHaveLength(1);
  });

  it('because it is in clear is told, and nothing of it goes on; unless the exit carries such', async () => {
    const clear = (replyTo: string): Uint8Array =>
      mailWith({ From: addressOfBob, To: replyTo, 'Content-Type': 'text/plain' }, 'hello Anna, how are you?\r\n');
    const bobs = await story(({ returnAddress }) => returnAddress(2));
    const [notice = ''] = await told(bobs, clear(bare(bobs.got('reply-to'))));
    expect(notice).toContain('not encrypted');
    expect(notice).not.toContain('hello Anna');
    expect(bobs.anna.answers()).toEqual([]);
    expect(exitOf(bobs.network).store.replyBlockCount()).toBe(2);

    const carried = await story(({ returnAddress }) => returnAddress(2), { clearReplies: 'carry' });
    const mail = clear(bare(carried.got('reply-to')));
    expect(await told(carried, mail)).toEqual([]);
    expect(carried.anna.replies()).toEqual([replyContent(mail)]);
  });

  it('because its MIME is a trap is refused like any other that is not encrypted', async () => {
    const bobs = await story(({ returnAddress }) => returnAddress(2));
    const parts = Array.from({ length: 1000 }, (_, i) => `--b\r\nContent-Type: text/x-${i}\r\n\r\nx\r\n`).join('');
    const fields = {
      From: addressOfBob,
      To: bare(bobs.got('reply-to')),
      'Content-Type': 'multipart/mixed; boundary=b',
    };
    expect(await told(bobs, mailWith(fields, `${parts}--b--\r\n`))).toHaveLength(1);
    expect(await told(bobs, mailWith(fields, ''))).toEqual([]);
    expect(exitOf(bobs.network).counted()).toMatchObject({ 'reply/not-encrypted': 2 });
  });

  it('because the exit holds as many reply blocks as it can: the mail went out without a Reply-To', async () => {
    const bobs = await story(({ returnAddress }) => returnAddress(2));
    const { network, anna } = bobs;
    const { store } = exitOf(network);
    store.atomically(() => {
      const blocks = Array.from({ length: 9_997 }, () => new Uint8Array(1));
      store.addReturnAddress({ token: 'x', alias: new Uint8Array(32), expiresAt: network.now() + dayMs }, blocks);
    });
    const carol = network.world.account('carol@friend.test').mailbox;
    anna.send(await messageOf(letter, 'carol@friend.test', anna.returnAddress(2)));
    await nodeTurns(network, 2);
    expect(exitOf(network).counted()).toMatchObject({ 'reply/no-room': 1, delivery: 2 });
    const head = readHead(carol.raws()[0] ?? expect.fail('nothing for Carol'));
    expect(valuesOf(head, 'reply-to')).toEqual([]);
    const inReplyTo = valuesOf(head, 'message-id')[0] ?? '';
    exitOf(network).account.mailbox.put(answerWith({ To: addressOfExit, 'In-Reply-To': inReplyTo }));
    await nodeTurns(network, 2);
    expect(bobs.notices()).toHaveLength(1);
    expect(bobs.notices()[0]).toContain('closed by now');
  });

  it('again and again uses up the reply blocks, and its writer hears it once', async () => {
    const bobs = await story(({ returnAddress }) => returnAddress(6));
    const { network, anna, got, notices } = bobs;
    for (let i = 0; i < 100; i++) {
      const flood = answerWith({ From: `bob${i}@friend.test`, To: bare(got('reply-to')), Subject: `${i}` });
      exitOf(network).account.mailbox.put(
        i % 2 === 0 ? flood : answerWith({ To: bare(got('reply-to')), Subject: `${i}` }),
      );
    }
    const before = network.world.observed.length;
    await nodeTurns(network, 4);
    expect(anna.answers()).toHaveLength(6);
    expect(exitOf(network).store.replyBlockCount()).toBe(0);
    expect(exitOf(network).account.mailbox.raws()).toEqual([]);
    expect(exitOf(network).counted()).toMatchObject({ notice: 1 });
    expect(notices().length).toBeLessThan(2);
    const written = network.world.observed.slice(before).filter(({ to }) => /^bob/.test(to));
    expect(written.length).toBeLessThan(2);
  });

  it('and whose writer can’t be told stays where it is', async () => {
    const { network, got, anna } = await story(({ returnAddress }) => returnAddress(1));
    const { mailbox } = exitOf(network).account;
    const to = bare(got('reply-to'));
    const clear = mailWith({ From: `${addressOfBob}, carol@friend.test`, To: to }, 'hello\r\n');
    mailbox.put(clear);
    // One that can be carried is, whoever wrote it.
    const sealed = answerWith({ From: `${addressOfBob}, carol@friend.test`, To: to });
    mailbox.put(sealed);
    await nodeTurns(network, 4);
    expect(mailbox.raws()).toEqual([clear]);
    expect(anna.replies()).toEqual([replyContent(sealed)]);
  });
});

describe('a mail in an exit’s mailbox', () => {
  it('that no person wrote is never answered nor carried, whatever it answers', async () => {
    const { network, anna, got, notices } = await story(({ returnAddress }) => returnAddress(8));
    const { mailbox } = exitOf(network).account;
    const to = { To: bare(got('reply-to')), 'In-Reply-To': got('message-id') ?? '' };
    const machines = [
      answerWith({ ...to, 'Auto-Submitted': 'auto-replied' }),
      answerWith({ ...to, Precedence: 'bulk' }),
      answerWith({ ...to, 'Return-Path': '<>' }),
      answerWith({ ...to, 'List-Id': '<friends.list.test>' }),
      mailWith({ From: addressOfBob, ...to, 'Auto-Submitted': 'auto-replied (vacation)' }, 'I am away\r\n'),
    ];
    for (const one of machines) mailbox.put(one);
    await nodeTurns(network, 4);
    expect(mailbox.raws()).toEqual(machines);
    expect(anna.answers()).toEqual([]);
    expect(notices()).toEqual([]);
    expect(exitOf(network).counted()).toMatchObject({ automatic: machines.length });
  });

  it('for an alias nobody has, or about a mail without a return address, stays as it is', async () => {
    const { network, anna, got } = await story(({ returnAddress }) => returnAddress(8));
    const bob = network.world.account(addressOfBob).mailbox;
    anna.send(await messageOf(letter, addressOfBob));
    await nodeTurns(network, 2);
    const plain = readHead(bob.raws()[1] ?? expect.fail('no second mail'));
    expect(valuesOf(plain, 'reply-to')).toEqual([]);
    const { mailbox } = exitOf(network).account;
    const others = [
      answerWith({ To: 'node+abcdefghijklmnop@mix1.test' }),
      answerWith({ To: 'node+sales@mix1.test' }),
      answerWith({ To: addressOfExit, 'In-Reply-To': valuesOf(plain, 'message-id')[0] ?? '' }),
      answerWith({ To: addressOfExit, 'In-Reply-To': `<${'0'.repeat(32)}@mixmailer.invalid>` }),
      answerWith({ To: addressOfExit }),
      // Its alias, at another exit's address.
      answerWith({ To: bare(got('reply-to')).replace('mix1', 'mix2') }),
    ];
    for (const one of others) mailbox.put(one);
    await nodeTurns(network, 4);
    expect(mailbox.raws()).toEqual(others);
    expect(anna.answers()).toEqual([]);
    expect(exitOf(network).counted()).not.toHaveProperty('notice');
  });

  it('is not even fetched by a node that is no exit, if it is smaller than a packet', async () => {
    const network = fakeNetwork({ ...quick, isExit: false });
    const { mailbox } = exitOf(network).account;
    mailbox.put(answerWith({ To: 'node+abcdefghijklmnop@mix1.test', 'Auto-Submitted': 'auto-replied' }));
    await nodeTurns(network, 1);
    expect(exitOf(network).counted()).toEqual({});
    expect(mailbox.raws()).toHaveLength(1);
  });
});

describe('a message to an alias', () => {
  it('of its exit is a reply that no mail server sees, and can be answered the same way', async () => {
    const { network, anna, got } = await story(({ returnAddress }) => returnAddress(4));
    const bert = senderIn(network, 'bert@friend.test');
    const alias = bare(got('reply-to'));
    const before = network.world.observed.length;
    bert.send(await messageOf(letter, alias, bert.returnAddress(2)), [bert.block()]);
    await nodeTurns(network, 4);
    expect(bert.receipts()).toEqual([{ kind: 'handed-over', code: 250 }]);
    const [reply = expect.fail('no reply')] = anna.replies();
    expect(latin1(reply)).toContain('-----BEGIN PGP MESSAGE-----');
    expect(latin1(reply)).toContain(`To: <${alias}>`);
    const away = network.world.observed.slice(before).map(({ to }) => to);
    expect(away).not.toContain(alias);
    expect(away).not.toContain(addressOfBob);

    const back = bare(valuesOf(readHead(reply), 'reply-to')[0]);
    expect(back).not.toBe(alias);
    anna.send(await messageOf(letter, back), [anna.block()]);
    await nodeTurns(network, 4);
    expect(bert.replies()).toHaveLength(1);
    expect(anna.receipts()).toEqual([{ kind: 'handed-over', code: 250 }]);
  });

  it('that can’t carry it is refused, and mailed to nobody', async () => {
    const { network, anna, got } = await story(({ returnAddress }) => returnAddress(1, 2 * dayMs));
    const alias = bare(got('reply-to'));
    const before = network.world.observed.length;
    const refused = { kind: 'refused', code: 550 };
    anna.send(await messageOf(letter, 'node+abcdefghijklmnop@mix1.test'), [anna.block()]);
    anna.send(await messageOf(twoPieces, alias), [anna.block()]);
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([refused, refused]);
    network.passMs(2 * dayMs);
    anna.send(await messageOf(letter, alias), [anna.block()]);
    await nodeTurns(network, 4);
    expect(anna.receipts()).toEqual([refused, refused, refused]);
    expect(anna.replies()).toEqual([]);
    const away = network.world.observed.slice(before).map(({ to }) => to);
    expect(away.filter((to) => to !== anna.address && !/^node@mix[2-4]/.test(to))).toEqual([]);
  });

  it('of another exit goes there as a mail, and is an answer like any other', async () => {
    const { network, anna, got } = await story(({ returnAddress }) => returnAddress(1));
    // The same story at the second exit, whose mails go to the alias at the first.
    const [first, second, ...others] = network.nodes;
    if (first === undefined || second === undefined) return expect.fail();
    const bert = senderIn({ ...network, nodes: [second, first, ...others] }, 'bert@friend.test');
    bert.send(await messageOf(letter, bare(got('reply-to'))), [bert.block()]);
    await nodeTurns(network, 5);
    expect(bert.receipts()).toEqual([{ kind: 'handed-over', code: 250 }]);
    expect(anna.replies()).toHaveLength(1);
    expect(first.account.mailbox.raws()).toEqual([]);
  });
});

it('an exit that loses a node of the list uses the reply blocks that begin elsewhere', async () => {
  const { network, got, bobSends, notices } = await story(({ returnAddress }) => returnAddress(8));
  exitOf(network).sees(without(network.network, network.nodes[1]?.nodeId ?? expect.fail()));
  await bobSends(bare(got('reply-to')), answerWith({ To: bare(got('reply-to')) }));
  await nodeTurns(network, 2);
  expect(exitOf(network).store.waiting(Infinity)).toEqual([]);
  expect(exitOf(network).store.replyBlockCount()).toBe(8);
  expect(notices()).toHaveLength(1);
});
