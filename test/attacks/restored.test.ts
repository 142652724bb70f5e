import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { toHex } from '../../src/base/bytes.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { sliceDirectoryMail } from '../../src/carrier/directory-mail.js';
import { makeBackup, restoreBackup } from '../../src/compose-backup.js';
import { type Config, loadConfig } from '../../src/config.js';
import { documentsIn } from '../../src/council/documents.js';
import { readEndorsement } from '../../src/council/endorsement.js';
import { readReveal } from '../../src/council/reveal.js';
import { readVote } from '../../src/council/vote.js';
import { encodeReceipt } from '../../src/message/receipt.js';
import { openNodeKeys } from '../../src/node-keys.js';
import { accountBudget } from '../../src/post/account.js';
import { handOf } from '../client/hand.js';
import { nextRound } from '../directory/liar.js';
import { at, digestsOf } from '../directory/stories.js';
import { type FakeDirectory, started } from '../fakes/directory.js';
import { fakeNetwork, type FakeNetwork } from '../fakes/network.js';
import { carrierTo, fragmentsOf, letterOf, packetOver, quick, turns } from '../node/packets.js';

// A process is put back to where it was some time ago, by its operator or by somebody who made them: what came and went
// since then must not happen again.

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-restored-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** @param place a machine, or the one that took its place */
const configured = (role: string, place = 'old'): Config => {
  const file = path.join(folder, `${place}.toml`);
  writeFileSync(
    file,
    `data = "${place}"
[mail]
address = "me@home.test"
[mail.imap]
host = "imap.home.test"
passwordCommand = "echo secret"
[mail.smtp]
host = "smtp.home.test"
[mail.budget]
perDay = 800
since = 2020-01-01
${role}
`,
  );
  return loadConfig(file);
};
const dataOf = (config: Config, name: string): string => path.join(config.data, name);

