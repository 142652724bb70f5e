import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchText, publishedServers, type ResolveSrv, serversInConfig } from '../../src/adapters/published-servers.js';
import { mostPublishedBytes } from '../../src/base/bounds.js';
import { makeAuthority } from '../servers/certificate.js';

const signal = new AbortController().signal;

const config = `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="example.org">
    <domain>example.org</domain>
    <displayName>Example &amp; Sons</displayName>
    <incomingServer type="imap">
      <hostname>imap.example.org</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <!-- as it is written there -->
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </incomingServer>
    <outgoingServer type="smtp">
      <hostname>smtp.example.org</hostname>
      <port>465</port>
      <socketType>SSL</socketType>
    </outgoingServer>
  </emailProvider>
</clientConfig>`;
const published = {
  imap: { host: 'imap.example.org', port: 993, security: 'tls' },
  smtp: { host: 'smtp.example.org', port: 465, security: 'tls' },
};

describe('a configuration for Thunderbird', () => {
  it('is read as it is published', () => {
    expect(serversInConfig(config).map(({ type, texts }) => [type, Object.fromEntries(texts)])).toEqual([
      [
        'imap',
        {
          hostname: 'imap.example.org',
          port: '993',
          socketType: 'SSL',
          username: '%EMAILADDRESS%',
          authentication: 'password-cleartext',
        },
      ],
      ['smtp', { hostname: 'smtp.example.org', port: '465', socketType: 'SSL' }],
    ]);
  });

  it.each(['', 'not found', '<html><body>Welcome</body></html>', '<incomingServer', '\0'])('%j has no server', (text) =>
    expect(serversInConfig(text)).toEqual([]),
  );
});

describe('the servers of a domain', () => {
  const places = [
    'https://autoconfig.example.org/mail/config-v1.1.xml',
    'https://example.org/.well-known/autoconfig/mail/config-v1.1.xml',
    'https://autoconfig.thunderbird.net/v1.1/example.org',
  ];
  const noDns: ResolveSrv = () => Promise.reject(new Error('ENOTFOUND'));

  it.each(places)('are found at %s, and nobody is asked after that', async (place) => {
    const asked: string[] = [];
    const fetch = (url: string): Promise<string | undefined> => {
      asked.push(url);
      return Promise.resolve(url === place ? config : undefined);
    };
    const found = await publishedServers('example.org', signal, { fetch, resolve: () => expect.fail('the DNS') });
    expect(found).toEqual({ ...published, user: 'address', isVouched: true });
    expect(asked).toEqual(places.slice(0, places.indexOf(place) + 1));
  });

  it('are asked for in the DNS last, where nobody vouches for them', async () => {
    const asked: string[] = [];
    const resolve: ResolveSrv = (name) => {
      asked.push(name);
      if (name === '_imaps._tcp.example.org')
        return Promise.resolve([{ name: 'imap.example.org', port: 993, priority: 0, weight: 0 }]);
      if (name === '_submissions._tcp.example.org')
        return Promise.resolve([{ name: 'smtp.example.org', port: 465, priority: 0, weight: 0 }]);
      return noDns(name);
    };
    const nothing = (): Promise<undefined> => Promise.resolve(undefined);
    expect(await publishedServers('example.org', signal, { fetch: nothing, resolve })).toEqual({
      ...published,
      isVouched: false,
    });
    expect(asked).toHaveLength(4);
    expect(await publishedServers('example.org', signal, { fetch: nothing, resolve: noDns })).toBeUndefined();
  });
});

describe('a text over https', () => {
  const authority = makeAuthority('authority of this test');
  let answer: RequestListener = () => undefined;
  const server = createServer(authority.issue('localhost'), (request, response) => answer(request, response));
  let base = '';
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    base = `https://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  const ask = (path = '/', ca: string | undefined = authority.cert) => fetchText(ca)(`${base}${path}`, signal);

  it('comes from whom the authorities vouch for, and from nobody else', async () => {
    answer = (_request, response) => response.end('here');
    expect(await ask()).toBe('here');
    expect(await ask('/', makeAuthority('another').cert)).toBeUndefined();
    expect(await fetchText()(base, signal)).toBeUndefined();
    expect(await fetchText()(base.replace('https', 'http'), signal)).toBeUndefined();
  });

  it('is followed to another place of https, three times at most', async () => {
    answer = ({ url = '' }, response) => {
      const left = Number(url.slice(1));
      if (left === 0) response.end('there');
      else response.writeHead(302, { location: `/${left - 1}` }).end();
    };
    expect(await ask('/3')).toBe('there');
    expect(await ask('/4')).toBeUndefined();
  });

  it.each([
    ['leads to http', { location: 'http://localhost:1/' }],
    ['leads nowhere', { location: 'https://' }],
  ])('that %s is none', async (_what, headers) => {
    answer = (_request, response) => response.writeHead(301, headers).end('moved');
    expect(await ask()).toBeUndefined();
  });

  it('is none where there is nothing, and where it does not end', async () => {
    answer = (_request, response) => response.writeHead(404).end('not found');
    expect(await ask()).toBeUndefined();
    answer = (_request, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(mostPublishedBytes / 4, 'x')));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    expect(await ask()).toBeUndefined();
  });

  it('is not waited for when it is stopped', async () => {
    const stop = new AbortController();
    answer = () => stop.abort();
    expect(await fetchText(authority.cert)(base, stop.signal)).toBeUndefined();
  });
});
