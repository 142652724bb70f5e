import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { sliceDirectoryMail } from '../../src/carrier/directory-mail.js';
import { documentsIn } from '../../src/council/documents.js';
import { readNetwork } from '../../src/route/network.js';
import { started } from '../fakes/directory.js';
import { at, digestsOf, namesIn, standingOf } from './stories.js';

describe('authorities and nodes that start from nothing', () => {
  it('reach a first list, and all authorities hold the same', async () => {
    const directory = await started();
    expect(new Set(digestsOf(directory)).size).toBe(1);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2', 'mix3', 'mix4', 'mix5', 'mix6', 'mix7', 'mix8', 'mix9']);
    const list = directory.authorities[0]?.list();
    const trust = { authorities: directory.configured.map(({ key }) => key), threshold: 3 };
    const read = readNetwork(list?.text ?? '', trust, directory.now());
    expect(read.consensus?.number).toBe(Math.floor(directory.now() / directory.periodMs));
    expect(read.previous).toBeUndefined();
  });

  it('go on from list to list, each naming the one before, and measure what comes through', async () => {
    const directory = await started();
    const first = directory.authorities[0]?.list();
    await directory.periods(2);
    const list = directory.authorities[0]?.list();
    expect(new Set(digestsOf(directory)).size).toBe(1);
    expect(list?.consensus?.number).toBe((first?.consensus?.number ?? 0) + 2);
    expect(list?.consensus?.history.map(({ digest }) => digest)).toEqual([list?.previous, first?.digest]);
    expect(list?.consensus?.randomness).not.toBe(first?.consensus?.randomness);
    for (const { name } of directory.nodes)
      expect(standingOf(directory, name)).toMatchObject({ deliveredPerMille: 1000, operator: `${name}.test` });
    for (const { logged } of directory.authorities) expect(logged.join('\n')).not.toMatch(/contradiction|no-agreement/);
  });

  it('publish the list, and what leads to it from the last one, for any web server', async () => {
    const directory = await started({ nodes: 3 });
    const first = directory.authorities[0]?.list();
    await directory.periods(1);
    const [authority] = directory.authorities;
    const files = authority?.published() ?? new Map<string, string>();
    expect([...files.keys()]).toEqual([
      'mixmailer-network.txt',
      'mixmailer-endorsements.txt',
      `mixmailer-diff-${first?.digest ?? ''}.txt`,
    ]);
    expect(files.get('mixmailer-endorsements.txt')?.match(/^mixmailer-endorsement 1$/gm)).toHaveLength(4);
    expect(files.get('mixmailer-network.txt')).toBe(authority?.list()?.text);
  });

  it('ask nothing of a node that has proven its mailbox, list after list, but which list it has', async () => {
    const directory = await started({ nodes: 3, probesPerPeriod: 0 });
    directory.world.forget();
    await directory.periods(2);
    const toNodes = directory.world.observed.filter(({ to }) => to.startsWith('node@'));
    const bounds = { compression: nodeCompression, mostBytes: 100_000 };
    const kinds = toNodes.flatMap(({ raw }) =>
      documentsIn(sliceDirectoryMail(raw, nodeBase64, bounds) ?? 'packets').map(({ kind }) => kind),
    );
    expect(kinds).toHaveLength(toNodes.length);
    expect(new Set(kinds)).toEqual(new Set(['request']));
    expect(namesIn(directory)).toHaveLength(3);
  });
});

/** Where nothing is measured, a mailbox is proof enough; the stories are shorter. */
const unmeasured = { nodes: 4, probesPerPeriod: 0 } as const;

