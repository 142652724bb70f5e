import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, MailError } from '../../src/base/errors.js';
import { hasIdentity } from '../../src/adapters/file-keys.js';
import { type InitWorld, register } from '../../src/cli/init.js';
import { loadConfig } from '../../src/config.js';
import { formatInvitation } from '../../src/council/invitation.js';
import { conversation, type Conversation } from '../fakes/talk.js';
import { type Ran, run, testFolder } from './run.js';

const folder = testFolder();
const at = (...names: readonly string[]): string => join(folder, ...names);
const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8);
const invitation = formatInvitation({
  authorities: [{ key: 'ab'.repeat(32), address: 'directory@council.test' }],
  periodMs: undefined,
  urls: [],
});

/** Everything works, and there is nobody to ask. */
const works: InitWorld = {
  imap: () => Promise.resolve({ canRemove: true }),
  smtp: () => Promise.resolve(),
  greetSelf: () => Promise.resolve({ kind: 'arrived', folder: 'INBOX', cameAt: 1000, afterMs: 100, stampedAt: 900 }),
  lookUp: () => expect.fail('the net was asked'),
  talk: undefined,
  telling: () => conversation().telling,
  readStdin: () => Promise.resolve('from stdin\nmore\n'),
  hasSystemd: false,
};
const init = (world: Partial<InitWorld>, ...argv: readonly string[]): Promise<Ran> =>
  run((program) => register(program, { ...works, ...world }), 'init', ...argv);
const alone = (name: string, ...argv: readonly string[]): Promise<Ran> =>
  init({}, 'mix@posteo.net', '--password-file', '-', '--role', 'node', '--folder', at(name), '--no-join', ...argv);
const asked = (...answers: readonly (string | boolean)[]): Conversation & { readonly world: Partial<InitWorld> } => {
  const talked = conversation(...answers);
  return { ...talked, world: { talk: talked.talk, telling: () => talked.telling } };
};

