import { afterEach, describe, expect, it } from 'vitest';
import { imapInbox } from '../../src/adapters/imap-inbox.js';
import { smtpOutbox } from '../../src/adapters/smtp-outbox.js';
import { ascii } from '../../src/base/bytes.js';
import { silentLog } from '../contracts/server-rigs.js';
import { makeAuthority } from '../servers/certificate.js';
import { startScriptedTls, type ScriptedTls, type ScriptedTlsOptions } from '../servers/scripted-tls.js';

// Somebody on the wire between this machine and its mail provider strikes STARTTLS out, answers in the provider's place,
// or shows a certificate of their own. The password must not leave, and no mail be taken for sent.

const authority = makeAuthority('authority of the test');
const good = authority.issue('localhost');
const [user, password] = ['alice@home.test', 'correct horse battery'];
const never = new AbortController().signal;
const mail = { from: user, to: 'bob@friend.test', raw: ascii('Subject: x\r\n\r\nhello\r\n') };

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A server, what using it comes to, and what it has heard. */
const tried = async (
  options: Partial<ScriptedTlsOptions> & Pick<ScriptedTlsOptions, 'protocol'>,
  trusts = authority.cert,
): Promise<{ readonly server: ScriptedTls; readonly outcome: unknown }> => {
  const server = await startScriptedTls({ identity: good, implicit: false, startTls: 'begins', ...options });
  closers.push(() => server.stop());
  const account = {
    ...{ host: 'localhost', port: server.port, user, ca: trusts, deadlineMs: 10_000 },
    security: options.implicit === true ? 'tls' : 'starttls',
    credential: () => Promise.resolve({ password }),
  } as const;
  const port = options.protocol === 'imap' ? imapInbox(account, silentLog) : smtpOutbox(account, silentLog);
  closers.push(() => port.close());
  const use = 'folders' in port ? port.folders(never) : port.send(mail, never);
  return { server, outcome: await use.catch((error: unknown) => error) };
};

/** The password, and all that a program makes of it to log in. */
const secrets = [
  password,
  ...[password, `\0${user}\0${password}`, user].map((text) => Buffer.from(text).toString('base64')),
];

/** Neither a secret nor the try to give one away. */
const expectUntold = (bytes: string): void => {
  for (const secret of secrets) expect(bytes).not.toContain(secret);
  expect(bytes).not.toMatch(/\b(?:AUTH|LOGIN|AUTHENTICATE|MAIL|SELECT|APPEND)\b/i);
};

const insecure = {
  imap: expect.objectContaining({
    code: expect.stringMatching(/^mail\/(?:tls|protocol|connect|closed)$/) as string,
  }) as unknown,
  smtp: { kind: 'later', code: undefined, why: 'tls' },
} as const;

describe.each(['imap', 'smtp'] as const)('%s', (protocol) => {
  it('logs in under TLS, where all is well', async () => {
    for (const implicit of [true, false]) {
      const { server, outcome } = await tried({ protocol, implicit });
      expect(outcome).toEqual(protocol === 'imap' ? ['INBOX'] : { kind: 'accepted', code: 250 });
      expect(secrets.some((secret) => server.sealed().includes(secret))).toBe(true);
      expectUntold(server.inClear());
    }
  });

  it.each(['not offered', 'no', 'bad'] as const)('says nothing where STARTTLS is struck out: %s', async (startTls) => {
    const { server, outcome } = await tried({ protocol, startTls });
    expect(outcome).toEqual(insecure[protocol]);
    expectUntold(server.inClear());
    expect(server.sealed()).toBe('');
  });

  it('does not believe a greeting that it is logged in already, which leaves no place for STARTTLS', async () => {
    const greeting = protocol === 'imap' ? '* PREAUTH [CAPABILITY IMAP4rev1] welcome' : '220 test ESMTP logged in';
    const { server, outcome } = await tried({ protocol, greeting, startTls: 'not offered' });
    expect(outcome).toEqual(insecure[protocol]);
    expectUntold(server.inClear());
  });

  it('takes no answer that came before TLS for one that came under it', async () => {
    const injected =
      protocol === 'imap'
        ? [
            '* CAPABILITY IMAP4rev1 AUTH=PLAIN',
            ...['1', '2', '3', '4', '5', '6', '7', '8'].flatMap((n) => [`${n} OK done`, `A${n} OK done`]),
          ]
        : ['250-test', '250 AUTH PLAIN', '235 ok', '250 ok', '250 ok', '354 go on', '250 queued'];
    const { server, outcome } = await tried({ protocol, injected, endsInside: true });
    expect(outcome).not.toMatchObject({ kind: 'accepted' });
    expect(outcome).not.toEqual(['INBOX']);
    expectUntold(server.inClear());
    // What was said there would count for a log-in.
    for (const secret of secrets.slice(0, 3)) expect(server.sealed()).not.toContain(secret);
  });

  const strangers = {
    'signed by itself': makeAuthority('localhost'),
    'of an authority nobody knows': makeAuthority('another authority').issue('localhost'),
    'for another name': authority.issue('mail.evil.test'),
    'for an address': authority.issue('127.0.0.1'),
    'that was good until yesterday': authority.issue('localhost', {
      notBefore: new Date('2020-01-01'),
      notAfter: new Date('2020-02-01'),
    }),
    'that will be good some day': authority.issue('localhost', {
      notBefore: new Date('2110-01-01'),
      notAfter: new Date('2120-01-01'),
    }),
  };
  it.each(Object.entries(strangers))(
    'tells its password to no server with a certificate %s',
    async (_what, identity) => {
      for (const implicit of [true, false]) {
        const { server, outcome } = await tried({ protocol, implicit, identity });
        expect(outcome).toEqual(protocol === 'imap' ? expect.objectContaining({ code: 'mail/tls' }) : insecure.smtp);
        expectUntold(server.inClear());
        expect(server.sealed()).toBe('');
      }
    },
  );

  it('sends nothing in clear to another machine, whatever the settings say', async () => {
    for (const host of ['mail.home.test', '192.0.2.1', '0.0.0.0', 'localhost.evil.test', '::ffff:192.0.2.1']) {
      const account = {
        ...{ host, port: 1, user, deadlineMs: 1500 },
        security: 'none',
        credential: () => expect.fail('asked for the password'),
      } as const;
      const port = protocol === 'imap' ? imapInbox(account, silentLog) : smtpOutbox(account, silentLog);
      closers.push(() => port.close());
      const use = 'folders' in port ? port.folders(never) : port.send(mail, never);
      const outcome = await use.catch((error: unknown) => error);
      expect(outcome).toMatchObject(protocol === 'imap' ? { code: 'mail/insecure' } : insecure.smtp);
    }
  });
});
