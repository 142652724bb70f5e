import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { dayMs } from '../../src/base/units.js';
import { register as registerAuthority } from '../../src/cli/authority.js';
import { register as registerClient } from '../../src/cli/client.js';
import { register as registerKeygen } from '../../src/cli/keygen.js';
import { register as registerNode } from '../../src/cli/node.js';
import { loadConfig } from '../../src/config.js';
import { publicKeyOf } from '../../src/route/document.js';
import { defaultNetworkParameters, signNetwork } from '../../src/route/network.js';
import { plainMixKey, secretOf, signedNode } from '../route/nodes.js';
import { run, testFolder } from './run.js';

const folder = testFolder();
const said: string[] = [];

/** A configuration whose mail servers refuse every connection. */
const write = (name: string, more: string, status = '[status]\nport = 0\n'): string => {
  const file = join(folder, `${name}.toml`);
  const server = 'host = "127.0.0.1"\nport = 1\nsecurity = "none"\npassword = "x"\n';
  const text = `data = "data-${name}"
[mail]
address = "${name}@mail.example"
[mail.imap]
${server}[mail.smtp]
${server}${more}
${status}`;
  writeFileSync(file, text, { mode: 0o600 });
  return file;
};

const list = (): string => `[network]
list = "network.txt"
authorities = ["${publicKeyOf(secretOf('authority'))}"]
`;

beforeAll(() => {
  const now = Math.floor(Date.now() / 1000) * 1000;
  const mixKeys = [{ publicKey: plainMixKey(), notBefore: now, notAfter: now + dayMs, expiresAt: now + 2 * dayMs }];
  const descriptors = ['one', 'two', 'three'].map((name) => signedNode(name, { mixKeys, publishedAt: now }));
  const draft = { validFrom: now - dayMs, validUntil: now + dayMs, parameters: defaultNetworkParameters, descriptors };
  writeFileSync(join(folder, 'network.txt'), signNetwork(draft, secretOf('authority')));
});
afterEach(() => vi.restoreAllMocks());

const hush = (): void => {
  said.length = 0;
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
};

/** Runs a role until something is done with it; then stops it as an operator does. */
const whileRunning = async (
  register: (program: Command) => void,
  argv: readonly [role: string, file: string],
  work: (url: string) => Promise<void>,
): Promise<void> => {
  hush();
  const ended = run(register, argv[0], '--config', argv[1]);
  const url = await expect
    .poll(() => /^status page: (\S+)$/m.exec(said.join(''))?.[1] ?? '', { timeout: 30_000 })
    .not.toBe('')
    .then(() => /^status page: (\S+)$/m.exec(said.join(''))?.[1] ?? '');
  try {
    await work(url);
  } finally {
    process.emit('SIGTERM', 'SIGTERM');
    await ended;
  }
};

/** The page, as a browser gets it that logs in. */
const pageAt = async (url: string, token: string): Promise<string> => {
  const body = new URLSearchParams({ token });
  const entry = await fetch(new URL('/log-in', url), { method: 'POST', body, redirect: 'manual' });
  const [cookie = ''] = (entry.headers.get('set-cookie') ?? '').split(';');
  const page = await fetch(new URL(entry.headers.get('location') ?? '/', url), { headers: { cookie } });
  return page.text();
};

const tokenOf = (name: string): string => readFileSync(join(folder, `data-${name}`, 'status.token'), 'utf8').trim();

describe('a running', () => {
  it('node shows what it is, to who has the token, which no output holds', async () => {
    const file = write('node', `${list()}[node]\nname = "one"\n`);
    await whileRunning(registerNode, ['node', file], async (url) => {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
      const token = tokenOf('node');
      expect(statSync(join(folder, 'data-node', 'status.token')).mode & 0o777).toBe(0o600);
      expect(said.join('')).not.toContain(token);
      expect(said.join('')).toContain(`its token is in ${join(folder, 'data-node', 'status.token')}`);
      const page = await pageAt(url, token);
      expect(page).toContain('<title>MixMailer node one</title>');
      expect(page).toContain('one (this node)');
      expect(page).toContain('the mailbox was not read since the start');
      const metrics = await fetch(new URL('/metrics', url), { headers: { authorization: `Bearer ${token}` } });
      expect(await metrics.text()).toMatch(/^mixmailer_ready 0\nmixmailer_|^mixmailer_list_nodes 3$/m);
    });
    expect(said.join('')).toMatch(/stopped after/);
  });

  it('client shows its queue', async () => {
    const file = write('client', `${list()}[client]\nfloorBits = 6\n[client.submission]\nport = 0\n`);
    await whileRunning(registerClient, ['client', file], async (url) => {
      const page = await pageAt(url, tokenOf('client'));
      expect(page).toContain('<title>MixMailer client</title>');
      expect(page).toContain('Your messages: waiting');
      expect(page).toContain('nothing is sent below 6 bits');
    });
  });

  it('authority shows its nodes', async () => {
    await run(registerKeygen, 'keygen', '--authority', join(folder, 'authority.key'));
    const file = write('authority', '[authority]\nkey = "authority.key"\nlookup = "none"\n');
    await whileRunning(registerAuthority, ['authority', file], async (url) => {
      const page = await pageAt(url, tokenOf('authority'));
      expect(page).toContain('<title>MixMailer authority</title>');
      expect(page).toContain('Nodes that have proven their mailbox');
      expect(page).toContain('There is no list of nodes yet.');
    });
  });
});

describe('a page that can’t be', () => {
  let taken: Server;
  beforeAll(() => new Promise<void>((resolve) => (taken = createServer().listen(0, '127.0.0.1', resolve))));
  afterAll(() => void taken.close());

  it('ends the start with the key that is wrong, and leaves the data folder free', async () => {
    const { port } = taken.address() as AddressInfo;
    hush();
    const file = write('late', `${list()}[node]\nname = "one"\n`, `[status]\nport = ${port}\n`);
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(run(registerNode, 'node', '--config', file)).rejects.toThrow(
        `status.port: expected a free port of 127.0.0.1, got ${port} (EADDRINUSE)`,
      );
  });

  it('is not there unless it is asked for, and never for others', () => {
    const node = '[node]\nname = "one"\n';
    expect(loadConfig(write('none', node, '')).status).toBeUndefined();
    expect(loadConfig(write('usual', node, '[status]\n')).status).toEqual({
      host: '127.0.0.1',
      port: 2526,
      tokenFile: join(folder, 'data-usual', 'status.token'),
    });
    expect(() => loadConfig(write('open', node, '[status]\nhost = "0.0.0.0"\n'))).toThrow(
      'status.host: expected loopback address such as ::1, got "0.0.0.0"',
    );
    expect(() => loadConfig(write('name', node, '[status]\nprot = 1\n'))).toThrow('did you mean "port"?');
  });
});
