import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { mailboxIn, parseDomain } from '../../src/base/address.js';
import { adviceAt, providerOf } from '../../src/provider/known.js';
import { limitsOf, unknownLimits } from '../../src/provider/limits.js';
import { operatorOf, operatorOfMailSite } from '../../src/provider/operator.js';
import type { MailServer, Provider } from '../../src/provider/provider.js';
import { providers } from '../../src/provider/table.js';

/** An address at each of them. */
const domainOfEach: Readonly<Record<string, string>> = {
  Gmail: 'gmail.com',
  'Outlook.com': 'hotmail.co.uk',
  Yahoo: 'yahoo.com',
  AOL: 'aol.com',
  iCloud: 'icloud.com',
  Fastmail: 'fastmail.com',
  'GMX (gmx.com)': 'gmx.com',
  GMX: 'gmx.de',
  'web.de': 'web.de',
  'mail.com': 'mail.com',
  'IONOS, 1&1': 'online.de',
  Proton: 'pm.me',
  Tuta: 'tuta.com',
  Zoho: 'zohomail.eu',
  Posteo: 'posteo.net',
  'mailbox.org': 'mailbox.org',
  Riseup: 'riseup.net',
  Disroot: 'disroot.org',
  chatmail: 'nine.testrun.org',
  Yandex: 'ya.ru',
  'Mail.ru': 'bk.ru',
  'T-Online': 't-online.de',
  freenet: 'freenet.de',
  Orange: 'wanadoo.fr',
  Free: 'free.fr',
  Runbox: 'runbox.com',
};

const serverText = ({ host, port, security }: MailServer): string =>
  `${host} ${port}${security === 'starttls' ? ' starttls' : ''}`;

const signIns: Readonly<Record<Provider['signIn'], string>> = {
  password: 'password, or app password with two-factor log-in',
  'app-password': 'app password',
  token: 'OAuth2 only',
  bridge: 'its Bridge on this machine; name its certificate in `ca`',
  never: 'impossible: no IMAP',
};

/** The line that docs/operating.md has for it. */
const lineOf = (provider: Provider): string => {
  const { name, signIn, user, imapIsOff, plusAddresses, limits = unknownLimits, source } = provider;
  const domain = domainOfEach[name] ?? '';
  const how = [
    signIns[signIn],
    ...(user === 'address' ? [] : ['the user is the name before the @']),
    ...(imapIsOff ? ['switch IMAP on in the web settings'] : []),
  ].join('; ');
  const servers = signIn === 'never' ? ['-', '-'] : [provider.imap(domain), provider.smtp(domain)].map(serverText);
  const perDay = `${limits.perDay}${limits.perHour === undefined ? '' : `, ${limits.perHour} an hour`}`;
  const plus = plusAddresses === true ? 'yes' : '';
  return `| ${[name, ...servers, how, plus, signIn === 'never' ? '-' : perDay, source].join(' | ')} |`.replaceAll(
    / +/g,
    ' ',
  );
};

describe('the table of providers', () => {
  it('has each domain of the list under the provider of that name', () => {
    for (const [name, domain] of Object.entries(domainOfEach)) expect(providerOf(domain)?.name).toBe(name);
    expect(providers.map(({ name }) => name).toSorted()).toEqual(Object.keys(domainOfEach).toSorted());
  });

  it('names servers that could be there: a host, and the port of its kind of channel', () => {
    for (const provider of providers) {
      const domain = domainOfEach[provider.name] ?? '';
      for (const { host } of [provider.imap(domain), provider.smtp(domain)])
        expect(host === '127.0.0.1' || parseDomain(host) === host, host).toBe(true);
      if (provider.signIn === 'bridge') continue;
      expect(provider.imap(domain)).toMatchObject({ port: 993, security: 'tls' });
      const smtp = provider.smtp(domain);
      expect(smtp.port).toBe(smtp.security === 'tls' ? 465 : 587);
    }
  });

  it('is the one in docs/operating.md', () => {
    const page = readFileSync('docs/operating.md', 'utf8').split('\n');
    const written = page.map((line) => line.replaceAll(/ +/g, ' '));
    expect(providers.map(lineOf).filter((line) => !written.includes(line))).toEqual([]);
  });

  it('has an advice of one sentence for the log-in at each', () => {
    for (const { name, advice } of providers) {
      expect(advice, name).toMatch(/^\w.{20}/);
      expect(advice).not.toMatch(/\.$|\n|\. [A-Z]/);
    }
  });

  it('knows servers by their names, and takes no other for them', () => {
    expect(adviceAt('IMAP.gmail.com')).toContain('apppasswords');
    expect(adviceAt('imap.aol.com')).toContain('app password');
    expect(adviceAt('secureimap.t-online.de')).toContain('T-Online');
    expect(adviceAt('imap.gmail.com.example')).toBeUndefined();
    expect(adviceAt('mail.example.org')).toBeUndefined();
  });

  it('sends a European customer of Zoho to the European servers', () => {
    expect(providerOf('zoho.eu')?.imap('zoho.eu').host).toBe('imap.zoho.eu');
    expect(providerOf('zohomail.com.au')?.smtp('zohomail.com.au').host).toBe('smtp.zoho.com.au');
  });

  it('gives each of its domains an operator, a name that is one itself', () => {
    for (const domain of Object.values(domainOfEach)) {
      expect(mailboxIn(`mix@${operatorOf(domain)}`)).toBeDefined();
      expect(operatorOf(operatorOf(domain))).toBe(operatorOf(domain));
      expect(limitsOf(domain)).toEqual(limitsOf(operatorOf(domain)));
    }
    expect(operatorOf('zoho.eu')).toBe(operatorOfMailSite('zohomail.com'));
    expect(operatorOf('ya.ru')).toBe(operatorOfMailSite('yandex.net'));
  });
});
