import { readFileSync } from 'node:fs';
import { outcomeOf } from '../../src/adapters/smtp-outcome.js';
import { parseProxy } from '../../src/adapters/proxy.js';
import { serversInConfig } from '../../src/adapters/published-servers.js';
import { detailIn, domainOf, mailboxIn, parseDomain, plusAddress } from '../../src/base/address.js';
import { mostPublishedBytes } from '../../src/base/bounds.js';
import { SubmissionError } from '../../src/base/errors.js';
import { limitsOf } from '../../src/provider/limits.js';
import { readSendmailArguments } from '../../src/client/sendmail.js';
import { configFrom, parseToml } from '../../src/config.js';
import { checkFile } from '../../src/config-schema.js';
import { recipientAddress } from '../../src/message/address.js';
import { aliasIn } from '../../src/message/alias.js';
import { operatorOf, operatorOfMailSite } from '../../src/provider/operator.js';
import { publishedInConfig } from '../../src/provider/published.js';
import { meanIntervalMs } from '../../src/route/schedule.js';
import { bytesOf, mustHold, textOf, type TargetSpec, utf8Of } from './target.js';

const address: TargetSpec = {
  name: 'address',
  weight: 120,
  make: () => ({
    samples: [
      'bob@friend.example',
      "o'neil+x.y@sub.xn--bcher-kva.example",
      'mix+abcdefghijklmnop@exit.example',
      'a@b.c',
    ].map(bytesOf),
    tokens: [
      '@',
      '.',
      '..',
      '+',
      '-',
      'xn--',
      '.example',
      '"',
      '<',
      '>',
      '\r\n',
      '127.0.0.1',
      '[::1]',
      'mix+',
      'x'.repeat(64),
    ],
    longestBytes: 4096,
    errors: ['SubmissionError'],
    run: (input) => {
      const text = textOf(input);
      const domain = parseDomain(text);
      if (domain !== undefined)
        mustHold(
          parseDomain(operatorOf(domain)) !== undefined && limitsOf(domain).perDay > 0,
          'a domain has an operator',
        );
      operatorOfMailSite(text);
      const alias = aliasIn(detailIn('mix@exit.example', text) ?? '');
      mustHold(
        alias === undefined || plusAddress('mix@exit.example', alias).toLowerCase() === text.toLowerCase(),
        'an alias is the detail of its address',
      );
      const read = mailboxIn(text);
      if (read === undefined) mustHold(refuses(text), 'a recipient is an address');
      else {
        mustHold(mailboxIn(read) === read && recipientAddress(read) === read, 'an address that was read is read alike');
        mustHold(
          /^[\x21-\x7e]{3,254}$/.test(read) && !/[<>\s"(),:;\\[\]]/.test(read),
          'an address can stand bare in a header',
        );
        mustHold(parseDomain(domainOf(read)) === domainOf(read), 'the domain of an address is one');
      }
      return alias !== undefined ? 'alias' : read !== undefined ? 'address' : domain !== undefined ? 'domain' : 'none';
    },
  }),
};

const refuses = (text: string): boolean => {
  try {
    recipientAddress(text);
    return false;
  } catch (error) {
    if (error instanceof SubmissionError) return true;
    throw error;
  }
};

const tomlTokens = [
  ...[
    '[mail]\n',
    '[mail.imap]\n',
    '[mail.smtp]\n',
    '[mail.budget]\n',
    '[network]\n',
    '[node]\n',
    '[client]\n',
    '[authority]\n',
    '[[authority.peers]]\n',
  ],
  ...[
    '[__proto__]\n',
    '__proto__ = 1\n',
    '__proto__.polluted = true\n',
    '"__proto__" = {x = 1}\n',
    'constructor.prototype.x = 1\n',
    'toString = 1\n',
  ],
  ...[
    '"""',
    "'''",
    '"',
    '{',
    '}',
    '[',
    ']',
    '[[',
    ' = ',
    '= "',
    '#',
    '\\u0000',
    '\\U0010FFFF',
    '1e308',
    '0x7fffffffffffffff',
    'inf',
    'nan',
    'true',
  ],
  ...[
    '2026-01-31',
    '2026-02-30',
    '1979-05-27T07:32:00Z',
    'since = 2026-01-31\n',
    'join = "mixmailer:"\n',
    'sources = ["https://a.example"]\n',
    'perDay = 10\n',
  ],
];

const config: TargetSpec = {
  name: 'config',
  weight: 2,
  make: () => ({
    samples: ['authority', 'client', 'exit', 'node'].map((name) =>
      // The comments of the examples are most of them; no file is named, for none is to be read.
      bytesOf(readFileSync(`config/${name}.toml`, 'latin1').replaceAll(/^ *#.*\n/gm, '')),
    ),
    tokens: tomlTokens,
    longestBytes: 32_768,
    errors: ['ConfigError'],
    run: (input) => {
      const settings = checkFile('file', parseToml('file', utf8Of(input)));
      const { imap, smtp } = settings.mail;
      if (imap?.ca !== undefined || smtp.ca !== undefined) return 'names files';
      const read = configFrom(settings, '/nonexistent');
      mustHold(Object.isFrozen(read) && Object.isFrozen(read.mail), 'a configuration is frozen');
      mustHold(mailboxIn(read.mail.address) === read.mail.address, 'its address is one');
      return read.authority === undefined ? (read.node === undefined ? 'client' : 'node') : 'authority';
    },
  }),
};

const proxy: TargetSpec = {
  name: 'proxy',
  weight: 40,
  make: () => ({
    samples: ['socks5h://127.0.0.1:9050', 'socks5://user:pass%20word@[::1]', 'socks5h://tor.example'].map(bytesOf),
    tokens: ['socks5h://', 'http://', '%', '%ff', '%00', '@', ':', '[', ']', '::1', '/', '?', '#', ':99999'],
    longestBytes: 4096,
    errors: ['ConfigError'],
    run: (input) => {
      const { host, port } = parseProxy(utf8Of(input));
      mustHold(host !== '' && Number.isInteger(port) && port >= 0 && port <= 65_535, 'a proxy has host and port');
      return 'proxy';
    },
  }),
};

const publishedServer = (element: string, type: string): string =>
  `<${element} type="${type}"><hostname>${type}.%EMAILDOMAIN%</hostname><port>993</port><socketType>SSL</socketType>
<username>%EMAILLOCALPART%</username></${element}>`;

const published: TargetSpec = {
  name: 'published',
  weight: 10,
  make: () => ({
    samples: [
      `<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="example.org"><domain>example.org</domain>
${publishedServer('incomingServer', 'imap')}
${publishedServer('outgoingServer', 'smtp')}</emailProvider></clientConfig>`,
    ].map(bytesOf),
    tokens: [
      '<![CDATA[',
      ']]>',
      '<!DOCTYPE x [<!ENTITY a "b">',
      '&a;',
      '&#x',
      '&amp;',
      '<!--',
      '/>',
      'STARTTLS',
      '__proto__',
    ],
    longestBytes: mostPublishedBytes,
    errors: [],
    run: (input) => {
      const servers = serversInConfig(utf8Of(input));
      const found = publishedInConfig(servers, 'example.org');
      for (const one of found === undefined ? [] : [found.imap, found.smtp]) {
        mustHold(parseDomain(one.host) === one.host, 'a server has a name');
        mustHold(Number.isInteger(one.port) && one.port > 0 && one.port <= 65_535, 'a server has a port');
      }
      return found === undefined ? (servers.length === 0 ? 'none' : 'not all') : (found.user ?? 'servers');
    },
  }),
};

const phases = ['connect', 'login', 'envelope', 'data'] as const;

/** Input: phase 1 | what a server said. */
const smtpReply: TargetSpec = {
  name: 'smtp-reply',
  weight: 130,
  make: () => ({
    samples: [
      '\0' + '554 5.7.1 no',
      '\x01535 5.7.8 bad',
      '\x02550 5.1.1 No such user',
      '\x03452 4.2.2 over quota',
      '\x03421-4.7.0 rate limited',
    ].map(bytesOf),
    tokens: [
      '421',
      '450',
      '552',
      '5.2.2',
      '5.1.1',
      '4.7.0',
      ' too many ',
      'rate',
      'limit',
      'size',
      'exceeded',
      '-',
      ' ',
    ],
    longestBytes: 8192,
    errors: [],
    run: (input) => {
      const response = textOf(input.subarray(1));
      const phase = phases[(input[0] ?? 0) % phases.length] ?? 'data';
      const digits = Number.parseInt(response.slice(0, 3), 10);
      const responseCode = Number.isNaN(digits) ? undefined : digits;
      const outcome = outcomeOf({ code: 'EMESSAGE', originalCode: undefined, responseCode, response }, phase);
      mustHold(outcome.kind !== 'accepted', 'a failure is never taken for success');
      mustHold(
        outcome.kind !== 'refused' || phase === 'envelope' || phase === 'data',
        'no word before a mail is about one',
      );
      return outcome.kind === 'later' ? outcome.why : outcome.kind;
    },
  }),
};

/** Input: arguments, a NUL between. */
const sendmailArguments: TargetSpec = {
  name: 'sendmail-arguments',
  weight: 60,
  make: () => ({
    samples: ['-t\0-i', '-oi\0-f\0me@home.example\0--\0bob@friend.example', '-C\0client.toml\0-bm\0a@b.c', '-ti'].map(
      bytesOf,
    ),
    tokens: ['\0', '-', '--', '-t', '-i', '-o', '-b', '-bs', '-C', '-f', '-r\0'],
    longestBytes: 4096,
    errors: [],
    run: (input) => readSendmailArguments(textOf(input).split('\0')).kind,
  }),
};

const schedule: TargetSpec = {
  name: 'schedule',
  weight: 60,
  make: () => ({
    samples: ['*/12 * * * *', '0 0,30 1-5 * * 1', '0-59/7 * * 1-12 *'].map(bytesOf),
    tokens: ['*', '/', ',', '-', ' ', '59', '*/1', '0-59', '1,1,1'],
    // A list has no longer one.
    longestBytes: 100,
    errors: [],
    run: (input) => {
      const meanMs = meanIntervalMs(textOf(input));
      mustHold(meanMs === undefined || (Number.isFinite(meanMs) && meanMs > 0), 'a mean is a length of time');
      return meanMs === undefined ? 'none' : 'schedule';
    },
  }),
};

export const textTargets: readonly TargetSpec[] = [
  address,
  config,
  proxy,
  published,
  smtpReply,
  sendmailArguments,
  schedule,
];
