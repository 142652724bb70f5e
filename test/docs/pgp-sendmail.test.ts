import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const hasGpg = spawnSync('gpg', ['--version'], { stdio: 'ignore' }).status === 0;

describe.skipIf(!hasGpg)('docs/examples/pgp-sendmail', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mm-pgp-'));
  const handedIn = path.join(folder, 'handed-in');
  const env = { ...process.env, GNUPGHOME: folder, PATH: `${folder}/bin:${process.env['PATH'] ?? ''}` };
  const gpg = (args: readonly string[], input = ''): string =>
    execFileSync('gpg', ['--batch', '--quiet', ...args], {
      env,
      input,
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'ignore'],
    });
  const mail = (header: string): string => `From: me@example.org\nTo: you@example.net\n${header}\nthe words\n`;

  /** What the script hands to `mixmailer`, which notes it here. */
  const send = (input: string, ...args: readonly string[]) => {
    rmSync(handedIn, { force: true });
    const { status, stderr } = spawnSync(path.resolve('docs/examples/pgp-sendmail'), args, {
      env,
      input,
      encoding: 'utf8',
    });
    return { status, said: stderr, handedIn: status === 0 ? readFileSync(handedIn, 'utf8') : undefined };
  };

  beforeAll(() => {
    mkdirSync(path.join(folder, 'bin'));
    writeFileSync(path.join(folder, 'bin', 'mixmailer'), `#!/bin/sh\n{ echo "$*"; cat; } > '${handedIn}'\n`, {
      mode: 0o755,
    });
    for (const address of ['me@example.org', 'you@example.net', 'else@example.com'])
      gpg(['--passphrase', '', '--quick-generate-key', address, 'future-default', 'default', 'never']);
  }, 60_000);
  afterAll(() => {
    spawnSync('gpgconf', ['--kill', 'all'], { env });
    rmSync(folder, { recursive: true });
  });

  it('puts all of the mail inside, its header too, and nothing of it but its Message-ID outside', () => {
    const { handedIn: outside = '' } = send(
      mail('Subject: the subject\nMessage-ID: <1@example.org>\n'),
      '-i',
      'you@example.net',
    );
    expect(outside).toMatch(
      /^sendmail -i -- you@example\.net\nMessage-ID: <1@example\.org>\nMIME-Version: 1\.0\nContent-Type: multipart\/encrypted;/,
    );
    expect(outside).not.toMatch(/subject|From:|To:|the words/);
    const inside = gpg(['--decrypt'], outside);
    expect(inside).toMatch(/^From: me@example\.org\nTo: you@example\.net\nSubject: the subject\n/);
    expect(inside).toMatch(/\nContent-Type: text\/plain; protected-headers="v1"\n\nthe words\n$/);
  });

  it('keeps the type of the mail, and leaves out who gets it blindly', () => {
    const header =
      'Bcc: else@example.com,\n other@example.com\nContent-Type: text/plain;\n charset=utf-8\nSubject: s\n';
    const inside = gpg(['--decrypt'], send(mail(header), 'you@example.net', 'else@example.com').handedIn);
    expect(inside).toContain(
      '\nContent-Type: text/plain; protected-headers="v1";\n charset=utf-8\nSubject: s\n\nthe words\n',
    );
    expect(inside).not.toMatch(/bcc|else@|other@/i);
  });

  it('takes the flags that programs give, and the recipients behind them', () => {
    const { handedIn: outside } = send(
      mail(''),
      '-oi',
      '-f',
      'me@example.org',
      '-F',
      'Me',
      '--',
      'you@example.net',
      'else@example.com',
    );
    expect(outside?.split('\n')[0]).toBe('sendmail -i -- you@example.net else@example.com');
    expect(gpg(['--list-packets', '--list-only'], outside).match(/pubkey enc packet/g)).toHaveLength(2);
  });

  it('sends nothing where one has no key, and says so', () => {
    const { status, said } = send(mail(''), 'you@example.net', 'stranger@example.com');
    expect(status).toBe(65);
    expect(said).toContain('GnuPG did not encrypt it, so it is not sent\n');
  });

  it.each([
    ['the recipients stand behind the flags', ['-t']],
    ['no recipient', ['-i']],
    ['an address of plain letters', ['you@example.net --output x']],
    ['an address of plain letters', ['$(touch x)@example.net']],
  ])('says what it does not take: %s', (words, args) => {
    const { status, said } = send(mail(''), ...args);
    expect([status, said]).toEqual([64, expect.stringContaining(words)]);
  });
});
