import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { probeSmtp, smtpOutbox, type SmtpAccount } from '../../src/adapters/smtp-outbox.js';
import type { Outbox, SendOutcome } from '../../src/ports/mail.js';
import { bulk, mailNamed } from '../../src/testing/inbox.js';
import { silentLog } from '../contracts/server-rigs.js';
import { startScriptedSmtp, type Moment, type Reaction, type ScriptedSmtp } from '../servers/scripted-smtp.js';

const never = new AbortController().signal;

describe('outbox, when the server fails at a certain moment', () => {
  let server: ScriptedSmtp;
  let account: SmtpAccount;
  let outbox: Outbox;
  const mail = { from: 'a@mix.test', to: 'b@mix.test', raw: mailNamed('scripted') };
  const send = (): Promise<SendOutcome> => outbox.send(mail, never);

  beforeEach(async () => {
    server = await startScriptedSmtp();
    account = {
      host: '127.0.0.1',
      port: server.port,
      security: 'none',
      user: 'a@mix.test',
      credential: () => Promise.resolve({ password: 'secret' }),
      maxLinks: 1,
      deadlineMs: 400,
    };
    outbox = smtpOutbox(account, silentLog);
  });
  afterEach(async () => {
    await outbox.close();
    await server.stop();
  });

  it('the scripted server itself takes a mail byte for byte', async () => {
    expect(await send()).toEqual({ kind: 'accepted', code: 250 });
    expect(server.mails).toEqual([Buffer.from(mail.raw).toString('latin1')]);
  });

  const later = (why: string, code?: number): unknown => ({ kind: 'later', code, why });
  const drop: Reaction = { kind: 'drop' };
  const silence: Reaction = { kind: 'silence' };
  const unknown = { kind: 'unknown' };

  const cases: readonly (readonly [Moment, Reaction | string, unknown])[] = [
    ['greeting', drop, later('connect')],
    ['greeting', silence, later('timeout')],
    ['greeting', '554 5.7.1 go away', later('connect', 554)],
    ['greeting', '421 4.7.0 too many connections', later('limit', 421)],
    ['EHLO', drop, later('connect')],
    ['AUTH', drop, later('connect')],
    ['AUTH', silence, later('timeout')],
    ['AUTH', '535 5.7.8 authentication failed', later('login', 535)],
    ['AUTH', '454 4.7.0 temporary failure', later('temporary', 454)],
    ['AUTH', '421 4.7.0 too many log-ins', later('limit', 421)],
    ['MAIL', drop, later('connect')],
    ['MAIL', '530 5.7.0 authentication required', later('login', 530)],
    ['MAIL', '553 5.7.1 not your address', { kind: 'refused', code: 553 }],
    ['MAIL', '451 4.3.0 busy', later('temporary', 451)],
    ['RCPT', '550 5.2.1 receiving mail at a rate that prevents more', later('temporary', 550)],
    ['RCPT', '550 5.2.1 mailbox disabled', { kind: 'refused', code: 550 }],
    ['RCPT', '550 5.1.90 daily limit for message recipients', later('limit', 550)],
    ['MAIL', '552 5.3.4 message size exceeds fixed limit', { kind: 'refused', code: 552 }],
    ['MAIL', '552 message size exceeds the limit', { kind: 'refused', code: 552 }],
    ['RCPT', drop, later('connect')],
    ['RCPT', silence, later('timeout')],
    ['RCPT', '550 5.1.1 no such user', { kind: 'refused', code: 550 }],
    ['RCPT', '550 5.5.0 not now', later('temporary', 550)],
    ['RCPT', '450 4.2.0 greylisted', later('temporary', 450)],
    ['RCPT', '452 4.2.2 mailbox over quota', later('temporary', 452)],
    ['RCPT', '550 5.4.5 daily sending quota exceeded', later('limit', 550)],
    ['RCPT', '450 4.2.1 receiving mail at a rate that prevents more', later('temporary', 450)],
    ['DATA', drop, later('connect')],
    ['DATA', silence, later('timeout')],
    ['DATA', '554 5.6.0 no', { kind: 'refused', code: 554 }],
    ['DATA', '503 5.5.1 no valid recipients', later('temporary', 503)],
    ['body', drop, unknown],
    ['end', drop, unknown],
    ['end', silence, unknown],
    ['end', '550 5.7.1 looks like spam', { kind: 'refused', code: 550 }],
    ['end', '451 4.3.0 queue is full', later('temporary', 451)],
    ['end', '421 4.3.2 shutting down', later('temporary', 421)],
    ['end', '554 5.2.0 submission quota exceeded', later('limit', 554)],
    ['end', '251 will forward', { kind: 'accepted', code: 251 }],
  ];
  it.each(cases)('at %s: %j', async (moment, reaction, outcome) => {
    server.at(moment, reaction);
    expect(await send()).toEqual(outcome);
  });

  it('does not know what became of a large mail whose link died in the middle', async () => {
    server.at('body', drop);
    const large = { ...mail, raw: mailNamed('large', bulk(2_000_000)) };
    expect(await outbox.send(large, never)).toEqual(unknown);
  });

  it('an abort before the mail is "later", an abort behind it is "unknown"', async () => {
    server.at('MAIL', silence);
    const early = new AbortController();
    setTimeout(() => early.abort(), 50);
    expect(await outbox.send(mail, early.signal)).toMatchObject({ kind: 'later' });
    server.at('MAIL', '250 ok');
    server.at('end', silence);
    const late = new AbortController();
    setTimeout(() => late.abort(), 200);
    expect(await outbox.send(mail, late.signal)).toEqual(unknown);
  });

  it('goes on over the same link after a refusal, with the old transaction cleared', async () => {
    server.at('RCPT', '550 5.1.1 no such user');
    await send();
    server.at('RCPT', '250 ok');
    expect(await send()).toEqual({ kind: 'accepted', code: 250 });
    expect(server.links()).toBe(1);
    expect(server.commands).toContain('RSET');
  });

  it('never sends a mail twice by itself once its first byte went out', async () => {
    await send();
    server.at('end', drop);
    expect(await send()).toEqual(unknown);
    expect(server.commands.filter((command) => command === 'DATA')).toHaveLength(2);
    expect(server.links()).toBe(1);
  });

  it('keeps one link for many mails', async () => {
    for (let i = 0; i < 5; i++) await send();
    expect(server.links()).toBe(1);
  });

  it('names neither the machine nor the program', async () => {
    await send();
    expect(server.commands[0]).toBe('EHLO [127.0.0.1]');
    expect(server.commands.join('\n')).not.toMatch(/nodemailer|mixmailer/i);
  });

  it('refuses an address that carries a command', async () => {
    const outcome = await outbox.send({ ...mail, to: 'b@mix.test>\r\nRCPT TO:<c@mix.test' }, never);
    expect(outcome).toMatchObject({ kind: 'refused' });
    expect(server.commands.join('\n')).not.toContain('c@mix.test');
  });

  it('sends the envelope id to servers that know notifications, and to no others', async () => {
    const withId = { ...mail, envelopeId: 'k7' };
    expect(await outbox.send(withId, never)).toEqual({ kind: 'accepted', code: 250 });
    expect(server.commands.join('\n')).not.toMatch(/ENVID|NOTIFY|RET=/);
    server.at('EHLO', '250-test\r\n250-DSN\r\n250 AUTH PLAIN');
    const other = smtpOutbox(account, silentLog);
    await other.send(withId, never);
    await other.send(mail, never);
    await other.close();
    const envelopes = server.commands.filter((command) => /^(MAIL|RCPT)/.test(command)).slice(2);
    expect(envelopes).toEqual([
      'MAIL FROM:<a@mix.test> RET=HDRS ENVID=k7',
      'RCPT TO:<b@mix.test> NOTIFY=FAILURE',
      'MAIL FROM:<a@mix.test>',
      'RCPT TO:<b@mix.test>',
    ]);
  });

  it('signs in with an access token where there is one', async () => {
    server.at('EHLO', '250-test\r\n250 AUTH XOAUTH2');
    const credential = (): Promise<{ accessToken: string }> => Promise.resolve({ accessToken: 'token' });
    const withToken = smtpOutbox({ ...account, credential }, silentLog);
    expect(await withToken.send(mail, never)).toEqual({ kind: 'accepted', code: 250 });
    await withToken.close();
    const sent = server.commands.find((command) => command.startsWith('AUTH XOAUTH2 '))?.slice(13) ?? '';
    expect(Buffer.from(sent, 'base64').toString()).toBe('user=a@mix.test\x01auth=Bearer token\x01\x01');
  });

  it('comes back later when there is no credential', async () => {
    const credential = (): Promise<never> => Promise.reject(new Error('token command failed'));
    const without = smtpOutbox({ ...account, credential }, silentLog);
    expect(await without.send(mail, never)).toEqual({ kind: 'later', code: undefined, why: 'login' });
  });

  it('starts no session where STARTTLS is asked for and not offered', async () => {
    const strict = smtpOutbox({ ...account, security: 'starttls' }, silentLog);
    server.at('EHLO', '250-test\r\n250 AUTH PLAIN');
    const outcome = await strict.send(mail, never);
    expect(outcome).toMatchObject({ kind: 'later', why: 'tls' });
    expect(server.commands.some((command) => command.startsWith('AUTH'))).toBe(false);
  });

  it('sends nothing in clear text to another machine', async () => {
    const strict = smtpOutbox({ ...account, host: '192.0.2.1' }, silentLog);
    expect(await strict.send(mail, never)).toEqual({ kind: 'later', code: undefined, why: 'tls' });
    await expect(probeSmtp({ ...account, host: '192.0.2.1' }, never)).rejects.toMatchObject({ code: 'mail/insecure' });
  });

  it('probes without sending', async () => {
    server.at('EHLO', '250-test\r\n250-SIZE 10485760\r\n250 AUTH PLAIN');
    const probe = await probeSmtp(account, never);
    expect(probe).toEqual({ extensions: ['SIZE 10485760', 'AUTH PLAIN'], maxMailBytes: 10_485_760, secure: false });
    expect(server.commands.some((command) => command.startsWith('MAIL'))).toBe(false);
    server.at('AUTH', '535 5.7.8 no');
    await expect(probeSmtp(account, never)).rejects.toMatchObject({ code: 'mail/login' });
  });
});