describe('mixmailer init', () => {
  it('takes a newcomer to a node that has joined, with six questions', async () => {
    const { world, lines, questions } = asked('mix@posteo.net', 'right', 'node', invitation, at('asked'), true);
    process.env['XDG_CONFIG_HOME'] = at('xdg');
    const { exitCode, out } = await init({ ...world, hasSystemd: true });
    delete process.env['XDG_CONFIG_HOME'];
    expect(exitCode).toBe(0);
    expect(questions()).toBe(6);
    expect(lines.filter((line) => line.startsWith('?'))).toEqual([
      '? Mail address',
      '? Password',
      '? What is it to be?',
      '? Invitation to the network (empty: I have none yet)',
      '? Folder for configuration, keys and database',
      '? Write a systemd unit, so that the node can start with this machine?',
    ]);
    const config = loadConfig(at('asked', 'node.toml'));
    expect(config).toMatchObject({
      data: at('asked', 'node-data'),
      mail: { address: 'mix@posteo.net', imap: { host: 'posteo.de', secret: { kind: 'passwordFile' } } },
      network: { kind: 'join', origin: 'data' },
      node: { name: 'mix-posteo', exit: false },
    });
    expect(readFileSync(at('asked', 'node.password'), 'utf8')).toBe('right\n');
    expect(hasIdentity(config.data)).toBe(true);
    expect([at('asked', 'node.toml'), at('asked', 'node.password'), config.data].map(modeOf)).toEqual([
      '600',
      '600',
      '700',
    ]);
    const unit = readFileSync(at('xdg', 'systemd', 'user', 'mixmailer-node.service'), 'utf8');
    expect(unit).toMatch(new RegExp(`^ExecStart="[^"]+" "[^"]+" node --config "${at('asked', 'node.toml')}"$`, 'm'));
    expect(out).toContain('systemctl --user enable --now mixmailer-node.service');
    expect(out).not.toMatch(/no network yet|right/);
  });

  it('asks no more than six where the servers are not known', async () => {
    process.env['XDG_CONFIG_HOME'] = at('home');
    const { world, questions } = asked('mix@example.org', 'mail.example.org', 'right', 'client', '', false);
    expect((await init({ ...world, hasSystemd: true })).exitCode).toBe(0);
    delete process.env['XDG_CONFIG_HOME'];
    expect(questions()).toBe(6);
    expect(loadConfig(at('home', 'mixmailer', 'client.toml')).client).toBeDefined();
  });

  it('with flags asks nothing, and says how to start', async () => {
    const { exitCode, out, err } = await alone('flags');
    expect([exitCode, err]).toEqual([0, '']);
    expect(readFileSync(at('flags', 'node.password'), 'utf8')).toBe('from stdin\n');
    expect(out).toContain(`Start it:      mixmailer node --config ${at('flags', 'node.toml')}\n`);
    expect(out).toContain('In no network yet');
  });

  it('makes an exit, and keeps a command in place of a password', async () => {
    const argv = ['mix@outlook.com', '--token-command', 'echo "a b"', '--role', 'exit', '--join', invitation];
    const { exitCode } = await init(
      {},
      ...argv,
      '--config',
      at('exit', 'my exit.toml'),
      '--name',
      'my-exit',
      '--proxy',
      'socks5h://127.0.0.1:9050',
    );
    expect(exitCode).toBe(0);
    expect(loadConfig(at('exit', 'my exit.toml'))).toMatchObject({
      mail: { proxy: 'socks5h://127.0.0.1:9050', imap: { secret: { kind: 'tokenCommand', command: 'echo "a b"' } } },
      node: { name: 'my-exit', exit: true },
    });
    expect(readdirSync(at('exit')).toSorted()).toEqual(['my exit-data', 'my exit.toml']);
  });

  it.each([
    [[], 'the address'],
    [['mix@posteo.net', '--role', 'node', '--no-join'], '--password-file (or --password-command, --token-command)'],
    [['mix@posteo.net', '--password-command', 'x', '--no-join'], '--role node|exit|client'],
    [['mix@posteo.net', '--password-command', 'x', '--role', 'node'], '--join INVITATION (or --no-join)'],
    [['mix@example.org', '--password-command', 'x', '--role', 'node', '--no-join'], '--imap and --smtp'],
  ])('that is told %j says which flag is missing, and writes nothing', async (argv, flag) => {
    const world: Partial<InitWorld> = { imap: () => Promise.reject(new TypeError('logged in')) };
    await expect(init(world, ...argv, '--folder', at('missing'))).rejects.toThrow(ConfigError);
    await expect(init(world, ...argv, '--folder', at('missing'))).rejects.toThrow(`${flag} is missing`);
    expect(existsSync(at('missing'))).toBe(false);
  });

  it('with --yes asks nobody, though somebody is there', async () => {
    const { world, lines } = asked('mix@posteo.net');
    await expect(init(world, '--yes')).rejects.toThrow('the address is missing');
    expect(lines).toEqual([]);
  });

  it('ends with 78 for a wrong password, and with 75 where the server is away', async () => {
    const ending = (code: MailError['code']): Promise<Ran> =>
      init(
        { imap: () => Promise.reject(new MailError(code, 'x')), smtp: () => Promise.reject(new MailError(code, 'x')) },
        ...['mix@posteo.net', '--password-file', '-', '--role', 'node', '--folder', at('ends'), '--no-join'],
      );
    expect(await ending('mail/login')).toMatchObject({
      exitCode: 78,
      err: expect.stringMatching(/^mixmailer: posteo\.de refuses the log-in: [^\n]+\n?$/) as unknown,
    });
    expect(await ending('mail/connect')).toMatchObject({ exitCode: 75 });
    expect(existsSync(at('ends'))).toBe(false);
  });

  it('never replaces a configuration unless it is told to, and then keeps the old one and the keys', async () => {
    await alone('again');
    writeFileSync(at('again', 'node.toml'), '# mine\n');
    const keys = readdirSync(at('again', 'node-data'));
    await expect(alone('again')).rejects.toThrow(/node\.toml is there already: .*--replace/);
    expect(readFileSync(at('again', 'node.toml'), 'utf8')).toBe('# mine\n');
    const { exitCode, out } = await alone('again', '--replace');
    expect(exitCode).toBe(0);
    expect(out).toContain(`the old one    ${at('again', 'node.toml.old')}`);
    expect(readFileSync(at('again', 'node.toml.old'), 'utf8')).toBe('# mine\n');
    expect(readdirSync(at('again', 'node-data'))).toEqual(keys);
  });

  it('asks for another folder where it can not write, with a sentence', async () => {
    writeFileSync(at('file'), '');
    const answers = ['mix@posteo.net', 'right', 'node', '', at('file', 'below'), at('other')] as const;
    const { world, lines } = asked(...answers);
    expect((await init(world)).exitCode).toBe(0);
    expect(lines).toContain(`! ${at('file')} is no folder: name another one.`);
    expect(existsSync(at('other', 'node.toml'))).toBe(true);
  });

  it('that fails while it writes leaves nothing behind, and puts back what was there', async () => {
    mkdirSync(at('half', 'node-data'), { recursive: true, mode: 0o755 });
    await expect(alone('half')).rejects.toThrow('expected to be readable by its owner only');
    expect(readdirSync(at('half'))).toEqual(['node-data']);
    writeFileSync(at('half', 'node.toml'), '# mine\n');
    await expect(alone('half', '--replace')).rejects.toThrow('expected to be readable by its owner only');
    expect(readFileSync(at('half', 'node.toml'), 'utf8')).toBe('# mine\n');
    expect(readdirSync(at('half')).toSorted()).toEqual(['node-data', 'node.toml']);
  });

  it('that is ended in the middle writes nothing, and ends with 130', async () => {
    const { world } = asked('mix@posteo.net', 'right', 'node', '');
    expect(await init(world)).toMatchObject({ exitCode: 130, err: 'mixmailer: stopped, and nothing was written\n' });
  });

  it('refuses what can not be: two secrets, a proxy of another kind', async () => {
    await expect(init({}, 'mix@posteo.net', '--password-file', 'a', '--token-command', 'b')).rejects.toThrow(
      'got several',
    );
    await expect(init({}, 'mix@posteo.net', '--proxy', 'http://127.0.0.1')).rejects.toThrow(
      '--proxy: expected socks5h',
    );
    const pastIt = ['--look-up', '--proxy', 'socks5h://127.0.0.1:9050'];
    await expect(init({}, 'mix@example.org', ...pastIt)).rejects.toThrow('--look-up asks the DNS, past the proxy');
  });

  it('asks the net for servers when it is told to, and only for those of a domain that it does not know', async () => {
    const domains: string[] = [];
    const lookUp: InitWorld['lookUp'] = (domain) => {
      domains.push(domain);
      const [imap, smtp] = ['imap', 'smtp'].map((name) => `${name}.${domain}`);
      return Promise.resolve({
        imap: { host: imap ?? '', port: 993, security: 'tls' },
        smtp: { host: smtp ?? '', port: 465, security: 'tls' },
        isVouched: true,
      });
    };
    const flags = ['--password-file', '-', '--role', 'node', '--no-join', '--look-up'];
    for (const [address, name] of [
      ['mix@posteo.net', 'known'],
      ['mix@example.org', 'looked-up'],
    ] as const)
      expect((await init({ lookUp }, address, ...flags, '--folder', at(name))).exitCode).toBe(0);
    expect(domains).toEqual(['example.org']);
    expect(loadConfig(at('looked-up', 'node.toml'))).toMatchObject({ mail: { smtp: { host: 'smtp.example.org' } } });
    const without = init({}, 'mix@example.org', ...flags.slice(0, -1), '--folder', at('nothing'));
    await expect(without).rejects.toThrow('--imap and --smtp is missing');
  });
});
