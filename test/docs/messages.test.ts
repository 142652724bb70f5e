import { readFileSync } from 'node:fs';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { submissionServer, type SubmissionServer } from '../../src/adapters/submission.js';
import { systemClock, systemRng } from '../../src/adapters/system.js';
import { latin1 } from '../../src/base/bytes.js';
import { RouteError, StoreError } from '../../src/base/errors.js';
import { messageIdOf } from '../../src/base/ids.js';
import { submitMail, type SubmitDeps } from '../../src/client/submit.js';
import { composeNotice } from '../../src/message/notice.js';
import { composeReport } from '../../src/message/report.js';
import { endings, noticeReasons } from '../message/endings.js';
import { encryptArmored, encryptBinary, mailOf, personOf, pgpMimeParts, type Person } from '../message/pep-mail.js';
import { dialSmtp } from '../servers/smtp-line.js';
import { tableUnder } from './pages.js';

const page = 'docs/messages.md';

/** The paragraphs of a notice's text, each in one line. */
const paragraphsOf = (raw: Uint8Array): readonly string[] => {
  const [, start = ''] = latin1(raw).split('charset=us-ascii\r\n\r\n');
  const [words = ''] = start.split('\r\n--=_report');
  return words
    .trimEnd()
    .split('\r\n\r\n')
    .map((paragraph) => paragraph.replaceAll('\r\n', ' '));
};

describe('docs/messages.md', () => {
  const report = {
    to: 'me@example.org',
    messageId: messageIdOf(new Uint8Array(16)),
    recipient: undefined,
    originalMessageId: undefined,
    submittedAt: Date.UTC(2026, 10, 23, 9, 30),
    now: Date.UTC(2026, 10, 24),
  };

  it('has every way in which a message can end, and no other: subject, what happened, what to do', () => {
    const said = endings.map(([ending]) => {
      const raw = composeReport({ ...report, ending });
      const [, happened, advice] = paragraphsOf(raw);
      return [/^Subject: (.*)\r$/m.exec(latin1(raw))?.[1], happened, advice];
    });
    expect(tableUnder(page, 'Later, in your inbox').toSorted()).toEqual(said.toSorted());
  });

  it('shows a notice as it is', () => {
    const raw = latin1(composeReport({ ...report, ending: { kind: 'refused', code: 550 } }));
    const [, shown = ''] = readFileSync(page, 'utf8').split('```\n');
    const [subject = '', ...text] = shown.trimEnd().split('\n');
    expect(raw).toContain(`\r\n${subject}\r\n`);
    expect(raw).toContain(text.join('\r\n'));
    expect(text.length).toBeGreaterThan(5);
  });

  it('has every notice to who answers', () => {
    const said = noticeReasons.map((reason) => {
      const notice = { from: 'exit@x.example', to: 'bob@b.example', inReplyTo: undefined, id: 'ab'.repeat(16), now: 0 };
      const raw = composeNotice({ ...notice, reason, roomBytes: 205_000 });
      expect(latin1(raw)).toContain('\r\nSubject: Your answer was not delivered\r\n');
      return paragraphsOf(raw).slice(1, -1).join(' ');
    });
    expect(tableUnder(page, 'To who answers you').map(([, words]) => words)).toEqual(said);
  });
});

