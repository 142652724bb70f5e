import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInvitation } from '../../src/council/invitation.js';
import { isNodeName } from '../../src/route/descriptor.js';
import {
  addressIn,
  invitationIn,
  nameFor,
  secretIn,
  serverIn,
  serversIn,
  serverText,
} from '../../src/setup/answers.js';

const invitation = formatInvitation({
  authorities: [{ key: 'ab'.repeat(32), address: 'directory@council.test' }],
  periodMs: undefined,
  urls: [],
});
const sentenceOf = (parsed: { readonly kind: string; readonly sentence?: string }): string =>
  parsed.kind === 'bad' ? (parsed.sentence ?? '') : `taken: ${JSON.stringify(parsed)}`;

describe('an answer', () => {
  it('is an address, without what stands around it', () => {
    expect(addressIn(' Mix@Example.ORG ')).toEqual({ kind: 'good', value: 'Mix@example.org' });
    expect(sentenceOf(addressIn('mix.example.org'))).toContain('because it has no @');
    expect(sentenceOf(addressIn('me@tutanota.com'))).toContain('take a mailbox at another provider');
  });

  it.each([
    ['imap.example.org', 'imap', { host: 'imap.example.org', port: 993, security: 'tls' }],
    ['smtp.example.org', 'smtp', { host: 'smtp.example.org', port: 465, security: 'tls' }],
    ['mail.example.org:587', 'smtp', { host: 'mail.example.org', port: 587, security: 'starttls' }],
    ['mail.example.org/starttls', 'smtp', { host: 'mail.example.org', port: 587, security: 'starttls' }],
    ['mail.example.org/starttls', 'imap', { host: 'mail.example.org', port: 143, security: 'starttls' }],
    ['127.0.0.1:3143/none', 'imap', { host: '127.0.0.1', port: 3143, security: 'none' }],
    ['127.0.0.1:1143', 'imap', { host: '127.0.0.1', port: 1143, security: 'tls' }],
  ] as const)('names the server %s for %s', (text, protocol, server) => {
    expect(serverIn(text, protocol)).toEqual({ kind: 'good', value: server });
    expect(serverIn(serverText(server, protocol), protocol)).toEqual({ kind: 'good', value: server });
  });

  it('that names no server says how one is written', () => {
    for (const text of [
      '',
      'two words',
      'host:',
      'host:99999',
      'host:0',
      'host/ssl',
      'me@example.org',
      'https://x.org',
    ])
      expect(sentenceOf(serverIn(text, 'imap')), text).toMatch(/A server is written|A port is/);
  });

  it('names one server for both, or two', () => {
    const value = {
      imap: { host: 'mail.example.org', port: 993, security: 'tls' },
      smtp: { host: 'mail.example.org', port: 465, security: 'tls' },
    };
    expect(serversIn('mail.example.org')).toEqual({ kind: 'good', value });
    expect(serversIn('mail.example.org:993,  mail.example.org')).toEqual({ kind: 'good', value });
    expect(sentenceOf(serversIn('a.org b.org c.org'))).toContain('at most two');
  });

  it('is a whole invitation, none, or told what to copy', () => {
    expect(invitationIn(` ${invitation}\n`)).toEqual({ kind: 'good', value: invitation });
    expect(invitationIn('  ')).toEqual({ kind: 'good', value: undefined });
    for (const cut of [1, 10, invitation.length - 20])
      expect(sentenceOf(invitationIn(invitation.slice(0, cut)))).toMatch(
        /^This is no whole invitation .* copy the one line/,
      );
  });

  it('is an app password as Gmail shows it, or a password with spaces as it is', () => {
    expect(secretIn(' abcd efgh ijkl mnop ')).toEqual({ kind: 'good', value: 'abcdefghijklmnop' });
    expect(secretIn('correct horse battery')).toEqual({ kind: 'good', value: 'correct horse battery' });
    expect(secretIn('  ')).toMatchObject({ kind: 'bad' });
  });

  it('may leave the name of the node to the address', () => {
    expect(nameFor('mix42@gmail.com')).toBe('mix42-gmail');
    expect(nameFor('1.2@3.example')).toBe('mix-3');
    fc.assert(
      fc.property(fc.emailAddress(), (address) => {
        expect(isNodeName(nameFor(address)), nameFor(address)).toBe(true);
      }),
      { seed: 1, numRuns: 300 },
    );
  });
});
