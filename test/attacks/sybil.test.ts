import { describe, expect, it } from 'vitest';
import { namedOperators } from '../../src/adapters/mx-operator.js';
import { seededRng } from '../../src/base/random.js';
import { signDescriptor } from '../../src/route/descriptor.js';
import { fakeDirectory, type FakeDirectory, type FakeDirectoryOptions } from '../fakes/directory.js';
import { at, namesIn } from '../directory/stories.js';

// Somebody with a thousand keys: what it costs an authority, and what it gets them.

const plainKey = new Uint8Array(1216).fill(5);

/** Descriptors of nodes that are nobody, at the addresses that `addressOf` gives. */
const sybils = (
  { now, periodMs }: FakeDirectory,
  addressOf: (i: number) => string,
  many: number,
): readonly string[] => {
  const rng = seededRng(new Uint8Array(32).fill(66));
  const publishedAt = Math.floor(now() / 1000) * 1000;
  const span = {
    notBefore: publishedAt,
    notAfter: publishedAt + 30 * periodMs,
    expiresAt: publishedAt + 40 * periodMs,
  };
  return Array.from({ length: many }, (_, i) =>
    signDescriptor(
      {
        name: `sybil${i}`,
        address: addressOf(i),
        roles: ['mix'],
        mixKeys: [{ publicKey: plainKey, ...span }],
        publishedAt,
      },
      rng(32),
    ),
  );
};

/** A network of one authority, flooded. */
const flooded = async (
  { many = 1000, ...options }: FakeDirectoryOptions & { readonly many?: number },
  addressOf: (i: number) => string,
): Promise<{ readonly directory: FakeDirectory; readonly challenges: () => number; readonly rows: () => number }> => {
  const bounds = { candidatesPerHour: 30, candidatesPerOperatorPerHour: 8, probesPerPeriod: 0 };
  const directory = fakeDirectory({ authorities: 1, nodes: 1, ...bounds, ...options });
  const [authority] = directory.authorities;
  if (authority === undefined) throw new Error('no authority');
  const descriptors = sybils(directory, addressOf, many);
  for (let from = 0; from < many; from += 50)
    await directory.mail('eve@evil.test', authority.account.address, descriptors.slice(from, from + 50));
  // The honest node comes last.
  await at(directory.nodes, 0).announce();
  let sent = 0;
  directory.delay = ({ from }) => {
    if (from === authority.account.address) sent++;
    return 0;
  };
  return { directory, challenges: () => sent, rows: () => authority.store.candidateCount() };
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
    const { directory, challenges } = await flooded(
      { many: 100, parameters: { mostPerOperator: 1, topology: { kind: 'free' } }, candidatesPerHour: 1000 },
      (i) => `s${i}@many.test`,
    );
    await directory.periods(1);
    // Two proven at most; those that never answer are asked again only after a period.
    expect(challenges()).toBeLessThanOrEqual(21);
    expect(namesIn(directory)).toEqual(['mix1']);
  });
});
