import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openImap } from '../../src/adapters/imap-link.js';
import { openLink } from '../../src/adapters/smtp-link.js';
import { accountOf, credentialOf, fromCommand, type SecretSource } from '../../src/adapters/secrets.js';
import { ConfigError } from '../../src/base/errors.js';
import { minuteMs } from '../../src/base/units.js';

const folder = mkdtempSync(join(tmpdir(), 'mixmailer-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));
const ask = (source: SecretSource): Promise<unknown> => credentialOf('mail.imap', source)();

describe('a password', () => {
  const path = join(folder, 'password');

  it('comes from the configuration, a file, a variable or a command', async () => {
    writeFileSync(path, 'from file \nsecond line\n', { mode: 0o600 });
    process.env['MIXMAILER_TEST_SECRET'] = 'from variable';
    expect(await ask({ kind: 'password', password: 'given' })).toEqual({ password: 'given' });
    expect(await ask({ kind: 'passwordFile', path })).toEqual({ password: 'from file' });
    expect(await ask({ kind: 'passwordEnv', variable: 'MIXMAILER_TEST_SECRET' })).toEqual({
      password: 'from variable',
    });
    expect(await ask({ kind: 'passwordCommand', command: "printf 'from command\\nmore\\n'" })).toEqual({
      password: 'from command',
    });
  });

  it('that changes is read anew', async () => {
    const read = credentialOf('mail.imap', { kind: 'passwordFile', path });
    writeFileSync(path, 'old', { mode: 0o600 });
    await read();
    writeFileSync(path, 'new');
    expect(await read()).toEqual({ password: 'new' });
  });

  it('in a file others may read is refused', async () => {
    writeFileSync(path, 'open', { mode: 0o600 });
    chmodSync(path, 0o604);
    await expect(ask({ kind: 'passwordFile', path })).rejects.toThrow(ConfigError);
    await expect(ask({ kind: 'passwordFile', path })).rejects.toThrow('got mode 604');
    chmodSync(path, 0o440);
    expect(await ask({ kind: 'passwordFile', path })).toEqual({ password: 'open' });
    chmodSync(path, 0o600);
  });

  it.each<[string, SecretSource, string]>([
    [
      'a file that is not there',
      { kind: 'passwordFile', path: '/nowhere/at/all' },
      'mail.imap.passwordFile: /nowhere/at/all: no such file',
    ],
    [
      'a variable that is not set',
      { kind: 'passwordEnv', variable: 'MIXMAILER_NOT_SET' },
      'mail.imap.passwordEnv: the environment variable MIXMAILER_NOT_SET is not set',
    ],
    [
      'a command that fails',
      { kind: 'passwordCommand', command: 'echo hunter2; echo hunter2 >&2; exit 3' },
      'mail.imap.passwordCommand: the command ended with exit code 3',
    ],
    [
      'a command that is killed',
      { kind: 'passwordCommand', command: 'kill -9 $$' },
      'mail.imap.passwordCommand: the command ended with signal SIGKILL',
    ],
    [
      'a command that says nothing',
      { kind: 'passwordCommand', command: 'echo' },
      'mail.imap.passwordCommand: expected a secret in the first line of what the command prints, got nothing',
    ],
    [
      'a command that talks without end',
      { kind: 'passwordCommand', command: 'yes hunter2' },
      'mail.imap.passwordCommand: the command printed too much for a secret',
    ],
  ])('from %s is a ConfigError without the secret', async (_, source, message) => {
    const error: unknown = await ask(source).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).message).toBe(message);
  });

  it('from a command that hangs is given up at the deadline, and what it started ends', async () => {
    const trace = join(folder, 'still-running');
    const slow = fromCommand('key', `(sleep 0.6; touch '${trace}') & sleep 30`, 200);
    await expect(slow).rejects.toThrow('key: the command gave nothing within 0 s');
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(existsSync(trace)).toBe(false);
  });
});

describe('a token', () => {
  const counter = join(folder, 'count');
  const source: SecretSource = {
    kind: 'tokenCommand',
    command: `echo x >> '${counter}'; echo "token $(wc -l < '${counter}' | tr -d ' ')"`,
  };

  it('is asked for once, by however many at a time, and again after half an hour', async () => {
    let now = 1000;
    const token = credentialOf('mail.smtp', source, () => now);
    expect(await Promise.all([token(), token(), token()])).toEqual(Array(3).fill({ accessToken: 'token 1' }));
    now += 30 * minuteMs - 1;
    expect(await token()).toEqual({ accessToken: 'token 1' });
    now += 1;
    expect(await token()).toEqual({ accessToken: 'token 2' });
    expect(readFileSync(counter, 'utf8')).toBe('x\nx\n');
  });

  it('that could not be had is asked for again', async () => {
    const flag = join(folder, 'flag');
    const token = credentialOf('mail.smtp', { kind: 'tokenCommand', command: `cat '${flag}'` });
    await expect(token()).rejects.toThrow('mail.smtp.tokenCommand: the command ended with exit code 1');
    writeFileSync(flag, 'now');
    expect(await token()).toEqual({ accessToken: 'now' });
  });
});

describe('a command that never ends', () => {
  const command = 'sleep 1000';

  it('is ended when nobody waits for it any more', async () => {
    for (const kind of ['passwordCommand', 'tokenCommand'] as const) {
      const stop = new AbortController();
      const asked = credentialOf('mail.imap', { kind, command })(stop.signal);
      stop.abort();
      // It comes when the command has ended.
      await expect(asked).rejects.toThrow(`mail.imap.${kind}: the command was given up`);
    }
    const late = credentialOf('mail.imap', { kind: 'passwordCommand', command });
    await expect(late(AbortSignal.abort())).rejects.toThrow('the command was given up');
  });

  it('goes on for a token that another log-in waits for', async () => {
    const go = join(folder, 'go');
    const waits = `while ! test -e '${go}'; do sleep 0.02; done; echo token`;
    const token = credentialOf('mail.smtp', { kind: 'tokenCommand', command: waits });
    const stop = new AbortController();
    const [one, other] = [token(stop.signal), token(new AbortController().signal)];
    stop.abort();
    writeFileSync(go, '');
    expect(await other).toEqual({ accessToken: 'token' });
    await one;
  });

  it('keeps no link from being let go of', async () => {
    const stop = new AbortController();
    const account = {
      host: 'h.test',
      port: 1,
      security: 'tls',
      user: 'u',
      credential: () => new Promise<never>(() => undefined),
    } as const;
    const [smtp, imap] = [openLink(account, stop.signal), openImap(account, stop.signal)];
    stop.abort();
    for (const link of [smtp, imap]) await expect(link).rejects.toMatchObject({ code: 'mail/closed' });
  });
});

describe('an account', () => {
  it('is the section of the configuration with a way to its secret', async () => {
    const secret = { kind: 'password', password: 'p' } as const;
    const server = { host: 'h.example', port: 993, security: 'tls', ca: undefined, user: 'u', secret } as const;
    const { credential, ...rest } = accountOf('mail.imap', server, 'socks5h://127.0.0.1:9050');
    expect(rest).toEqual({
      host: 'h.example',
      port: 993,
      security: 'tls',
      user: 'u',
      proxy: 'socks5h://127.0.0.1:9050',
    });
    expect(await credential()).toEqual({ password: 'p' });
  });
});
