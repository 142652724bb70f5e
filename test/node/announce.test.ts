import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileKeys } from '../../src/adapters/file-keys.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { sqliteMixStore } from '../../src/adapters/sqlite-mix-store.js';
import { RouteError } from '../../src/base/errors.js';
import { type NodeId, nodeIdOf } from '../../src/base/ids.js';
import { fromHex } from '../../src/base/bytes.js';
import { seededRng } from '../../src/base/random.js';
import { dayMs, hourMs } from '../../src/base/units.js';
import { sliceDirectoryMail } from '../../src/carrier/directory-mail.js';
import { documentsIn } from '../../src/council/documents.js';
import { readAnswer, readLeave, signChallenge } from '../../src/council/membership.js';
import { type AnnounceDeps, announceOnce, type Profile, takeChallenge } from '../../src/node/announce.js';
import { Published } from '../../src/node/published.js';
import { leaveNetwork, stayInNetwork } from '../../src/node/leave.js';
import { readDescriptor } from '../../src/route/descriptor.js';
import { publicKeyOf } from '../../src/route/document.js';
import { epochAt, epochSpan } from '../../src/route/epoch.js';
import { defaultNetworkParameters, inspectNetwork, type Network, signNetwork } from '../../src/route/network.js';

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-announce-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const secretOf = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
const [ann, ben, stranger] = [secretOf(1), secretOf(2), secretOf(3)];
const authorities = [
  { key: publicKeyOf(ann), address: 'ann@one.test' },
  { key: publicKeyOf(ben), address: 'ben@two.test' },
];
const startAt = Date.UTC(2026, 0, 15);
const rule = { lengthMs: 2 * dayMs, graceMs: 7 * dayMs };

/** A list of one node as authorities make it. */
const listOf = (descriptor: string, now: number, isLeaving = false): Network => {
  const { nodeId } = readDescriptor(descriptor);
  const standing = { operator: 'mix.test', deliveredPerMille: undefined, medianMs: undefined, p90Ms: undefined };
  const text = signNetwork(
    {
      validFrom: now,
      validUntil: now + 3 * dayMs,
      parameters: defaultNetworkParameters,
      descriptors: [descriptor],
      standings: new Map([[nodeId, { ...standing, leaving: isLeaving }]]),
    },
    ann,
  );
  return inspectNetwork(text, []).network;
};

const node = () => {
  const rng = seededRng(secretOf(9));
  const keyStore = fileKeys(folder, { rng, spanAt: (at) => epochSpan(rule, epochAt(rule, at)) });
  const store = sqliteMixStore(':memory:');
  const self: NodeId = nodeIdOf(fromHex(publicKeyOf(keyStore.identity())) ?? new Uint8Array(32));
  const seen: { now: number; network: Network | undefined } = { now: startAt, network: undefined };
  const depsOf = (profile: Partial<Profile> = {}): AnnounceDeps => ({
    store,
    keyStore,
    self,
    profile: {
      name: 'mix',
      accounts: [{ address: 'mix@mix.test', provider: 'mix.test' }],
      isExit: false,
      ...profile,
    },
    directory: {
      network: () => {
        if (seen.network === undefined) throw new RouteError('route/no-list', 'none yet');
        return seen.network;
      },
    },
    authorities,
    periodMs: dayMs,
    base64: nodeBase64,
    compression: nodeCompression,
    rng,
  });
  /** Recipients and documents of the mails that wait, which are then sent. */
  const sent = (): { to: string; kind: string; text: string }[] =>
    store.dueOutgoing(seen.now).flatMap((id) => {
      const mail = store.beginAttempt(id, seen.now);
      store.removeOutgoing(id);
      if (mail === undefined) return [];
      const text = sliceDirectoryMail(mail.raw, nodeBase64, { compression: nodeCompression, mostBytes: 100_000 });
      return documentsIn(text ?? '').map((document) => ({ to: mail.to, ...document }));
    });
  const announce = (deps = depsOf()): { to: string; kind: string; text: string }[] => {
    announceOnce(deps, seen.now);
    return sent();
  };
  return { depsOf, seen, sent, announce, keyStore, self, store };
};

