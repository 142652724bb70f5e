import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { namedOperators } from '../../src/adapters/mx-operator.js';
import { seededRng } from '../../src/base/random.js';
import { sliceDirectoryMail } from '../../src/carrier/directory-mail.js';
import { documentsIn } from '../../src/council/documents.js';
import { readChallenge, signAnswer } from '../../src/council/membership.js';
import { signDescriptor } from '../../src/route/descriptor.js';
import { fakeDirectory, type FakeDirectory, type FakeDirectoryOptions } from '../fakes/directory.js';
import { at, namesIn } from '../directory/stories.js';

// Somebody with a thousand keys: what it costs an authority, and what it gets them.

const plainKey = new Uint8Array(1216).fill(5);

/** A node that is nobody. */
interface Sybil {
  readonly address: string;
  readonly identity: Uint8Array;
  readonly descriptor: string;
}

/** As many of them as wanted, at the addresses that `addressOf` gives. */
const sybils = ({ now, periodMs }: FakeDirectory, addressOf: (i: number) => string, many: number): readonly Sybil[] => {
  const rng = seededRng(new Uint8Array(32).fill(66));
  const publishedAt = Math.floor(now() / 1000) * 1000;
  const span = {
    notBefore: publishedAt,
    notAfter: publishedAt + 30 * periodMs,
    expiresAt: publishedAt + 40 * periodMs,
  };
  return Array.from({ length: many }, (_, i) => {
    const [address, identity] = [addressOf(i), rng(32)];
    const mixKeys = [{ publicKey: plainKey, ...span }];
    const draft = { name: `sybil${i}`, address, roles: ['mix'] as const, mixKeys, publishedAt };
    return { address, identity, descriptor: signDescriptor(draft, identity) };
  });
};

interface Flooded {
  readonly directory: FakeDirectory;
  /** Mails of the authority so far. */
  readonly challenges: () => number;
  readonly rows: () => number;
  /** Sybils that have proven their mailboxes. */
  readonly proven: () => number;
  /** Lets all take turns until that time has come; the owner of the sybils reads their mail and answers each challenge. */
  readonly answerUntil: (at: number) => Promise<void>;
}

/** A network of one authority, flooded. */
const flooded = async (
  { many = 1000, ...options }: FakeDirectoryOptions & { readonly many?: number },
  addressOf: (i: number) => string,
): Promise<Flooded> => {
  const bounds = { candidatesPerHour: 30, candidatesPerOperatorPerHour: 8, probesPerPeriod: 0 };
  const directory = fakeDirectory({ authorities: 1, nodes: 1, ...bounds, ...options });
  const [authority] = directory.authorities;
  if (authority === undefined) throw new Error('no authority');
  const all = sybils(directory, addressOf, many);
  const byAddress = new Map(all.map((sybil) => [sybil.address, sybil]));
  const descriptors = all.map(({ descriptor }) => descriptor);
  for (let from = 0; from < many; from += 50)
    await directory.mail('eve@evil.test', authority.account.address, descriptors.slice(from, from + 50));
  // The honest node comes last.
  await at(directory.nodes, 0).announce();
  let sent = 0;
  let answers: { readonly from: string; readonly text: string }[] = [];
  directory.delay = ({ from, to, raw }) => {
    if (from !== authority.account.address) return 0;
    sent++;
    const sybil = byAddress.get(to);
    const bounds = { compression: nodeCompression, mostBytes: 1e6 };
    for (const { kind, text } of documentsIn(sliceDirectoryMail(raw, nodeBase64, bounds) ?? ''))
      if (kind === 'challenge' && sybil !== undefined)
        answers.push({ from: to, text: signAnswer(readChallenge(text), sybil.identity) });
    return 0;
  };
  const answerUntil = async (until: number): Promise<void> => {
    while (directory.now() < until) {
      await directory.runUntil(Math.min(until, directory.now() + directory.periodMs / 16));
      const due = answers;
      answers = [];
      for (const { from, text } of due) await directory.mail(from, authority.account.address, [text]);
    }
  };
  return {
    directory,
    challenges: () => sent,
    rows: () => authority.store.candidateCount(),
    proven: () => authority.store.members().filter(({ name }) => name.startsWith('sybil')).length,
    answerUntil,
  };
};

