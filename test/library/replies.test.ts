import { describe, expect, it } from 'vitest';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { messageIdOf } from '../../src/base/ids.js';
import { deliverInbound } from '../../src/client/inbound.js';
import { toProgram } from '../../src/mix-client.js';
import type { Reply } from '../../src/mix-client.js';
import type { InboundMail } from '../../src/ports/client-store.js';

const signal = new AbortController().signal;
const about = messageIdOf(new Uint8Array(16).fill(9));
const inbound = (kind: InboundMail['kind'], from: string): InboundMail => ({
  kind,
  about,
  mailId: `<${kind}@friend.test>`,
  raw: ascii(`${from}\r\nSubject: Re: hello\r\n\r\nencrypted\r\n`),
});

const mailboxWith = (...mails: readonly InboundMail[]) => {
  const store = sqliteClientStore(':memory:');
  const inInbox: string[] = [];
  store.atomically(() => mails.forEach((mail) => store.addInbound(mail)));
  const usual = ({ mailId }: InboundMail): Promise<void> => Promise.resolve(void inInbox.push(mailId));
  return {
    inInbox,
    left: () => store.inboundIds().length,
    bringTo: (onReply: (reply: Reply) => Promise<void>) =>
      deliverInbound({ store, deliver: toProgram(onReply, usual) }, signal),
  };
};

describe('a program that takes replies', () => {
  it('gets them with the message they answer and who wrote them, and notices go the usual way', async () => {
    const { inInbox, left, bringTo } = mailboxWith(
      inbound('report', 'From: <alice@home.test>'),
      inbound('reply', 'From: "Bob, at home" <bob@friend.test>'),
      inbound('reply', 'From: <bob@friend.test>, <eve@friend.test>'),
    );
    const taken: Reply[] = [];
    await bringTo((reply) => Promise.resolve(void taken.push(reply)));
    expect(taken.map(({ inReplyTo, from }) => [inReplyTo, from])).toEqual([
      [about, 'bob@friend.test'],
      [about, undefined],
    ]);
    expect(latin1(taken[0]?.raw ?? expect.fail())).toMatch(/^From: "Bob, at home"[^]*\r\n\r\nencrypted\r\n$/);
    expect(inInbox).toEqual(['<report@friend.test>']);
    expect(left()).toBe(0);
  });

  it('gets one again, the same bytes, that it did not take', async () => {
    const { left, bringTo } = mailboxWith(inbound('reply', 'From: <bob@friend.test>'));
    const full = new Error('disk full');
    const seen: string[] = [];
    const take = ({ raw }: Reply): Promise<void> => {
      seen.push(latin1(raw));
      return seen.length < 3 ? Promise.reject(full) : Promise.resolve();
    };
    for (let i = 0; i < 2; i++) {
      await expect(bringTo(take)).rejects.toMatchObject({ code: 'client/reply-not-taken', cause: full });
      expect(left()).toBe(1);
    }
    await bringTo(take);
    await bringTo(take);
    expect(seen).toHaveLength(3);
    expect(new Set(seen).size).toBe(1);
    expect(left()).toBe(0);
  });
});