describe('a node with two accounts', () => {
  const accounts = [
    { address: 'mix@mix.test', provider: 'mix.test' },
    { address: 'mix2@mix.test', provider: 'mail.test' },
  ] as const;

  it('names the one that packets go to, and the other as a sender', () => {
    const { announce, depsOf } = node();
    const [mail = expect.fail()] = announce(depsOf({ accounts }));
    expect(readDescriptor(mail.text)).toMatchObject({
      ...{ address: 'mix@mix.test', provider: 'mix.test', senders: ['mix2@mix.test'] },
    });
  });

  it('announces the other address when its first mailbox can’t be read, and answers what is asked there', () => {
    const { announce, depsOf, seen, store, self, sent } = node();
    const log = { info: () => undefined, warn: () => undefined };
    const published = new Published({ store, addresses: accounts.map(({ address }) => address), pollMs: 0, log });
    const deps = { ...depsOf({ accounts }), published };
    const [first = expect.fail()] = announce(deps);
    seen.network = listOf(first.text, seen.now);
    seen.now += hourMs;
    published.read('mix2@mix.test', seen.now);
    expect(announce(deps)).toEqual([]);
    seen.now += 2 * hourMs - 1;
    published.read('mix2@mix.test', seen.now);
    seen.now += dayMs / 2;
    published.read('mix2@mix.test', seen.now);
    const [mail = expect.fail()] = announce(deps);
    expect(readDescriptor(mail.text)).toMatchObject({
      ...{ address: 'mix2@mix.test', provider: 'mail.test', senders: ['mix@mix.test'] },
    });
    const challenge = (address: string): string =>
      signChallenge({ nodeId: self, address, nonce: 'cd'.repeat(32) }, ann);
    for (const { address } of accounts) {
      takeChallenge(deps, { kind: 'challenge', text: challenge(address) }, seen.now);
      expect(sent().map(({ kind }) => kind)).toEqual(['answer']);
    }
    takeChallenge(deps, { kind: 'challenge', text: challenge('mix3@mix.test') }, seen.now);
    expect(sent()).toEqual([]);
  });
});

describe('a node that has joined', () => {
  it('mails its descriptor to all authorities, at most twice a period, until the list has it', () => {
    const { announce, seen } = node();
    const first = announce();
    expect(first.map(({ to, kind }) => [to, kind])).toEqual([
      ['ann@one.test', 'descriptor'],
      ['ben@two.test', 'descriptor'],
    ]);
    seen.now += 11 * hourMs;
    expect(announce()).toEqual([]);
    seen.now += hourMs;
    // The same bytes: an authority that is asking about them need not ask again.
    expect(announce()).toEqual(first);
    seen.network = listOf(first[0]?.text ?? '', seen.now);
    seen.now += 12 * hourMs;
    expect(announce()).toEqual([]);
  });

  it('signs nothing to see that the list says so already', () => {
    const { announce, depsOf, seen, keyStore } = node();
    const [{ text } = expect.fail('nothing mailed')] = announce();
    seen.network = listOf(text, seen.now);
    seen.now += 12 * hourMs;
    let signatures = 0;
    const identity = (): Uint8Array => {
      signatures++;
      return keyStore.identity();
    };
    const deps: AnnounceDeps = { ...depsOf(), keyStore: { ...keyStore, identity } };
    expect(announce(deps)).toEqual([]);
    expect(signatures).toBe(0);
    seen.network = undefined;
    announce({ ...deps, profile: { ...deps.profile, name: 'other' } });
    expect(signatures).toBe(1);
  });

  it('offers the keys that begin within five periods, and announces the next one when it comes that near', () => {
    const { announce, seen } = node();
    const keysIn = (text = ''): number[] => readDescriptor(text).mixKeys.map(({ notBefore }) => notBefore);
    const [first] = announce();
    const begin = epochSpan(rule, epochAt(rule, startAt)).notBefore;
    const expected = [0, 1, 2, 3].map((i) => begin + i * rule.lengthMs).filter((at) => at < startAt + 5 * dayMs);
    expect(keysIn(first?.text)).toEqual(expected);
    seen.network = listOf(first?.text ?? '', seen.now);
    seen.now = (expected.at(-1) ?? 0) + rule.lengthMs - 5 * dayMs + 1;
    const [next] = announce();
    expect(keysIn(next?.text).at(-1)).toBe((expected.at(-1) ?? 0) + rule.lengthMs);
  });

  it('announces another name or address, and becoming an exit', () => {
    const { announce, depsOf, seen } = node();
    seen.network = listOf(announce()[0]?.text ?? '', seen.now);
    for (const change of [{ name: 'other' }, { address: 'new@mix.test' }, { isExit: true }, { provider: 'big.test' }]) {
      seen.now += dayMs;
      expect(announce(depsOf(change))).toHaveLength(2);
    }
  });
});

