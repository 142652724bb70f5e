import { describe, expect, it } from 'vitest';
import { ascii, latin1 } from '../../src/base/bytes.js';
import { readSendmailArguments, untilDotLine } from '../../src/client/sendmail.js';

const requested = (...args: string[]) => {
  const read = readSendmailArguments(args);
  if (read.kind === 'usage') throw new Error(read.what);
  return read.request;
};

describe('sendmail arguments', () => {
  it.each([
    ['mutt', ['-oem', '-oi', '-f', 'me@example.org', '--', 'bob@example.org', 'eve@example.org']],
    ['git send-email', ['-i', 'bob@example.org', 'eve@example.org']],
    ['msmtp habit', ['-fme@example.org', '-i', '--', 'bob@example.org', 'eve@example.org']],
    ['with a name and a body type', ['-F', 'Me Myself', '-B8BITMIME', '-i', 'bob@example.org', 'eve@example.org']],
  ])('takes recipients as %s gives them', (_name, args) => {
    expect(requested(...args)).toEqual({
      recipientsFromHeader: false,
      dotsAreText: true,
      configFile: undefined,
      recipients: ['bob@example.org', 'eve@example.org'],
    });
  });

  it('takes -t and -ti, and its config from -C', () => {
    expect(requested('-t', '-C', 'client.toml')).toMatchObject({
      recipientsFromHeader: true,
      dotsAreText: false,
      configFile: 'client.toml',
    });
    expect(requested('-ti', '-Cclient.toml')).toMatchObject({
      recipientsFromHeader: true,
      dotsAreText: true,
      configFile: 'client.toml',
    });
  });

  it.each([[['-bs']], [['-q']], [['-bd']], [['-C']], [['-f']], [['--config']]])('refuses %j and says why', (args) => {
    expect(readSendmailArguments(args)).toMatchObject({
      kind: 'usage',
      what: expect.stringContaining(args[0] ?? '') as string,
    });
  });
});

describe('the end of a mail on standard input', () => {
  it.each([
    ['a\r\n.\r\nb', 'a\r\n'],
    ['a\n.\nb', 'a\n'],
    ['a\n.', 'a\n'],
    ['.\n', ''],
    ['a.\n.b\n..\nc', 'a.\n.b\n..\nc'],
  ])('%j is %j', (mail, expected) => {
    expect(latin1(untilDotLine(ascii(mail)))).toBe(expected);
  });
});