describe('a node', () => {
  const role = '[node]\nname = "mix-one"';
  const node = () => {
    const network = fakeNetwork({ nodes: 3, ...quick });
    const config = configured(role);
    const [entry = expect.fail(), middle = expect.fail(), exit = expect.fail()] = network.nodes;
    const keyStore = openNodeKeys(config);
    keyStore.identity();
    const span = [network.now() - dayMs, network.now() + 6 * dayMs, network.now() + 13 * dayMs];
    const text = [toHex(entry.key.seed), ...span].join('\n');
    writeFileSync(dataOf(config, `mix-${entry.key.keyId}.key`), `${text}\n`, { mode: 0o600 });
    let store: ReturnType<typeof sqliteMixStore>;
    const start = (on = config): void => {
      store = sqliteMixStore(dataOf(on, 'mixmailer.db'));
      const keys = openNodeKeys(on);
      entry.become(store, () => keys.mixKeys(network.now()));
    };
    start();
    return {
      ...{ network, config, entry, start, path: [entry, middle, exit] },
      stop: () => store.close(),
    };
  };
  /** Somebody mails that packet to the entry, as often as they like. */
  const mailTo = ({ world }: FakeNetwork, address: string, raw: Uint8Array): Promise<void> =>
    world
      .account('somebody@else.test')
      .outbox.send({ from: 'somebody@else.test', to: address, raw }, new AbortController().signal)
      .then(() => undefined);

  /** Two packets, one before a back-up is made and one after; both go where they go. */
  const withTwoPackets = async (backUp: (config: Config, now: number) => void) => {
    const story = node();
    const { network, config, entry, path: nodes, stop } = story;
    const [before, after] = [1, 2].map((n) => {
      const [payload] = fragmentsOf(network, new Uint8Array(100).fill(n));
      return carrierTo(network, entry, [packetOver(network, nodes, payload)]);
    });
    if (before === undefined || after === undefined) return expect.fail();
    await mailTo(network, entry.account.address, before);
    await turns(network, 1);
    backUp(config, network.now());
    await mailTo(network, entry.account.address, after);
    await turns(network, 3);
    stop();
    const left = (): number => network.world.observed.filter(({ from }) => from === entry.account.address).length;
    expect(left()).toBe(2);
    expect(entry.counted()).toMatchObject({ in: 2, out: 2 });
    const replay = async (): Promise<void> => {
      for (const raw of [before, after]) await mailTo(network, entry.account.address, raw);
      await turns(network, 3);
    };
    return { ...story, left, replay };
  };

  it('forwards no packet again that it had seen after its back-up was made', async () => {
    let bytes = new Uint8Array();
    const { network, config, entry, start, left, replay } = await withTwoPackets((of, now) => {
      bytes = new Uint8Array(makeBackup(of, now));
    });
    const elsewhere = configured(role, 'new');
    restoreBackup(elsewhere, { bytes, source: 'backup' }, { now: network.now(), replace: false });
    expect(readdirSync(elsewhere.data).filter((name) => name.startsWith('mix-'))).toEqual([]);
    start(elsewhere);
    expect(openNodeKeys(elsewhere).identity()).toEqual(openNodeKeys(config).identity());
    await replay();
    expect(left()).toBe(2);
    expect(entry.counted()).toMatchObject({ in: 2, out: 2, 'packet/bad-mac': 2 });
    const keys = openNodeKeys(elsewhere).mixKeys(network.now());
    expect(keys.length).toBeGreaterThan(1);
    expect(keys.map(({ keyId }) => keyId)).not.toContain(entry.key.keyId);
  });

  it('destroys the keys that are there too, when it is put over a folder in use until then', async () => {
    let bytes = new Uint8Array();
    const { network, config, start, left, replay } = await withTwoPackets((of, now) => {
      bytes = new Uint8Array(makeBackup(of, now));
    });
    const source = { bytes, source: 'backup' };
    expect(() => restoreBackup(config, source, { now: network.now(), replace: false })).toThrow(
      'expected an empty data folder, got one with 4 files; --replace destroys them',
    );
    const other = configured(role, 'new');
    cpSync(config.data, other.data, { recursive: true });
    restoreBackup(other, source, { now: network.now(), replace: true });
    start(other);
    await replay();
    expect(left()).toBe(2);
  });

  it('whose folder is copied and put back forwards it again: that is why there is a command', async () => {
    const other = configured(role, 'new');
    const { entry, start, left, replay } = await withTwoPackets(({ data }) =>
      cpSync(data, other.data, { recursive: true }),
    );
    start(other);
    await replay();
    expect(left()).toBe(3);
    expect(entry.counted()).toMatchObject({ 'packet/replayed': 1 });
  });

  it('does not send what waited, announces itself at once, stays who it is, and thinks its account spent', () => {
    const { network, config, stop } = node();
    const now = network.now();
    stop();
    const used = sqliteMixStore(dataOf(config, 'mixmailer.db'));
    used.addToPool({ kind: 'exit', readyAt: now, bytes: new Uint8Array(9) });
    used.addOutgoing({ kind: 'notice', to: 'x@y.test', raw: new Uint8Array(9) }, now);
    used.addReplayTag('ab', new Uint8Array(32));
    used.addLoop(new Uint8Array(16), now);
    used.setAnnounced({ text: 'descriptor', sentAt: now });
    used.setLeaving(now);
    used.setCursor('INBOX', { uidValidity: '1', uid: 77 });
    const rules = { limits: { perDay: 800, perHour: undefined, perMinute: undefined }, since: 0, now };
    expect(accountBudget(used, rules).available(now, 'packets')).toBeGreaterThan(10);
    // What its provider has said of a further account, and which address others know.
    const further = { ...rules, further: 'two@mix.test' };
    accountBudget(used, further).limited(now);
    used.setNote('published', 'two@mix.test');
    used.setNote('heartbeat', 'old');
    writeFileSync(dataOf(config, 'invitation'), 'mixmailer:x\n', { mode: 0o600 });
    const bytes = makeBackup(config, now);
    used.close();
    const other = configured(role, 'new');
    restoreBackup(other, { bytes, source: 'backup' }, { now: now + hourMs, replace: false });
    const restored = sqliteMixStore(dataOf(other, 'mixmailer.db'));
    expect(restored.waiting(Infinity)).toEqual([]);
    expect(restored.outgoingCount()).toBe(0);
    expect(restored.addReplayTag('ab', new Uint8Array(32))).toBe(true);
    expect(restored.takeLoop(new Uint8Array(16))).toBeUndefined();
    expect(restored.announced()).toBeUndefined();
    expect(restored.leavingSince()).toBe(now);
    expect(restored.cursor('INBOX')).toEqual({ uidValidity: '1', uid: 77 });
    expect(restored.note('heartbeat')).toBeUndefined();
    const budget = accountBudget(restored, rules);
    expect(budget.available(now + hourMs, 'packets')).toBe(0);
    expect(budget.available(now + dayMs, 'packets')).toBeGreaterThan(10);
    expect(accountBudget(restored, further).perDay(now + hourMs)).toBe(400);
    expect(restored.note('published')).toBe('two@mix.test');
    expect(existsSync(dataOf(other, 'invitation'))).toBe(true);
    restored.close();
  });
});