describe('a network that goes on', () => {
  it('takes in a tenth node after it has proven mailbox and forwarding', async () => {
    const directory = await started();
    const tenth = directory.addNode('mix10');
    await tenth.announce();
    await directory.periods(1);
    expect(namesIn(directory)).toContain('mix10');
    expect(standingOf(directory, 'mix10')?.deliveredPerMille).toBe(1000);
    expect(new Set(digestsOf(directory)).size).toBe(1);
  });

  it('lets a node leave: three more lists say so, then it is gone, and it can come back', async () => {
    const directory = await started(unmeasured);
    const goes = at(directory.nodes, 0);
    await goes.leave();
    const seen: (boolean | undefined)[] = [];
    for (let i = 0; i < 4; i++) {
      await directory.periods(1);
      seen.push(standingOf(directory, goes.name)?.leaving);
    }
    expect(seen).toEqual([true, true, true, undefined]);
    expect(namesIn(directory)).toEqual(['mix2', 'mix3', 'mix4']);
    await goes.announce();
    await directory.periods(1);
    expect(standingOf(directory, goes.name)?.leaving).toBe(false);
  });

  it('takes new keys of a node at once, without another proof', async () => {
    const directory = await started(unmeasured);
    const node = at(directory.nodes, 0);
    directory.world.forget();
    node.rotate();
    await node.announce();
    await directory.periods(1);
    expect(directory.authorities[0]?.list()?.byId.get(node.nodeId)?.mixKeys).toHaveLength(2);
    const mailed = directory.world.observed.filter(({ to, raw }) => to === node.account.address && raw.length < 10_000);
    expect(mailed).toEqual([]);
  });

  it('takes a node to a new mailbox once it has proven it', async () => {
    const directory = await started(unmeasured);
    const node = at(directory.nodes, 0);
    const moved = directory.moveNode(node, 'node@elsewhere.test');
    moved.answers = false;
    await moved.announce();
    await directory.periods(1);
    const address = (): string | undefined => directory.authorities[0]?.list()?.byId.get(node.nodeId)?.address;
    expect(address()).toBe('node@mix1.test');
    moved.answers = true;
    await moved.announce();
    await directory.periods(1);
    expect(address()).toBe('node@elsewhere.test');
    expect(standingOf(directory, node.name)?.operator).toBe('elsewhere.test');
  });
});

describe('an authority that was away', () => {
  it('costs nothing while three of four are there, and finds the list when it is back', async () => {
    const directory = await started(unmeasured);
    const last = at(directory.authorities, 3);
    last.isDead = true;
    await directory.periods(2);
    expect(new Set(digestsOf(directory)).size).toBe(1);
    const number = directory.authorities[0]?.list()?.consensus?.number;
    expect(number).toBe(Math.floor(directory.now() / directory.periodMs));
    last.isDead = false;
    await directory.periods(2);
    expect(last.list()?.consensus?.number).toBe((number ?? 0) + 2);
    expect(new Set(digestsOf(directory)).size).toBe(1);
  });

  it('stops the network when it is one of two, and the network goes on when it is back', async () => {
    const directory = await started(unmeasured);
    const away = directory.authorities.slice(2);
    const before = directory.authorities[0]?.list()?.digest;
    for (const one of away) one.isDead = true;
    await directory.periods(1);
    expect(directory.authorities[0]?.list()?.digest).toBe(before);
    for (const one of away) one.isDead = false;
    await directory.periods(1);
    expect(new Set(digestsOf(directory)).size).toBe(1);
    expect(directory.authorities[0]?.list()?.previous).toBe(before);
  });

  it('does its steps late when it was asleep for one', async () => {
    const directory = await started(unmeasured);
    const { periodMs } = directory;
    const next = (Math.floor(directory.now() / periodMs) + 1) * periodMs;
    const sleeper = at(directory.authorities, 1);
    await directory.runUntil(next - (7 / 16) * periodMs);
    // Asleep when secrets are opened and when others hand on what they have.
    sleeper.isDead = true;
    await directory.runUntil(next - (4 / 16) * periodMs);
    sleeper.isDead = false;
    await directory.runUntil(next);
    expect(new Set(digestsOf(directory)).size).toBe(1);
    expect(sleeper.list()?.consensus?.number).toBe(next / periodMs);
    const signers = [...(sleeper.list()?.text ?? '').matchAll(/^signature ([0-9a-f]{64})$/gm)].map(([, key]) => key);
    expect(signers.length).toBeGreaterThanOrEqual(3);
  });
});
