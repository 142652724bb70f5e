import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseToml } from '../../src/config.js';
import { checkFile } from '../../src/config-schema.js';
import { configText, type Settings } from '../../src/setup/config-text.js';
import { unitText } from '../../src/setup/unit.js';

const settings: Settings = {
  role: 'node',
  address: 'mix@example.org',
  provider: undefined,
  imap: { host: 'imap.example.org', port: 993, security: 'tls', user: 'mix@example.org' },
  smtp: { host: 'smtp.example.org', port: 587, security: 'starttls', user: 'mix' },
  secret: { key: 'passwordFile', value: 'node.password' },
  ca: undefined,
  proxy: undefined,
  name: 'mix-example',
  data: 'node-data',
  limits: undefined,
  perDay: undefined,
  since: undefined,
};
const read = (some: Partial<Settings>) => checkFile('it', parseToml('it', configText({ ...settings, ...some })));

describe('the configuration that is written', () => {
  it('says what was answered', () => {
    const { data, mail, node, client } = read({ provider: 'google.com', proxy: 'socks5h://127.0.0.1:9050' });
    expect([data, node?.name, node?.exit, client]).toEqual(['node-data', 'mix-example', false, undefined]);
    expect(mail).toMatchObject({
      address: 'mix@example.org',
      provider: 'google.com',
      proxy: 'socks5h://127.0.0.1:9050',
      imap: { ...settings.imap, passwordFile: 'node.password' },
      smtp: settings.smtp,
    });
    expect(read({ role: 'exit' }).node?.exit).toBe(true);
    const own = read({ role: 'client', perDay: 5000 });
    expect([own.client?.receipts, own.node, own.mail.budget.perDay]).toEqual([true, undefined, 5000]);
    expect(own.mail.budget.since).toBeUndefined();
    expect(read({ role: 'node', since: '2020-02-29' }).mail.budget.since).toBe('2020-02-29');
  });

  it('explains itself, and names what is known of the provider', () => {
    expect(configText({ ...settings, limits: { perDay: 350 } })).toContain('stands 350 mails a day');
    expect(configText(settings)).toContain('# Nothing is known of this provider');
  });

  it('takes any command, path and name', () => {
    const text = fc.string({ unit: 'binary', minLength: 1 });
    fc.assert(
      fc.property(text, text, text, (command, user, ca) => {
        const { mail } = read({
          secret: { key: 'tokenCommand', value: command },
          ca,
          imap: { ...settings.imap, user },
        });
        expect(mail.imap).toMatchObject({ tokenCommand: command, user, ca });
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});

describe('the unit that is written', () => {
  it('names program and configuration so that systemd reads them as they are', () => {
    const text = unitText({
      role: 'exit',
      node: '/usr/bin/node',
      program: '/opt/a b/main.js',
      config: '/x/100%"$HOME.toml',
    });
    expect(text).toContain('ExecStart="/usr/bin/node" "/opt/a b/main.js" node --config "/x/100%%\\"$$HOME.toml"\n');
    expect(text).toContain('Description=MixMailer node\n');
    expect(unitText({ role: 'client', node: 'n', program: 'p', config: 'c' })).toContain('"p" client --config "c"');
  });
});