describe('a client', () => {
  let letter: Uint8Array;
  beforeAll(async () => {
    letter = await letterOf();
  });

  it('sends nothing again, says that nobody knows, hears late receipts, and takes the mail anew if it is handed in', async () => {
    const config = configured('[client]');
    mkdirSync(config.data, { mode: 0o700 });
    writeFileSync(dataOf(config, 'submission.token'), 'token\n', { mode: 0o600 });
    const hand = handOf({ nodes: 4, client: { file: dataOf(config, 'mixmailer.db') } });
    const { network } = hand;
    const { client, world } = network;
    const delivered = await hand.submit(letter, 'done@friend.test');
    await hand.turn();
    await hand.answer({ kind: 'handed-over', code: 250 });
    const underWay = await hand.submit(letter, 'bob@friend.test');
    await hand.turn();
    const block = hand.unused('receipt').at(-1) ?? expect.fail('no block');
    const waits = await hand.submit(letter, 'carol@friend.test');
    const bytes = makeBackup(config, network.now());
    // After the back-up it is sent, and arrives.
    await hand.turn();
    const sent = (): number => world.observed.filter(({ from }) => from === client.account.address).length;
    const before = sent();
    const other = configured('[client]', 'new');
    const { unknown } = restoreBackup(other, { bytes, source: 'b' }, { now: network.now(), replace: false });
    expect(unknown).toBe(2);
    client.restart(dataOf(other, 'mixmailer.db'));
    expect(existsSync(dataOf(other, 'submission.token'))).toBe(true);
    for (const id of [underWay, waits])
      expect(client.store.messageStatus(id)).toMatchObject({ state: 'failed', ending: { kind: 'restored' } });
    expect(client.store.messageStatus(delivered)).toMatchObject({ state: 'delivered' });
    await hand.pass(3 * dayMs, 6 * hourMs);
    expect(sent()).toBe(before);
    expect(hand.inbox().filter((mail) => mail.includes('Nobody knows whether it was delivered'))).toHaveLength(2);
    expect(hand.inbox().join()).not.toContain('bob@friend.test');
    hand.bring([hand.packet(block, encodeReceipt({ kind: 'handed-over', code: 250 }))]);
    await hand.turn();
    expect(client.store.messageStatus(underWay)).toMatchObject({ state: 'delivered' });
    expect(await hand.submit(letter, 'done@friend.test')).toBe(delivered);
    expect(await hand.submit(letter, 'carol@friend.test')).not.toBe(waits);
    await hand.turn();
    expect(sent()).toBeGreaterThan(before);
  });
});