describe('what a node says of its account', () => {
  const periodMs = 6 * hourMs;
  const figures = (free: number) => ({ periodMs, figures: () => ({ capacity: { perDay: 300, free } }) });

  it('is in its descriptor, and mailed again when it has changed by a factor of two, once a period', () => {
    const { announce, depsOf, seen } = node();
    const [first] = announce({ ...depsOf(), ...figures(200) });
    expect(readDescriptor(first?.text ?? '').capacity).toEqual({ perDay: 300, free: 200 });
    seen.network = listOf(first?.text ?? '', seen.now);
    seen.now += periodMs;
    expect(announce({ ...depsOf(), ...figures(110) })).toEqual([]);
    const [second] = announce({ ...depsOf(), ...figures(100) });
    expect(readDescriptor(second?.text ?? '').capacity).toEqual({ perDay: 300, free: 100 });
    // No list has it yet, and much has changed once more.
    seen.now += periodMs - 1;
    expect(announce({ ...depsOf(), ...figures(10) })).toEqual([]);
    seen.now += 1;
    expect(announce({ ...depsOf(), ...figures(10) })).toHaveLength(2);
  });

  it('does not keep a new name waiting', () => {
    const { announce, depsOf, seen } = node();
    seen.network = listOf(announce({ ...depsOf(), ...figures(200) })[0]?.text ?? '', seen.now);
    seen.now += periodMs / 2;
    expect(announce({ ...depsOf({ name: 'other' }), ...figures(200) })).toHaveLength(2);
  });
});

describe('a challenge', () => {
  const nonce = 'ab'.repeat(32);
  const challengeBy = (secretKey: Uint8Array, nodeId: NodeId, address = 'mix@mix.test') => ({
    kind: 'challenge',
    text: signChallenge({ nodeId, address, nonce }, secretKey),
  });

  it('is answered to the address that the authority has in the configuration', () => {
    const { depsOf, sent, self, seen } = node();
    expect(takeChallenge(depsOf(), challengeBy(ben, self), seen.now)).toBe(true);
    const answers = sent();
    expect(answers.map(({ to, kind }) => [to, kind])).toEqual([['ben@two.test', 'answer']]);
    expect(readAnswer(answers[0]?.text ?? '')).toMatchObject({ nodeId: self, authority: publicKeyOf(ben), nonce });
  });

  it('of a stranger, for another node, for another mailbox, or damaged is not answered', () => {
    const { depsOf, sent, self, seen } = node();
    const good = challengeBy(ann, self);
    for (const challenge of [
      challengeBy(stranger, self),
      challengeBy(ann, nodeIdOf(secretOf(7))),
      challengeBy(ann, self, 'mallory@mix.test'),
      { ...good, text: good.text.replace(nonce, 'cd'.repeat(32)) },
      { ...good, text: 'mixmailer-challenge 1\n' },
    ])
      expect(takeChallenge(depsOf(), challenge, seen.now)).toBe(true);
    expect(sent()).toEqual([]);
    expect(takeChallenge(depsOf(), { ...good, kind: 'network' }, seen.now)).toBe(false);
  });

  it('that comes again and again is answered four times a period', () => {
    const { depsOf, sent, self, seen } = node();
    const again = (): void => void takeChallenge(depsOf(), challengeBy(ann, self), seen.now);
    for (let i = 0; i < 9; i++) again();
    expect(sent()).toHaveLength(4);
    seen.now += dayMs + 1;
    again();
    expect(sent()).toHaveLength(1);
  });
});

describe('a node that leaves', () => {
  const leave = async ({ depsOf, seen }: ReturnType<typeof node>) =>
    leaveNetwork(
      { ...depsOf(), clock: { now: () => seen.now }, post: () => Promise.resolve() },
      AbortSignal.timeout(1000),
    );

  it('tells the authorities at once, and again until the list says so; and how long it has work', async () => {
    const one = node();
    const { announce, seen, sent, self } = one;
    const descriptor = announce()[0]?.text ?? '';
    seen.network = listOf(descriptor, seen.now);
    seen.now += hourMs;
    const farewell = await leave(one);
    const told = sent();
    expect(told.map(({ to, kind }) => [to, kind])).toEqual([
      ['ann@one.test', 'leave'],
      ['ben@two.test', 'leave'],
    ]);
    expect(readLeave(told[0]?.text ?? '').nodeId).toBe(self);
    // Named as leaving in three lists, the last of which is valid for three periods.
    expect(farewell.listedUntil).toBe(startAt + 7 * dayMs);
    expect(farewell.openedUntil).toBe(
      Math.max(...readDescriptor(descriptor).mixKeys.map(({ expiresAt }) => expiresAt)),
    );
    seen.now += 13 * hourMs;
    expect(announce()).toEqual(told);
    seen.network = listOf(descriptor, seen.now, true);
    seen.now += dayMs;
    expect(announce()).toEqual([]);
  });

  it('announces itself again when it stays after all', async () => {
    const one = node();
    const { announce, seen, sent, store } = one;
    const descriptor = announce()[0]?.text ?? '';
    seen.network = listOf(descriptor, seen.now, true);
    await leave(one);
    sent();
    stayInNetwork({ store });
    seen.now += dayMs;
    expect(announce().map(({ kind }) => kind)).toEqual(['descriptor', 'descriptor']);
  });

  it('that was never in a list tells it too: it may be in the next one', async () => {
    const one = node();
    one.announce();
    await leave(one);
    expect(one.sent().map(({ kind }) => kind)).toEqual(['leave', 'leave']);
  });
});
