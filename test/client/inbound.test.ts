import { describe, expect, it } from 'vitest';
import { sqliteClientStore } from '../../src/adapters/sqlite-client-store.js';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { MailError } from '../../src/base/errors.js';
import { messageIdOf } from '../../src/base/ids.js';
import { deliverInbound, toInbox } from '../../src/client/inbound.js';
import { fakeMailWorld } from '../fakes/mail-world.js';

const signal = new AbortController().signal;
const about = messageIdOf(new Uint8Array(16));

const mailNamed = (name: string) => {
  const raw = ascii(`Message-ID: <${name}@x.test>\r\nSubject: ${name}\r\n\r\n`);
  return { kind: 'report', about, mailId: `<${name}@x.test>`, raw } as const;
};

describe('a mail for the user', () => {
  it('that can’t be brought stays, and doesn’t keep the others from coming', async () => {
    const store = sqliteClientStore(':memory:');
    const brought: string[] = [];
    const deliver = ({ mailId }: { readonly mailId: string }): Promise<void> => {
      if (mailId === '<bad@x.test>') return Promise.reject(new MailError('mail/protocol', 'no'));
      brought.push(mailId);
      return Promise.resolve();
    };
    for (const name of ['bad', 'one', 'two']) store.addInbound(mailNamed(name));
    const attempt = () => deliverInbound({ store, deliver }, signal);
    await expect(attempt()).rejects.toThrow(MailError);
    expect(brought).toEqual([]);
    await expect(attempt()).rejects.toThrow(MailError);
    expect(brought).toEqual(['<one@x.test>', '<two@x.test>']);
    expect(store.inboundIds()).toHaveLength(1);
  });

  it('is looked for in the inbox only after an attempt whose end nobody knows', async () => {
    const { inbox, mailbox } = fakeMailWorld().account('alice@home.test');
    const calls: string[] = [];
    const deliver = toInbox({
      holds: (...args) => {
        calls.push('holds');
        return inbox.holds(...args);
      },
      append: (...args) => {
        calls.push('append');
        return inbox.append(...args);
      },
    });
    const mail = mailNamed('one');
    await deliver({ ...mail, attempts: 0 }, signal);
    await deliver({ ...mail, attempts: 1 }, signal);
    await deliver({ ...mailNamed('two'), attempts: 1 }, signal);
    expect(calls).toEqual(['append', 'holds', 'holds', 'append']);
    expect(mailbox.raws().map((raw) => /Subject: (.*)\r/.exec(latin1(raw))?.[1])).toEqual(['one', 'two']);
  });
});