describe('an authority', () => {
  const role = '[authority]\nkey = "authority.key"';
  const read = { vote: readVote, reveal: readReveal, endorsement: readEndorsement } as const;

  /** What it signed of the documents that left it: more than one text of a kind and number is a lie. */
  const signedBy = ({ world }: FakeDirectory, address: string, key: string): ReadonlyMap<string, Set<string>> => {
    const said = new Map<string, Set<string>>();
    for (const { from, raw } of world.observed) {
      if (from !== address) continue;
      const text = sliceDirectoryMail(raw, nodeBase64, { compression: nodeCompression, mostBytes: 1e8 }) ?? '';
      for (const { kind, text: document } of documentsIn(text)) {
        const signed = kind in read ? read[kind as keyof typeof read](document) : undefined;
        if (signed?.authority !== key) continue;
        const name = `${kind} ${signed.number}`;
        said.set(name, (said.get(name) ?? new Set()).add(signed.digest));
      }
    }
    return said;
  };

  const phases = ['voteAt', 'revealAt', 'echoAt', 'signAt', 'validFrom'] as const;

  it.each(phases)(
    'put back after %s to a state before the round signs nothing twice, and takes part again',
    async (phase) => {
      const config = configured(role);
      mkdirSync(config.data, { mode: 0o700 });
      const directory = await started({
        ...{ authorities: 3, nodes: 2, probesPerPeriod: 0 },
        fileOf: (address) => (address.includes('auth1') ? dataOf(config, 'authority.db') : ':memory:'),
      });
      const unlucky = at(directory.authorities, 0);
      writeFileSync(path.join(folder, 'authority.key'), `${toHex(unlucky.secretKey)}\n`, { mode: 0o600 });
      const round = nextRound(directory);
      await directory.runUntil(round.voteAt - directory.periodMs / 16);
      const bytes = makeBackup(config, directory.now());
      await directory.runUntil(round[phase] + directory.periodMs / 16);
      const other = configured(role, 'new');
      restoreBackup(other, { bytes, source: 'backup' }, { now: directory.now(), replace: false });
      unlucky.restart(dataOf(other, 'authority.db'));
      // What it would say now is another thing than before: a node has changed its keys.
      at(directory.nodes, 0).rotate();
      await at(directory.nodes, 0).announce();
      await directory.periods(1);
      expect(unlucky.logged.join()).toContain('directory/abstains');
      for (const [name, digests] of signedBy(directory, unlucky.account.address, unlucky.key))
        expect(digests.size, name).toBe(1);
      for (const { store } of directory.authorities) expect(store.contradictions()).toEqual([]);
      await directory.periods(2);
      expect(new Set(digestsOf(directory)).size).toBe(1);
      const { number } = nextRound(directory);
      expect([...signedBy(directory, unlucky.account.address, unlucky.key).keys()]).toContain(`vote ${number - 1}`);
      expect(directory.authorities.flatMap(({ store }) => store.contradictions())).toEqual([]);
    },
  );

  it('alone signs no second list for a number either', async () => {
    const config = configured(role);
    mkdirSync(config.data, { mode: 0o700 });
    const options = { authorities: 1, nodes: 5, probesPerPeriod: 0, fileOf: () => dataOf(config, 'authority.db') };
    const directory = await started(options);
    const alone = at(directory.authorities, 0);
    writeFileSync(path.join(folder, 'authority.key'), `${toHex(alone.secretKey)}\n`, { mode: 0o600 });
    const bytes = makeBackup(config, directory.now());
    await directory.periods(1);
    const before = alone.list()?.consensus?.number ?? expect.fail('no list');
    const { digest } = alone.list() ?? expect.fail('no list');
    const other = configured(role, 'new');
    restoreBackup(other, { bytes, source: 'backup' }, { now: directory.now(), replace: false });
    alone.restart(dataOf(other, 'authority.db'));
    at(directory.nodes, 0).rotate();
    await at(directory.nodes, 0).announce();
    await directory.periods(1);
    expect(alone.store.consensuses().map(({ digest: one }) => one)).not.toContain(digest);
    for (const { number } of alone.store.consensuses()) expect(number).not.toBe(before);
    await directory.periods(3);
    expect(alone.list()?.consensus?.number).toBeGreaterThan(before);
  });
});
