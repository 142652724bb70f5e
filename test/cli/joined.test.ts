import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { toHex } from '../../src/base/bytes.js';
import { dayMs, secondMs } from '../../src/base/units.js';
import { register as registerDescriptor } from '../../src/cli/descriptor.js';
import { loadAndJoin } from '../../src/cli/join.js';
import { register } from '../../src/cli/network.js';
import { networkConfig } from '../../src/config.js';
import { parseInvitation } from '../../src/council/invitation.js';
import { publicKeyOf } from '../../src/route/document.js';
import { defaultNetworkParameters, inspectNetwork, signNetwork } from '../../src/route/network.js';
import { readDescriptor } from '../../src/route/descriptor.js';
import { type Ran, run, testFolder, writeNodeConfig } from './run.js';

const folder = testFolder();
const network = (...argv: readonly string[]): Promise<Ran> => run(register, 'network', ...argv);

const writeAuthorityConfig = (name: string, more = ''): string => {
  const file = join(folder, `${name}.toml`);
  writeFileSync(
    file,
    `data = "data-${name}"
[mail]
address = "${name}@council.example"
[mail.imap]
host = "imap.council.example"
passwordCommand = "echo secret"
[mail.smtp]
host = "smtp.council.example"
[authority]
${more}`,
  );
  return file;
};
const lastLine = ({ out }: Ran): string => out.trimEnd().split('\n').at(-1) ?? '';
const keyIn = ({ out }: Ran): string => /authority ([0-9a-f]{64}) at/.exec(out)?.[1] ?? '';

describe('mixmailer network new', () => {
  it('makes the key of an authority once, and prints the invitation', async () => {
    const config = writeAuthorityConfig('ann', 'period = 600\n');
    const made = await network('new', '--config', config);
    expect(made.out).toContain('made the key');
    expect(parseInvitation(lastLine(made))).toEqual({
      authorities: [{ key: keyIn(made), address: 'ann@council.example' }],
      periodMs: 600 * secondMs,
      urls: [],
    });
    const again = await network('new', '--config', config, '--url', 'https://a.example/list');
    expect(again.out).toContain('is there already, and stays');
    expect(keyIn(again)).toBe(keyIn(made));
    expect(parseInvitation(lastLine(again)).urls).toEqual(['https://a.example/list']);
  });

  it('prints what other authorities need, and invite the invitation of all, the same at each', async () => {
    const names = ['bea', 'cal', 'dan'];
    const peers = await Promise.all(
      names.map(async (name) => {
        const { out } = await network('new', '--config', writeAuthorityConfig(name));
        return /\[\[authority\.peers\]\]\n.*\n.*\n/.exec(out)?.[0] ?? '';
      }),
    );
    const invitations = await Promise.all(
      names.map(async (name) => {
        const { out } = await network('invite', '--config', writeAuthorityConfig(name, peers.join('')));
        return out;
      }),
    );
    expect(new Set(invitations).size).toBe(1);
    const { authorities, periodMs } = parseInvitation(invitations[0] ?? '');
    expect(authorities.map(({ address }) => address).toSorted()).toEqual(
      names.map((name) => `${name}@council.example`),
    );
    expect(periodMs).toBeUndefined();
  });

  it('without a key has nobody to invite to', async () => {
    await expect(network('invite', '--config', writeAuthorityConfig('eve'))).rejects.toThrow('no such file');
  });
});

const secretKey = new Uint8Array(32).fill(5);
const authority = { key: publicKeyOf(secretKey), address: 'ann@council.example' };
const invitation = async (): Promise<string> => {
  const config = writeAuthorityConfig('fay', `key = "fay.key"\n`);
  writeFileSync(join(folder, 'fay.key'), `${toHex(secretKey)}\n`, { mode: 0o600 });
  return lastLine(await network('invite', '--config', config));
};

