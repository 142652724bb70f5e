import { describe, expect, it } from 'vitest';
import { publishedInConfig, publishedInDns, type SrvRecord } from '../../src/provider/published.js';

const record = (name: string, port: number, priority = 0, weight = 0): SrvRecord => ({ name, port, priority, weight });
const inDns = (records: Readonly<Record<string, readonly SrvRecord[]>>) =>
  publishedInDns((service) => records[service] ?? []);

describe('servers in the DNS', () => {
  it('are those with TLS from the first byte, where there are such', () => {
    expect(
      inDns({
        '_imaps._tcp': [record('imap.example.net.', 993)],
        '_imap._tcp': [record('other.example.net', 143)],
        '_submissions._tcp': [record('smtp.example.net', 465)],
        '_submission._tcp': [record('smtp.example.net', 587)],
      }),
    ).toEqual({
      imap: { host: 'imap.example.net', port: 993, security: 'tls' },
      smtp: { host: 'smtp.example.net', port: 465, security: 'tls' },
    });
  });

  it('begin with STARTTLS where the domain says that it has nothing else', () => {
    expect(
      inDns({
        '_imaps._tcp': [record('.', 0)],
        '_imap._tcp': [record('mail.example.org', 143)],
        '_submission._tcp': [record('mail.example.org', 587)],
      }),
    ).toEqual({
      imap: { host: 'mail.example.org', port: 143, security: 'starttls' },
      smtp: { host: 'mail.example.org', port: 587, security: 'starttls' },
    });
  });

  it('go by priority, then by weight', () => {
    const records = [record('c.test', 993, 20, 9), record('b.test', 993, 10, 1), record('a.test', 993, 10, 5)];
    const found = inDns({ '_imaps._tcp': records, '_submissions._tcp': [record('s.test', 465)] });
    expect(found?.imap.host).toBe('a.test');
  });

  it.each([
    ['nothing at all', {}],
    ['no server for sending', { '_imaps._tcp': [record('imap.example.org', 993)] }],
    [
      'a name that is none',
      { '_imaps._tcp': [record('imap_1\r\n', 993)], '_submissions._tcp': [record('smtp.example.org', 465)] },
    ],
    [
      'port 0',
      { '_imaps._tcp': [record('imap.example.org', 0)], '_submissions._tcp': [record('smtp.example.org', 465)] },
    ],
  ])('%s is no answer', (_what, records) => expect(inDns(records)).toBeUndefined());
});

const server = (type: string, texts: Readonly<Record<string, string>>) => ({
  type,
  texts: new Map(Object.entries(texts)),
});
const imap = { hostname: 'imap.%EMAILDOMAIN%', port: '993', socketType: 'SSL', username: '%EMAILLOCALPART%' };
const smtp = { hostname: 'smtp.example.net', port: '587', socketType: 'STARTTLS', username: '%EMAILADDRESS%' };

describe('servers in a configuration for Thunderbird', () => {
  it('are the first of each kind that has TLS', () => {
    const servers = [
      server('pop3', imap),
      server('imap', { ...imap, socketType: 'plain', hostname: 'plain.example.net', username: '%EMAILADDRESS%' }),
      server('imap', imap),
      server('imap', { ...imap, hostname: 'second.example.net' }),
      server('smtp', smtp),
    ];
    expect(publishedInConfig(servers, 'example.org')).toEqual({
      imap: { host: 'imap.example.org', port: 993, security: 'tls' },
      smtp: { host: 'smtp.example.net', port: 587, security: 'starttls' },
      user: 'name before the @',
    });
  });

  it.each([
    ['no server', []],
    ['one that fetches by POP3 alone', [server('pop3', imap), server('smtp', smtp)]],
    ['one without TLS', [server('imap', { ...imap, socketType: 'plain' }), server('smtp', smtp)]],
    ['a port that is no number', [server('imap', { ...imap, port: 'x' }), server('smtp', smtp)]],
    ['a host that is none', [server('imap', { ...imap, hostname: 'a b' }), server('smtp', smtp)]],
  ])('%s is no answer', (_what, servers) => expect(publishedInConfig(servers, 'example.org')).toBeUndefined());
});