describe('docs/messages.md: what the server on this machine says', () => {
  const said = new Set<string>();
  let server: SubmissionServer;
  let accept: (mail: { readonly recipients: readonly string[]; readonly raw: Uint8Array }) => unknown;
  let armored: string;
  let alice: Person;
  let bob: Person;
  const submit: typeof accept = (mail) => submitMail(deps, mail);

  const deps: SubmitDeps = {
    store: { atomically: (work) => work(), queueMessage: () => undefined },
    parse: parseMail,
    base64: nodeBase64,
    clock: systemClock,
    rng: systemRng,
    keyIds: 'hide',
    ownKeys: new Set(),
    replyBlocks: 0,
    mustReach: () => undefined,
  };

  beforeAll(async () => {
    [alice, bob] = await Promise.all([personOf('alice@a.example'), personOf('bob@b.example')]);
    armored = await encryptArmored('the words', alice, bob);
    const log = { info: () => undefined, warn: () => undefined };
    server = await submissionServer({
      host: '127.0.0.1',
      port: 0,
      user: 'mixmailer',
      token: 'TOKEN',
      maxMailBytes: 6_000_000,
      accept: (mail) => Promise.resolve(mail).then(accept),
      log,
      pause: () => Promise.resolve(),
    });
  });
  afterAll(() => server.close());

  /** Hears what the user of a mail program reads, with what differs in capitals. */
  const handIn = async (raw: string, to = 'bob@b.example', pass = 'TOKEN'): Promise<string> => {
    const auth = { user: 'mixmailer', pass, method: 'PLAIN' };
    const program = createTransport({ host: '127.0.0.1', port: server.port, ignoreTLS: true, auth });
    const heard = await program
      .sendMail({ raw: Buffer.from(mailOf(raw)), envelope: { from: 'me@example.org', to: [to] } })
      .then(({ response }) => response)
      .catch((error: unknown) => (error as { readonly response?: string }).response ?? String(error));
    program.close();
    const general = heard
      .replace(/(data can't be sent \()[^)]*/, '$1REASON')
      .replace(/(address can't be used: ).*/, '$1WHY')
      .replace(/[0-9]+ KiB/, 'N KiB');
    if (!general.startsWith('250')) said.add(general);
    return general;
  };
  const header = 'From: me@example.org\nMIME-Version: 1.0\n';
  const encrypted = (more = '', first = '') =>
    `${first}${header}Content-Type: multipart/mixed; boundary=e\n\n${pgpMimeParts(armored, 'e')}${more}--e--\n`;
  const part = (type: string) => `--e\nContent-Type: ${type}\n\nx\n`;

  it('takes what is encrypted', async () => {
    accept = submit;
    expect(await handIn(encrypted())).toMatch(/^250 /);
  });

  it('refuses, in these words and in no others', async () => {
    accept = submit;
    for (const raw of [
      `${header}\nin clear`,
      `${header}Content-Type: application/pkcs7-mime\n\nx`,
      encrypted(part('text/plain')),
      encrypted(part('application/pgp-keys')),
      `${header}\nHello\n\n${armored}`,
      encrypted().replace(armored, 'no data at all'),
      encrypted('', 'MixMailer-Reply: perhaps\n'),
      `${header}Content-Type: multipart/mixed; boundary=e\n\n${'--e\n\nx\n'.repeat(200)}--e--\n`,
      'x'.repeat(6_000_001),
    ])
      await handIn(raw);
    await handIn(encrypted(), 'bob@localhost');
    accept = (mail) => submitMail({ ...deps, replyBlocks: undefined }, mail);
    await handIn(encrypted('', 'MixMailer-Reply: yes\n'));
    accept = () => {
      throw new RouteError('route/no-path', 'WHY');
    };
    await handIn(encrypted());
    accept = () => {
      throw new StoreError('store/write', 'WHY');
    };
    await handIn(encrypted());
    await handIn(encrypted(), undefined, 'wrong');

    const line = await dialSmtp(server.port);
    const wrong = Buffer.from('\0mixmailer\0wrong').toString('base64');
    line.socket.write(`EHLO x\r\n${`AUTH PLAIN ${wrong}\r\n`.repeat(3)}`);
    said.add(/^421 .*$/m.exec(await line.said(/^421 .*\r$/m))?.[0].trim() ?? '');
    line.socket.destroy();

    const control = { contentType: 'application/pgp-encrypted', content: mailOf('Version: 1') };
    const large = {
      contentType: 'application/octet-stream',
      content: await encryptBinary('x'.repeat(6_600_000), alice, bob),
    };
    for (const replyBlocks of [0, 8]) {
      const parse = async () => ({ ...(await parseMail(mailOf(encrypted()))), parts: [control, large] });
      const mail = { recipients: ['bob@b.example'], raw: mailOf(header) };
      const error: unknown = await submitMail({ ...deps, parse, replyBlocks }, mail).catch((thrown: unknown) => thrown);
      said.add(`552 ${(error as Error).message}`.replace(/[0-9]+ KiB/, 'N KiB'));
    }
    expect([...said].toSorted()).toEqual(
      tableUnder(page, 'At once, when you send')
        .map(([words]) => words)
        .toSorted(),
    );
  });
});
