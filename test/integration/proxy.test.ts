import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imapInbox } from '../../src/adapters/imap-inbox.js';
import { parseProxy } from '../../src/adapters/proxy.js';
import { smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { mailNamed } from '../../src/testing/inbox.js';
import { silentLog } from '../contracts/server-rigs.js';
import { startInProcess, type InProcessWorld } from '../servers/in-process.js';
import type { Account } from '../servers/mail-world.js';
import { startSocks, type SocksProxy } from '../servers/socks.js';

const never = new AbortController().signal;

describe('mail servers reached through a proxy', () => {
  let world: InProcessWorld;
  let socks: SocksProxy;
  let account: Account;

  beforeAll(async () => {
    world = await startInProcess();
    socks = await startSocks();
    account = await world.addAccount('hidden');
  });
  afterAll(async () => {
    await socks.stop();
    await world.stop();
  });

  it('are named to the proxy, not resolved here', async () => {
    const through = { host: 'localhost', proxy: `socks5h://127.0.0.1:${socks.port}` };
    const outbox = smtpOutbox({ ...account.smtp, ...through }, silentLog);
    const mail = { from: account.address, to: account.address, raw: mailNamed('hidden') };
    expect(await outbox.send(mail, never)).toEqual({ kind: 'accepted', code: 250 });
    await outbox.close();
    const inbox = imapInbox({ ...account.imap, ...through }, silentLog);
    expect((await inbox.fetch('INBOX', undefined, never)).mails).toHaveLength(1);
    await inbox.close();
    expect(socks.asked).toEqual([`localhost:${account.smtp.port}`, `localhost:${account.imap.port}`]);
  });

  it('are not reached at all when the proxy is away', async () => {
    const through = { proxy: 'socks5h://127.0.0.1:1' };
    const outbox = smtpOutbox({ ...account.smtp, ...through }, silentLog);
    const mail = { from: account.address, to: account.address, raw: mailNamed('not-direct') };
    expect(await outbox.send(mail, never)).toEqual({ kind: 'later', code: undefined, why: 'connect' });
    const inbox = imapInbox({ ...account.imap, ...through }, silentLog);
    await expect(inbox.folders(never)).rejects.toMatchObject({ code: 'mail/connect' });
    await inbox.close();
  });

  it.each([
    'http://127.0.0.1:1',
    'socks4://127.0.0.1:1',
    '127.0.0.1:9050',
    'socks5h://',
    'socks5h://a%ff@127.0.0.1',
    '',
  ])('are never reached directly because of a damaged proxy setting: %s', async (proxy) => {
    expect(() => parseProxy(proxy)).toThrow(/proxy expected/);
    const inbox = imapInbox({ ...account.imap, proxy }, silentLog);
    await expect(inbox.folders(never)).rejects.toThrow();
    await inbox.close();
    const outbox = smtpOutbox({ ...account.smtp, proxy }, silentLog);
    await expect(
      outbox.send({ from: account.address, to: account.address, raw: mailNamed('direct') }, never),
    ).rejects.toThrow(/proxy expected/);
  });

  it('may ask for a name and a password', () => {
    expect(parseProxy('socks5h://us%40er:pa%3Ass@[::1]:9050')).toEqual({
      host: '::1',
      port: 9050,
      user: 'us@er',
      password: 'pa:ss',
    });
  });
});