describe('a thousand descriptors', { timeout: 120_000 }, () => {
  it('for mailboxes of one domain cost twenty rows and a few mails an hour', async () => {
    const { directory, challenges, rows } = await flooded({}, (i) => `s${i}@many.test`);
    await directory.periods(1);
    expect(rows()).toBeLessThanOrEqual(20);
    // A turn is an hour and a half, and all it would ask are asked within three.
    expect(challenges()).toBeLessThanOrEqual(21);
    expect(namesIn(directory)).toEqual(['mix1']);
  });

  it('under a thousand domains whose mail one company takes cost eight mails an hour', async () => {
    const operators = { ...namedOperators, operatorOf: () => Promise.resolve('company.test') };
    const { directory, challenges, rows } = await flooded({ operators }, (i) => `mix@s${i}.test`);
    await directory.runUntil(directory.now() + directory.periodMs / 2);
    expect(rows()).toBeLessThanOrEqual(1000);
    expect(challenges()).toBeLessThanOrEqual(8 * 8);
  });

  it('under a thousand domains of their own cost thirty mails an hour, and the honest node gets its turn', async () => {
    const { directory, challenges } = await flooded({ candidatesPerHour: 30 }, (i) => `mix@s${i}.test`);
    await directory.runUntil(directory.now() + directory.periodMs / 2);
    expect(challenges()).toBeLessThanOrEqual(8 * 30);
    for (let i = 0; i < 2; i++) {
      // As nodes do that are in no list.
      await at(directory.nodes, 0).announce();
      await directory.periods(1);
    }
    expect(namesIn(directory)).toEqual(['mix1']);
  });

  it('cost no question at all beyond what a list can hold of one operator', async () => {
    const { directory, challenges, proven, answerUntil } = await flooded(
      { many: 100, parameters: { mostPerOperator: 1, topology: { kind: 'free' } }, candidatesPerHour: 1000 },
      (i) => `s${i}@many.test`,
    );
    await answerUntil(directory.now() + 3 * directory.periodMs);
    // Two are asked and prove what they hold: one for the list, and one if that goes. And the honest node, and its changed word.
    expect(proven()).toBe(2);
    expect(challenges()).toBeLessThanOrEqual(5);
    expect(namesIn(directory)).toEqual(['mix1', expect.stringMatching(/^sybil/)]);
  });
});

describe('a thousand nodes whose owner answers every challenge', { timeout: 120_000 }, () => {
  const two = { parameters: { mostPerOperator: 2 } };

  it('are two in the list, where their mailboxes are of one domain', async () => {
    const { directory, proven, challenges, answerUntil } = await flooded(two, (i) => `s${i}@many.test`);
    for (let period = 1; period <= 3; period++) {
      await answerUntil(directory.now() + directory.periodMs);
      expect(namesIn(directory)).toEqual(['mix1', expect.stringMatching(/^sybil/), expect.stringMatching(/^sybil/)]);
    }
    expect(proven()).toBe(4);
    expect(challenges()).toBeLessThanOrEqual(4 + 3);
  });

  it('are two in the list, where one company takes the mail of their domains', async () => {
    const operatorOf = (domain: string): Promise<string> =>
      Promise.resolve(domain === 'mix1.test' ? domain : 'company.test');
    const operators = { ...namedOperators, operatorOf };
    const { directory, proven, answerUntil } = await flooded({ ...two, operators }, (i) => `mix@s${i}.test`);
    await answerUntil(directory.now() + 2 * directory.periodMs);
    expect(proven()).toBe(4);
    expect(namesIn(directory).filter((name) => name.startsWith('sybil'))).toHaveLength(2);
  });

  it('are as many operators as they have domains of their own, and keep nobody out', async () => {
    const { directory, proven, answerUntil } = await flooded({ ...two, many: 40 }, (i) => `mix@s${i}.test`);
    await answerUntil(directory.now() + directory.periodMs);
    expect(proven()).toBe(40);
    expect(namesIn(directory)).toHaveLength(41);
    expect(namesIn(directory)).toContain('mix1');
  });
});
