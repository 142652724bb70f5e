import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writePlusAddress } from '../../src/adapters/plus-address.js';
import { ConfigError } from '../../src/base/errors.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { receiptsLine } from '../../src/cli/client.js';
import { replyToOf } from '../../src/compose.js';
import {
  authorityConfig,
  clientConfig,
  type Config,
  configFrom,
  loadConfig,
  networkConfig,
  nodeConfig,
  trustOf,
} from '../../src/config.js';
import { invitationFile } from '../../src/config-network.js';
import type { FileSettings } from '../../src/config-schema.js';
import { formatInvitation } from '../../src/council/invitation.js';
import { personOf } from '../message/pep-mail.js';

const folder = mkdtempSync(join(tmpdir(), 'mixmailer-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'node.toml');

const key = 'ab'.repeat(32);
const other = 'cd'.repeat(32);
const base = {
  top: 'data = "data"',
  mail: '[mail]\naddress = "Mix@Example.org"',
  imap: '[mail.imap]\nhost = "imap.example.org"\npasswordEnv = "SECRET"',
  smtp: '[mail.smtp]\nhost = "smtp.example.org"',
  node: '[node]\nname = "one"',
};
type Parts = Partial<Record<keyof typeof base | 'more', string>>;

const load = (parts: Parts = {}): Config => {
  writeFileSync(file, Object.values({ ...base, ...parts }).join('\n'), { mode: 0o600 });
  return loadConfig(file);
};
const complaint = (parts: Parts): string => {
  try {
    load(parts);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'accepted';
};

describe('the example', () => {
  it.each(['node', 'exit'])('config/%s.toml loads, and says what the defaults are', (name) => {
    const example = join(folder, `example-${name}.toml`);
    const text = readFileSync(`config/${name}.toml`, 'utf8');
    writeFileSync(example, text, { mode: 0o600 });
    // The invitation comes with --join.
    expect(loadConfig(example).network).toBeUndefined();
    writeFileSync(example, text.replace(/^# (?=join = )/m, ''), { mode: 0o600 });
    const config = loadConfig(example);
    const defaults = load();
    expect(nodeConfig(config)).toEqual({
      ...nodeConfig(defaults),
      name: `${name === 'exit' ? 'exit' : 'mix'}-one`,
      exit: name === 'exit',
    });
    expect(trustOf(networkConfig(config)).threshold).toBe(2);
    expect(networkConfig(config)).toMatchObject({ kind: 'join', origin: 'file', sources: [] });
    expect(config.mail.imap?.port).toBe(993);
    expect(config.mail.smtp.secret).toEqual({ kind: 'passwordFile', path: join(folder, 'imap.password') });
  });

  it('config/client.toml loads, and says what the defaults are', () => {
    copyFileSync('config/client.toml', join(folder, 'example-client.toml'));
    const config = loadConfig(join(folder, 'example-client.toml'));
    expect(clientConfig(config)).toEqual(clientConfig(load({ more: '[client]' })));
    expect(config.node).toBeUndefined();
  });
});

const invitation = (more = ''): string =>
  formatInvitation({
    authorities: [
      { key, address: 'one@a.example' },
      { key: other, address: 'two@b.example' },
      { key: 'ef'.repeat(32), address: 'three@c.example' },
    ],
    periodMs: undefined,
    urls: [],
  }) + more;

describe('a network', () => {
  it('is joined by an invitation, beside which lists come from the web and from files', () => {
    const config = load({
      more: `[network]\njoin = "${invitation('?period=3600')}"\nsources = ["https://a.example/list", "lists/now.txt"]`,
    });
    const network = networkConfig(config);
    expect(network).toMatchObject({
      kind: 'join',
      origin: 'file',
      invitation: { periodMs: hourMs },
      sources: ['https://a.example/list', join(folder, 'lists', 'now.txt')],
    });
    expect(trustOf(network)).toEqual({ authorities: [key, other, 'ef'.repeat(32)], threshold: 2 });
  });

  it('is that of the data folder where the file has none', () => {
    const data = join(folder, 'joined');
    mkdirSync(data, { mode: 0o700 });
    writeFileSync(invitationFile(data), `${invitation()}\n`, { mode: 0o600 });
    const top = 'data = "joined"';
    expect(networkConfig(load({ top }))).toMatchObject({ kind: 'join', origin: 'data', sources: [] });
    const sources = '[network]\nsources = ["list.txt"]';
    expect(networkConfig(load({ top, more: sources }))).toMatchObject({ sources: [join(folder, 'list.txt')] });
    const list = `[network]\nlist = "list.txt"\nauthorities = ["${key}"]`;
    expect(networkConfig(load({ top, more: list })).kind).toBe('list');
    writeFileSync(invitationFile(data), 'mixmailer:nobody', { mode: 0o600 });
    expect(complaint({ top })).toContain(`${invitationFile(data)}: expected an invitation, whole and unchanged`);
    writeFileSync(invitationFile(data), invitation(), { mode: 0o600 });
    chmodSync(invitationFile(data), 0o644);
    expect(complaint({ top })).toContain('readable by its owner only');
  });

  it.each<[string, string, string]>([
    ['no invitation', 'join = "hello"', 'network.join: expected invitation that begins with "mixmailer:", got "hello"'],
    ['half of one', 'join = "mixmailer:one@a.example"', 'network.join: expected an invitation, whole and unchanged'],
    [
      'both ways',
      `join = "${invitation()}"\nlist = "l"\nauthorities = ["${key}"]`,
      'network.join: expected either this',
    ],
    ['a list without authorities', 'list = "l"', 'network.authorities: expected list and authorities together'],
    ['a source in clear', 'sources = ["http://a.example/list"]', 'network.sources.0: expected https URL or path'],
  ])('with %s is refused', (_what, lines, words) => {
    expect(complaint({ more: `[network]\n${lines}` })).toContain(words);
  });

  it('that a client without a mailbox joins needs another way for its list', () => {
    const parts = { node: '[client]\nreceipts = false', imap: '', smtp: `${base.smtp}\npasswordEnv = "SECRET"` };
    const network = `[network]\njoin = "${invitation()}"`;
    expect(complaint({ ...parts, more: network })).toContain(
      'mail.imap: expected a section: the list of nodes comes by mail',
    );
    expect(complaint({ ...parts, more: `${network}\nsources = ["list.txt"]` })).toBe('accepted');
  });
});

describe('an authority', () => {
  const authority = (lines = ''): Parts => ({ node: `[authority]\n${lines}` });

  it('has defaults, and they are those of the example', () => {
    const alone = authorityConfig(load(authority()));
    expect(alone).toEqual({
      key: join(folder, 'data', 'authority.key'),
      peers: [],
      periodMs: hourMs,
      parameters: {
        pathLength: 3,
        mixSchedule: '*/12 * * * *',
        strategy: { kind: 'pool', minimum: 2, rate: 0.75 },
        topology: { kind: 'layers', successors: [3, 3, 2] },
        mostPerOperator: 2,
      },
      candidatesPerHour: 20,
      probesPerPeriod: 4 / 24,
      publish: undefined,
      lookup: 'mx',
    });
    copyFileSync('config/authority.toml', join(folder, 'example-authority.toml'));
    expect(authorityConfig(loadConfig(join(folder, 'example-authority.toml')))).toEqual(alone);
    expect(() => authorityConfig(load())).toThrow('authority: expected a section');
  });

  it('behind a proxy asks the DNS past it only if it is told to', () => {
    const behind = (lines: string): Parts => ({
      ...authority(lines),
      mail: `${base.mail}\nproxy = "socks5h://p.example:1"`,
    });
    expect(complaint(behind(''))).toContain('authority.lookup: expected "none", or "mx", which asks the DNS past');
    for (const lookup of ['mx', 'none'])
      expect(authorityConfig(load(behind(`lookup = "${lookup}"`))).lookup).toBe(lookup);
  });

  it('knows the others, and what it votes for', () => {
    const peer = `[[authority.peers]]\naddress = "Two@B.Example"\nkey = "${other.toUpperCase()}"`;
    // Mail between authorities takes its time.
    expect(authorityConfig(load(authority(peer)))).toMatchObject({ periodMs: dayMs, probesPerPeriod: 4 });
    const config = load(
      authority(`key = "a.key"\npublish = "www"\nperiod = 20\n[authority.parameters]\ntopology = "free"\n${peer}`),
    );
    expect(authorityConfig(config)).toMatchObject({
      key: join(folder, 'a.key'),
      publish: join(folder, 'www'),
      periodMs: 20_000,
      peers: [{ address: 'Two@b.example', key: other }],
      parameters: { topology: { kind: 'free' } },
    });
  });

  it('votes for a strategy, and for successors of each layer or of all alike', () => {
    const votes = (lines: string) => authorityConfig(load(authority(`[authority.parameters]\n${lines}`))).parameters;
    expect(votes('poolMinimum = 5\npoolRate = 0.5').strategy).toEqual({ kind: 'pool', minimum: 5, rate: 0.5 });
    expect(votes('strategy = "poisson"\ndelaySeconds = 90').strategy).toEqual({ kind: 'poisson', meanMs: 90_000 });
    expect(votes('strategy = "poisson"').strategy).toEqual({ kind: 'poisson', meanMs: 600_000 });
    expect(votes('strategy = "threshold"\nthreshold = 30').strategy).toEqual({ kind: 'threshold', count: 30 });
    expect(votes('strategy = "threshold"').strategy).toEqual({ kind: 'threshold', count: 10 });
    expect(votes('successors = 4').topology).toEqual({ kind: 'layers', successors: [4, 4, 4] });
    expect(votes('successors = [8, 4, 2]').topology).toEqual({ kind: 'layers', successors: [8, 4, 2] });
    expect(votes('pathLength = 4').topology).toEqual({ kind: 'layers', successors: [3, 3, 3, 2] });
  });

  it.each<[string, Parts, string]>([
    ['beside a node', { more: '[authority]' }, 'authority: expected a file, a mailbox and a data folder of its own'],
    [
      'with a network',
      { ...authority(), more: `[network]\njoin = "${invitation()}"` },
      'network: expected nothing: an authority makes the list itself',
    ],
    [
      'that can not read',
      { ...authority(), imap: '' },
      'mail.imap: expected a section: an authority reads its mailbox',
    ],
    [
      'with numbers of another strategy',
      authority('[authority.parameters]\nstrategy = "poisson"\npoolRate = 0.5'),
      'authority.parameters.poolRate: expected strategy = "pool" with it, got "poisson"',
    ],
    [
      'with successors of too few layers',
      authority('[authority.parameters]\nsuccessors = [4, 3]'),
      'authority.parameters.successors: expected one number for each of 3 layers, got 2',
    ],
    [
      'with a word for successors',
      authority('[authority.parameters]\nsuccessors = "few"'),
      'authority.parameters.successors: expected integer 1 to 64, or a list of such, got "few"',
    ],
    [
      'that knows one twice',
      authority(`peers = [{address = "a@b.example", key = "${key}"}, {address = "c@b.example", key = "${key}"}]`),
      'authority.peers: expected each key once',
    ],
    [
      'with months by name',
      authority('[authority.parameters]\nmixSchedule = "* * * jan *"'),
      'authority.parameters.mixSchedule: expected cron expression',
    ],
  ])('%s is refused', (_what, parts, words) => {
    expect(complaint(parts)).toContain(words);
  });
});

describe('a passphrase for keys', () => {
  const keysOf = (lines: string) => load({ more: `[keys]\n${lines}` }).keys;

  it('comes from a file, a variable, a command, or a credential of systemd, whose folder the service knows', () => {
    expect(load().keys).toBeUndefined();
    expect(keysOf('passphraseFile = "word"')).toEqual({ kind: 'passphraseFile', path: join(folder, 'word') });
    expect(keysOf('passphraseFile = "$CREDENTIALS_DIRECTORY/word"')).toEqual({
      kind: 'passphraseFile',
      path: '$CREDENTIALS_DIRECTORY/word',
    });
    expect(keysOf('passphraseEnv = "WORD"')).toEqual({ kind: 'passphraseEnv', variable: 'WORD' });
    expect(keysOf('passphraseCommand = "echo word"')).toEqual({ kind: 'passphraseCommand', command: 'echo word' });
  });

  it.each([
    ['', 'keys: expected one of passphraseFile, passphraseEnv, passphraseCommand, got none of them'],
    ['passphraseEnv = "A"\npassphraseFile = "b"', 'got passphraseFile and passphraseEnv'],
    ['passphrase = "in clear"', 'keys.passphrase: unknown key; did you mean'],
    ['passphraseEnv = "not one"', 'keys.passphraseEnv: expected name of an environment variable, got something else'],
  ])('is refused as %s', (lines, words) => {
    expect(complaint({ more: `[keys]\n${lines}` })).toContain(words);
  });
});

describe('a configuration', () => {
  it('with the least in it has safe defaults and absolute paths', () => {
    const config = load({
      more: `[client]\n[network]\nlist = "list.txt"\nauthorities = ["${key}", "${other}", "${'EF'.repeat(32)}"]`,
    });
    expect(config.data).toBe(join(folder, 'data'));
    expect(config.mail).toEqual({
      address: 'Mix@example.org',
      provider: 'example.org',
      further: [],
      proxy: undefined,
      imap: {
        host: 'imap.example.org',
        port: 993,
        security: 'tls',
        ca: undefined,
        user: 'Mix@example.org',
        secret: { kind: 'passwordEnv', variable: 'SECRET' },
      },
      smtp: {
        host: 'smtp.example.org',
        port: 465,
        security: 'tls',
        ca: undefined,
        user: 'Mix@example.org',
        secret: { kind: 'passwordEnv', variable: 'SECRET' },
      },
      budget: { limits: { perDay: 100 }, since: undefined, isGuess: true },
    });
    expect(networkConfig(config)).toEqual({
      kind: 'list',
      list: join(folder, 'list.txt'),
      authorities: [key, other, 'ef'.repeat(32)],
      threshold: 2,
    });
    const node = nodeConfig(config);
    expect([node.exit, node.workers, node.pollMs]).toEqual([false, 0, 600_000]);
    expect(node.keys).toEqual({ lengthMs: 7 * dayMs, graceMs: 7 * dayMs });
    expect(node.mix).toEqual({ pool: { minimum: undefined, rate: undefined } });
    const client = clientConfig(config);
    expect(client.submission.tokenFile).toBe(join(folder, 'data', 'submission.token'));
    expect([client.paths.allow.size, client.hygiene.keyIds, client.hygiene.ownKeys.size]).toEqual([0, 'hide', 0]);
    expect(client.receipts).toEqual({
      pollMs: 600_000,
      retry: { intervalMs: 6 * hourMs, otherExitAfter: 2 },
      replyBlocks: 0,
    });
    expect([client.giveUpMs, client.notices, client.deliverTo]).toEqual([
      5 * dayMs,
      'hide-recipient',
      { kind: 'imap' },
    ]);
  });

  it('knows the user’s own keys by a file beside it', async () => {
    const { public: publicKey } = await personOf('alice@a.example');
    writeFileSync(join(folder, 'me.asc'), publicKey.armor(), { mode: 0o644 });
    const { hygiene } = clientConfig(load({ more: '[client.hygiene]\nkeyIds = "keep"\nownKeys = "me.asc"' }));
    expect(hygiene.keyIds).toBe('keep');
    expect([...hygiene.ownKeys]).toContain(publicKey.getSubkeys()[0]?.getKeyID().toHex());
    chmodSync(join(folder, 'me.asc'), 0o666);
    expect(complaint({ more: '[client.hygiene]\nownKeys = "me.asc"' })).toContain(
      'expected to be changed by its owner only',
    );
  });

  it('has the budget of its provider, and what the file says in its place', () => {
    const budget = (mail: string, more = ''): unknown => load({ mail: `${base.mail}\n${mail}`, more }).mail.budget;
    expect(budget('provider = "Google.com"')).toEqual({ limits: { perDay: 1200 }, since: undefined, isGuess: false });
    expect(budget('provider = "zoho.eu"', '[mail.budget]\nperDay = 1000')).toEqual({
      limits: { perDay: 1000, perHour: 40 },
      since: undefined,
      isGuess: false,
    });
    expect(budget('', '[mail.budget]\nperDay = 5000\nperMinute = 60\nsince = 2026-01-31')).toEqual({
      limits: { perDay: 5000, perMinute: 60 },
      since: Date.UTC(2026, 0, 31),
      isGuess: false,
    });
    expect(budget('', '[mail.budget]\nsince = "2026-01-31"')).toMatchObject({ since: Date.UTC(2026, 0, 31) });
  });

  it('is frozen to the bottom', () => {
    const config = load();
    expect(() => Object.assign(nodeConfig(config).mix.pool, { minimum: 0 })).toThrow(TypeError);
  });

  it.each<[string, Parts, string]>([
    ['no data folder', { top: '' }, 'data: expected path of a file or folder, got nothing'],
    [
      'a pool below its least',
      { more: '[node.mix.pool]\nminimum = -3' },
      'node.mix.pool.minimum: expected integer 1 to 1000000, got -3',
    ],
    [
      'a pool of half packets',
      { more: '[node.mix.pool]\nminimum = 1.5' },
      'node.mix.pool.minimum: expected integer 1 to 1000000, got 1.5',
    ],
    [
      'a budget of nothing',
      { more: '[mail.budget]\nperDay = 0' },
      'mail.budget.perDay: expected integer 1 to 100000000, got 0',
    ],
    [
      'a day that is none',
      { more: '[mail.budget]\nsince = "2026-02-30"' },
      'mail.budget.since: expected day such as 2026-01-31, got "2026-02-30"',
    ],
    [
      'a number for a day',
      { more: '[mail.budget]\nsince = 2026' },
      'mail.budget.since: expected day such as 2026-01-31, got 2026',
    ],
    ['a rate above 1', { more: '[node.mix.pool]\nrate = 9' }, 'node.mix.pool.rate: expected number 0.01 to 1, got 9'],
    [
      'a word for a number',
      { more: '[node.limits]\nexpiryHours = "two"' },
      'node.limits.expiryHours: expected integer 1 to 1440, got "two"',
    ],
    [
      'a way for answers there is not',
      { more: '[node.replies]\nalias = "minus"' },
      'node.replies.alias: expected one of "auto", "plus", "message-id", got "minus"',
    ],
    [
      'a pace of no time',
      { more: '[client.pace]\nminutes = 0' },
      'client.pace.minutes: expected number 0.001 to 1440, got 0',
    ],
    [
      'mails that no bundle fits',
      { more: '[client.pace]\npackets = 5' },
      'client.pace.packets: expected one of 1, 4, 16, 64, got 5',
    ],
    [
      'a misspelled key',
      { more: '[node.mix.pool]\nminmum = 2' },
      'node.mix.pool.minmum: unknown key; did you mean "minimum"?',
    ],
    ['a misspelled section', { more: '[nod.mix]\nx = 1' }, 'nod: unknown key; did you mean "node"?'],
    [
      'a key far from any',
      { more: '[node.mix.pool]\nquux = 2' },
      'node.mix.pool.quux: unknown key; known here: minimum, rate',
    ],
    ['a bad address', { mail: '[mail]\naddress = "mix"' }, 'mail.address: expected mail address, got "mix"'],
    [
      'a bad name',
      { node: '[node]\nname = "One"' },
      'node.name: expected 1 to 32 of a-z, 0-9 and -, a letter first, got "One"',
    ],
    [
      'a port too high',
      { more: '', smtp: '[mail.smtp]\nhost = "h.example"\nport = 70000' },
      'mail.smtp.port: expected integer 1 to 65535, got 70000',
    ],
    [
      'clear text over the net',
      { smtp: '[mail.smtp]\nhost = "h.example"\nsecurity = "none"' },
      'mail.smtp.security: expected "tls" or "starttls"',
    ],
    [
      'two secrets',
      { imap: `${base.imap}\npasswordFile = "f"` },
      'mail.imap: expected one of password, passwordFile, passwordEnv, passwordCommand, tokenCommand, got passwordFile and passwordEnv',
    ],
    [
      'no secret',
      { imap: '[mail.imap]\nhost = "h.example"' },
      'mail.imap: expected one of password, passwordFile, passwordEnv, passwordCommand, tokenCommand, got none of them',
    ],
    [
      'a node without a mailbox',
      { imap: '', smtp: `${base.smtp}\npasswordEnv = "S"` },
      'mail.imap: expected a section: a node reads its mailbox, got nothing',
    ],
    [
      'a client that hears of its mails without a mailbox',
      { node: '[client]', imap: '', smtp: `${base.smtp}\npasswordEnv = "S"` },
      'mail.imap: expected a section: receipts come to the mailbox (client.receipts = false does without), got nothing',
    ],
    [
      'replies without receipts',
      { more: '[client]\nreceipts = false\n[client.replies]\nblocks = 8' },
      'client.replies.blocks: expected 0 where client.receipts is false, got 8',
    ],
    [
      'too many reply blocks',
      { more: '[client.replies]\nblocks = 65' },
      'client.replies.blocks: expected integer 0 to 64, got 65',
    ],
    [
      'an unknown place for replies',
      { more: '[client]\ndeliverTo = "maildir:"' },
      'client.deliverTo: expected "imap", or "maildir:" and the path of a Maildir, got "maildir:"',
    ],
    [
      'no time to send again',
      { more: '[client.retry]\nhours = 0' },
      'client.retry.hours: expected number 0.001 to 168, got 0',
    ],
    [
      'neither node nor client',
      { node: '' },
      'node: expected a section [node], [client] or [authority], got none of them',
    ],
    [
      'a public submission server',
      { more: '[client.submission]\nhost = "0.0.0.0"' },
      'client.submission.host: expected loopback address such as 127.0.0.1, got "0.0.0.0"',
    ],
    [
      'a rule of another name',
      { more: '[client.paths]\nallow = ["all"]' },
      'client.paths.allow.0: expected one of "same-provider", "entry-at-own-provider", "exit-at-recipient-provider", got "all"',
    ],
    [
      'a key that is none',
      { more: '[network]\nlist = "l"\nauthorities = ["abc"]' },
      'network.authorities.0: expected public key of 64 hex digits, got "abc"',
    ],
    [
      'no authorities',
      { more: '[network]\nlist = "l"\nauthorities = []' },
      'network.authorities: expected list of at least one public key, got a list',
    ],
    [
      'one authority twice',
      { more: `[network]\nlist = "l"\nauthorities = ["${key}", "${key.toUpperCase()}"]` },
      'network.authorities: expected each key once, got a key twice',
    ],
    [
      'too high a threshold',
      { more: `[network]\nlist = "l"\nauthorities = ["${key}"]\nthreshold = 2` },
      'network.threshold: expected at most the number of authorities, 1, got 2',
    ],
    [
      'a certificate that is not there',
      { imap: `${base.imap}\nca = "no.pem"` },
      'mail.imap.ca: expected a file that can be read',
    ],
    [
      'a certificate that is none',
      { imap: `${base.imap}\nca = "node.toml"` },
      'mail.imap.ca: expected a file with a PEM certificate',
    ],
    [
      'own keys that are not there',
      { more: '[client.hygiene]\nownKeys = "no.asc"' },
      'client.hygiene.ownKeys: expected a file that can be read',
    ],
    [
      'own keys that are none',
      { more: '[client.hygiene]\nownKeys = "node.toml"' },
      'client.hygiene.ownKeys: expected a file with your public keys, as your mail program exports them, got',
    ],
    [
      'an HTTP proxy',
      { mail: `${base.mail}\nproxy = "http://p.example:1"` },
      'mail.proxy: expected socks5h://host:port, got something else',
    ],
  ])('with %s is refused, naming key, expected and found', (_, parts, message) => {
    const text = complaint(parts);
    expect(text).toContain(message);
    expect(text).toContain(`(in ${file})`);
  });

  it('tells all mistakes at once, each in a line', () => {
    const lines = complaint({ more: '[node.mix.pool]\nminimum = 0\nrate = 0\nminmum = 1' }).split('\n');
    expect(lines).toHaveLength(3);
  });

  it('is refused with line and reason if it is no TOML, without showing what stands there', () => {
    const text = complaint({ imap: '[mail.imap]\npassword = "hunter2' });
    expect(text).toMatch(/node\.toml: line \d+: /);
    expect(text).not.toContain('hunter2');
  });

  it('never shows what stands where a secret belongs', () => {
    expect(complaint({ imap: '[mail.imap]\nhost = "h.example"\npassword = 123456' })).toContain(
      'mail.imap.password: expected password, got something else',
    );
    expect(complaint({ mail: `${base.mail}\nproxy = "me:hunter2@p"` })).not.toContain('hunter2');
  });

  it('that is not there says so', () => {
    expect(() => loadConfig(join(folder, 'none.toml'))).toThrow(
      "none.toml: the configuration file can't be read (ENOENT)",
    );
  });

  it('with a password in it is refused while others may read it', () => {
    const parts: Parts = { imap: '[mail.imap]\nhost = "h.example"\npassword = "secret"' };
    expect(load(parts).mail.imap?.secret).toEqual({ kind: 'password', password: 'secret' });
    chmodSync(file, 0o640);
    expect(loadConfig(file).mail.address).toBe('Mix@example.org');
    chmodSync(file, 0o644);
    expect(() => loadConfig(file)).toThrow('expected to be readable by its owner and group only, got mode 644');
  });

  it('of a server on this machine may do without TLS', () => {
    const config = load({ smtp: '[mail.smtp]\nhost = "127.0.0.1"\nsecurity = "none"\nport = 1025' });
    expect([config.mail.smtp.security, config.mail.smtp.port]).toEqual(['none', 1025]);
    expect(load({ smtp: '[mail.smtp]\nhost = "h.example"\nsecurity = "starttls"' }).mail.smtp.port).toBe(587);
  });

  it('can have replies and notices put into a Maildir, whose path is relative to the file', () => {
    const config = load({ more: '[client]\ndeliverTo = "maildir:mail/mix"' });
    expect(clientConfig(config).deliverTo).toEqual({ kind: 'maildir', path: join(folder, 'mail', 'mix') });
  });

  const further = (address: string, more = ''): string => `[[mail.further]]
address = "${address}"
${more}
[mail.further.imap]
host = "imap.example.org"
passwordFile = "two"
[mail.further.smtp]
host = "smtp.example.org"
security = "starttls"
`;

  it('of a node can have several accounts, each as the first', () => {
    const { mail } = load({
      more: `${further('Two@Example.org')}[mail.further.budget]\nperDay = 70\n${further('three@example.org')}`,
    });
    expect(mail.further.map(({ address }) => address)).toEqual(['Two@example.org', 'three@example.org']);
    expect(mail.further[0]).toMatchObject({
      provider: 'example.org',
      imap: { port: 993, user: 'Two@example.org', secret: { kind: 'passwordFile', path: join(folder, 'two') } },
      smtp: { port: 587, user: 'Two@example.org', secret: { kind: 'passwordFile', path: join(folder, 'two') } },
      budget: { limits: { perDay: 70 } },
    });
    expect(mail.further[1]?.budget.limits.perDay).toBe(100);
    expect(load().mail.further).toEqual([]);
  });

  it('of a node has all accounts at one provider, each once, and eight at most', () => {
    expect(complaint({ more: further('two@elsewhere.org') })).toContain(
      'mail.further.0.provider: expected the provider of mail.address, example.org, got elsewhere.org',
    );
    expect(complaint({ more: further('two@elsewhere.org', 'provider = "Example.org"') })).toBe('accepted');
    expect(complaint({ more: further('mix@example.org') })).toContain(
      'mail.further.0.address: expected another address than before, got the same',
    );
    const many = (count: number): string =>
      Array.from({ length: count }, (_, i) => further(`m${i}@example.org`)).join('');
    expect(complaint({ more: many(7) })).toBe('accepted');
    expect(complaint({ more: many(8) })).toContain('mail.further: expected list of at most 7 accounts');
    expect(complaint({ more: further('two@example.org').replace(/\[mail.further.imap\][^[]*/, '') })).toContain(
      'mail.further.0.imap: expected a table of keys, got nothing',
    );
    expect(complaint({ node: '[client]', more: further('two@example.org') })).toContain(
      'mail.further: expected nothing: only a node has several accounts, got 1 of them',
    );
  });

  it('of a client that only sends needs no IMAP', () => {
    const onlySends = '[client]\nreceipts = false';
    const config = load({ node: onlySends, imap: '', smtp: `${base.smtp}\ntokenCommand = "token"` });
    expect(config.mail.imap).toBeUndefined();
    expect(clientConfig(config).receipts).toBeUndefined();
    expect(clientConfig(config)).toMatchObject({ giveUpMs: 5 * dayMs, notices: 'none', deliverTo: undefined });
    expect(config.mail.smtp.secret).toEqual({ kind: 'tokenCommand', command: 'token' });
    expect(() => nodeConfig(config)).toThrow(ConfigError);
    expect(() => networkConfig(config)).toThrow(
      'network: expected a section with join, or with list and authorities, got nothing',
    );
    expect(() => clientConfig(load())).toThrow(ConfigError);
  });

  it('of a client without receipts says where notices go of what could not be sent', () => {
    const withoutReceipts = '[client]\nreceipts = false';
    const inInbox = clientConfig(load({ more: withoutReceipts }));
    expect(inInbox).toMatchObject({ notices: 'hide-recipient', deliverTo: { kind: 'imap' } });
    const maildir = `${withoutReceipts}\ndeliverTo = "maildir:mix"\nnotices = "name-recipient"`;
    const inMaildir = clientConfig(load({ node: maildir, imap: '', smtp: `${base.smtp}\ntokenCommand = "token"` }));
    expect(inMaildir).toMatchObject({ notices: 'name-recipient', deliverTo: { kind: 'maildir' } });
    const nowhere = { ...inInbox, notices: 'none', deliverTo: undefined } as const;
    const lines = [inInbox, inMaildir, nowhere].map((client) => receiptsLine('me@home.test', client));
    expect(lines.map((line) => line.slice(line.indexOf('is told')))).toEqual([
      'is told in the inbox of me@home.test.',
      `is told in ${join(folder, 'mix')}.`,
      'is told by `mixmailer queue` alone.',
    ]);
  });
});

describe('an exit', () => {
  it('takes answers by plus addresses if it is told to, or has found that they arrive', () => {
    const with_ = (alias: string): Config => load({ more: `[node.replies]\nalias = "${alias}"` });
    expect(replyToOf(with_('plus'))).toBe('plus');
    expect(replyToOf(with_('auto'))).toBe('message-id');
    for (const [works, replyTo] of [
      [false, 'message-id'],
      [true, 'plus'],
    ] as const) {
      writePlusAddress(load().data, works);
      expect(replyToOf(with_('auto'))).toBe(replyTo);
      expect(replyToOf(with_('message-id'))).toBe('message-id');
    }
  });
});

describe('settings that a program gives', () => {
  const settings: FileSettings = {
    data: 'data',
    mail: {
      address: 'Mix@Example.org',
      imap: { host: 'imap.example.org', passwordEnv: 'SECRET' },
      smtp: { host: 'smtp.example.org' },
    },
    network: { list: 'list.txt', authorities: [key] },
    client: { pace: { minutes: 7 } },
  };

  it('mean what the same keys mean in a file of that folder', () => {
    const more = `[network]\nlist = "list.txt"\nauthorities = ["${key}"]\n[client.pace]\nminutes = 7`;
    expect(configFrom(settings, folder)).toEqual({ ...load({ node: '', more }), file: 'the settings' });
  });

  it('may hold a password, and paths in them are found from the running folder if need be', () => {
    const config = configFrom(
      { ...settings, mail: { ...settings.mail, smtp: { host: 'h.example', password: 'p' } } },
      '',
    );
    expect(config.mail.smtp.secret).toEqual({ kind: 'password', password: 'p' });
    expect(config.data).toBe(join(process.cwd(), 'data'));
  });

  it('are refused in the words of the file', () => {
    expect(() => configFrom({ ...settings, client: { pace: { minutes: -1 } } }, '')).toThrow(
      new ConfigError('client.pace.minutes: expected number 0.001 to 1440, got -1 (in the settings)'),
    );
    expect(() => configFrom({ ...settings, client: undefined }, '')).toThrow(
      'node: expected a section [node], [client] or [authority], got none of them (in the settings)',
    );
  });
});