describe('--join', () => {
  it('keeps the invitation for the next start, readable by its owner only', async () => {
    const file = writeNodeConfig(folder, 'mix1');
    const text = await invitation();
    expect(networkConfig(loadAndJoin(file, ` ${text}\n`))).toMatchObject({ kind: 'join', origin: 'data' });
    expect(networkConfig(loadAndJoin(file, undefined))).toMatchObject({
      invitation: { authorities: [{ key: authority.key }] },
    });
    expect(loadAndJoin(file, text).network?.kind).toBe('join');
    const kept = join(folder, 'data-mix1', 'invitation');
    chmodSync(kept, 0o640);
    expect(() => loadAndJoin(file, undefined)).toThrow('readable by its owner only');
  });

  it('is refused for what is no invitation, and where the configuration says something else', async () => {
    const text = await invitation();
    const other = text.replace('fay', 'guy');
    expect(() => loadAndJoin(writeNodeConfig(folder, 'mix2'), 'mixmailer:hello')).toThrow(
      '--join: expected an invitation',
    );
    expect(existsSync(join(folder, 'data-mix2'))).toBe(false);
    const listed = writeNodeConfig(folder, 'mix3', `[network]\nlist = "l"\nauthorities = ["${authority.key}"]\n`);
    expect(() => loadAndJoin(listed, text)).toThrow('--join: expected a configuration without network.list');
    const joined = writeNodeConfig(folder, 'mix4', `[network]\njoin = "${text}"\n`);
    expect(loadAndJoin(joined, text).network).toMatchObject({ origin: 'file' });
    expect(() => loadAndJoin(joined, other)).toThrow('--join: expected the invitation of network.join');
  });
});

describe('mixmailer network', () => {
  it('shows the list that a node keeps: nodes, layers, age, signatures, forks', async () => {
    const periodMs = dayMs;
    const now = Date.now();
    const number = Math.floor(now / periodMs);
    const names = ['ada', 'bob', 'cyd', 'dot'];
    const descriptors = await Promise.all(
      names.map(
        async (name) => (await run(registerDescriptor, 'descriptor', '--config', writeNodeConfig(folder, name))).out,
      ),
    );
    const config = writeNodeConfig(folder, 'mix5', `[network]\njoin = "${await invitation()}"\n`);
    loadAndJoin(config, undefined);
    const none = await network('--config', config);
    expect(none.out).toBe('there is no list yet: it comes by mail, to a node or client that runs\n');
    expect(JSON.parse((await network('--config', config, '--json')).out)).toMatchObject({ number: null, nodes: [] });

    const standing = { operator: 'big.example', deliveredPerMille: 985, medianMs: 1_500_000, p90Ms: 3_000_000 };
    const [first = ''] = descriptors;
    const draft = {
      validFrom: number * periodMs,
      validUntil: (number + 3) * periodMs,
      parameters: {
        ...defaultNetworkParameters,
        topology: { kind: 'layers', successors: [3, 3, 2] } as const,
        mostPerOperator: 2,
      },
      consensus: { number, periodMs, randomness: 'ab'.repeat(32), authorities: [authority], history: [] },
      descriptors,
      standings: new Map([[readDescriptor(first).nodeId, { ...standing, leaving: true }]]),
    };
    const text = signNetwork(draft, secretKey);
    const { digest } = inspectNetwork(text, []).network;
    const data = join(folder, 'data-mix5');
    await run(registerDescriptor, 'descriptor', '--config', config);
    const store = sqliteMixStore(join(data, 'mixmailer.db'));
    store.keepConsensus({ number, digest, periodMs, acceptedAt: now, text, history: [] });
    const shown = await network('show', '--config', config);
    expect(shown.out).toContain(`list ${number} of 4 nodes`);
    expect(shown.out).toContain(`digest ${digest}`);
    expect(shown.out).toContain(
      'paths through 3 layers, 3, 3, 2 successors for each node; at most 2 nodes of one operator in a layer',
    );
    expect(shown.out).toMatch(/leaving +ada +mix\+exit +big\.example +98\.5 % +25 min +50 min +mix@ada\.example/);
    expect(shown.out).toContain(`signed by  ${authority.key}`);
    const record = JSON.parse((await network('--config', config, '--json')).out) as Record<string, unknown>;
    expect(record).toMatchObject({ problem: null, number, digest, nodeCount: 4, periodSeconds: 86_400, forks: [] });
    expect(record['nodes']).toContainEqual(
      expect.objectContaining({ name: 'ada', layer: null, deliveredPerMille: 985, medianSeconds: 1500, leaving: true }),
    );

    const other = 'cd'.repeat(32);
    store.addFork({ number, digests: [digest, other], authorities: [authority.key], evidence: '', seenAt: now });
    store.close();
    const forked = await network('--config', config);
    expect(forked.out).toContain(
      `FORK: two lists of number ${number}, ${digest} and ${other}\nsigned both: ${authority.key}`,
    );
    expect(forked.out).toContain('NOT USED: there are two lists');
    expect((await network('forget-fork', '--config', config)).out).toContain('forgotten');
    expect((await network('forget-fork', '--config', config)).out).toBe('there is no fork\n');
  });
});
