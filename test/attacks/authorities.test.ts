import { describe, expect, it } from 'vitest';
import { digestOf } from '../../src/route/document.js';
import { readVote } from '../../src/council/vote.js';
import { readReveal } from '../../src/council/reveal.js';
import { started } from '../fakes/directory.js';
import { liarIn, nextRound, saidBy } from '../directory/liar.js';
import { at, digestsOf, namesIn } from '../directory/stories.js';

// Authorities that lie. Four of them, of which three make a list.

const small = { nodes: 3, probesPerPeriod: 0 } as const;

/** The digests of those whose process runs are one, and of the number that is wanted. */
const expectAgreement = (directory: Awaited<ReturnType<typeof started>>): void => {
  expect(new Set(digestsOf(directory)).size).toBe(1);
  const list = directory.authorities.find(({ isDead }) => !isDead)?.list();
  expect(list?.consensus?.number).toBe(Math.floor(directory.now() / directory.periodMs));
};

const contradictionsAt = (directory: Awaited<ReturnType<typeof started>>): readonly string[] =>
  directory.authorities
    .filter(({ isDead }) => !isDead)
    .map(({ store }) =>
      store
        .contradictions()
        .map(({ authority, kind }) => `${kind} ${authority}`)
        .join(),
    );

describe('an authority that says one thing here and another there', () => {
  it('in its votes: all find out in the same round, keep the proof, and go on without it', async () => {
    const directory = await started(small);
    const liar = liarIn(directory, 3);
    const { number, voteAt, revealAt, validFrom } = nextRound(directory);
    const [a, b, c] = liar.honest;
    await directory.runUntil(voteAt);
    await liar.tell(
      [a, b].flatMap((one) => one ?? []),
      [liar.vote(number)],
    );
    await liar.tell(
      [c].flatMap((one) => one ?? []),
      [liar.vote(number, ({ members }) => ({ members: members.slice(1) }))],
    );
    await directory.runUntil(revealAt);
    await liar.tell(liar.honest, [liar.reveal(number)]);
    await directory.runUntil(validFrom);
    expectAgreement(directory);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2', 'mix3']);
    expect(contradictionsAt(directory)).toEqual(liar.honest.map(() => `vote ${liar.key}`));
    for (const { logged } of liar.honest) expect(logged.join('\n')).toContain('directory/contradiction');

    // What it says for the next number counts for nothing, however well it behaves.
    const next = nextRound(directory);
    await directory.runUntil(next.voteAt);
    await liar.tell(liar.honest, [liar.vote(next.number)]);
    await directory.runUntil(next.revealAt);
    await liar.tell(liar.honest, [liar.reveal(next.number)]);
    await directory.runUntil(next.validFrom);
    expectAgreement(directory);
    expect(at(directory.authorities, 0).list()?.consensus?.randomness).toBe(
      randomnessOf(
        directory,
        next.number,
        liar.honest.map(({ key }) => key),
      ),
    );
  });

  it('in its reveals: nothing is lost, and the proof is kept', async () => {
    const directory = await started(small);
    const liar = liarIn(directory, 3);
    const { number, voteAt, revealAt, validFrom } = nextRound(directory);
    await directory.runUntil(voteAt);
    await liar.tell(liar.honest, [liar.vote(number)]);
    await directory.runUntil(revealAt);
    const [first, ...others] = liar.honest;
    await liar.tell(
      [first].flatMap((one) => one ?? []),
      [liar.reveal(number)],
    );
    await liar.tell(others, [liar.reveal(number, new Map([[liar.key, '00'.repeat(32)]]))]);
    await directory.runUntil(validFrom);
    expectAgreement(directory);
    expect(contradictionsAt(directory)).toEqual(liar.honest.map(() => `reveal ${liar.key}`));
  });

  it('in what it signs: the others compare in the next round, and no round is lost', async () => {
    const directory = await started(small);
    const liar = liarIn(directory, 3);
    const { number, signAt, validFrom } = nextRound(directory);
    await directory.runUntil(signAt);
    const right = at(liar.honest, 0).store.signedBody(number) ?? '';
    expect(right).toContain('mixmailer-network 1');
    await liar.tell(liar.honest.slice(0, 1), [liar.endorse(number, right)]);
    await liar.tell(liar.honest.slice(1), [liar.endorse(number, right.replace('path-length 3', 'path-length 1'))]);
    await directory.runUntil(validFrom);
    expectAgreement(directory);
    await directory.periods(1);
    expectAgreement(directory);
    expect(contradictionsAt(directory)).toEqual(liar.honest.map(() => `endorsement ${liar.key}`));
  });

  it('to one only, and nothing to the others: what one has, all have', async () => {
    const directory = await started(small);
    const liar = liarIn(directory, 3);
    const { number, voteAt, revealAt, validFrom } = nextRound(directory);
    await directory.runUntil(voteAt);
    await liar.tell(liar.honest, [liar.vote(number)]);
    await directory.runUntil(revealAt);
    await liar.tell(liar.honest.slice(2), [liar.reveal(number)]);
    await directory.runUntil(validFrom);
    expectAgreement(directory);
    const keys = directory.authorities.map(({ key }) => key);
    expect(at(directory.authorities, 0).list()?.consensus?.randomness).toBe(
      randomnessOf(directory, number, keys, liar),
    );
  });
});

/** The randomness that the secrets of these make, reckoned by the specification. */
const randomnessOf = (
  { authorities }: Awaited<ReturnType<typeof started>>,
  number: number,
  keys: readonly string[],
  liar?: { readonly key: string; readonly secret: string },
): string => {
  const listener = at(authorities, 0);
  const lines = keys.toSorted().map((key) => {
    const secret = key === liar?.key ? liar.secret : readReveal(saidBy(listener, 'reveal', number, key)).secret;
    return `${key} ${secret}\n`;
  });
  const { previous } = readVote(saidBy(listener, 'vote', number, listener.key));
  return digestOf(`MixMailer randomness 1\n${number}\n${previous ?? '-'}\n${lines.join('')}`);
};

describe('an authority that waits for the secrets of the others', () => {
  it('has no part in the randomness: a vote that comes after they are open does not count', async () => {
    const directory = await started(small);
    const liar = liarIn(directory, 3);
    const { number, echoAt, validFrom } = nextRound(directory);
    // Secrets are open, and have not been handed on.
    await directory.runUntil(echoAt - directory.periodMs / 16);
    expect(at(liar.honest, 0).store.councilDocuments(number, 'reveal').length).toBeGreaterThan(1);
    await liar.tell(liar.honest, [liar.vote(number), liar.reveal(number)]);
    await directory.runUntil(validFrom);
    expectAgreement(directory);
    const keys = liar.honest.map(({ key }) => key);
    expect(at(directory.authorities, 0).list()?.consensus?.randomness).toBe(randomnessOf(directory, number, keys));
  });
});

describe('liars that stay below a threshold', () => {
  it('one changes nothing: not who is in, not the parameters, not a standing', async () => {
    const directory = await started(small);
    const eve = directory.addNode('eve', 'eve@evil.test');
    const descriptor = eve.descriptor();
    const liar = liarIn(directory, 3);
    const { number, voteAt, revealAt, validFrom } = nextRound(directory);
    await directory.runUntil(voteAt);
    await liar.tell(liar.honest, [
      liar.vote(number, ({ parameters }) => ({
        parameters: { ...parameters, pathLength: 1, strategy: { kind: 'pool', minimum: 1, rate: 0.75 } },
        members: [
          {
            nodeId: eve.nodeId,
            descriptorDigest: digestOf(descriptor),
            standing: {
              operator: 'evil.test',
              deliveredPerMille: 1000,
              medianMs: 0,
              p90Ms: 0,
              leaving: false,
            },
          },
        ],
      })),
      descriptor,
    ]);
    await directory.runUntil(revealAt);
    await liar.tell(liar.honest, [liar.reveal(number)]);
    await directory.runUntil(validFrom);
    expectAgreement(directory);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2', 'mix3']);
    expect(at(directory.authorities, 0).list()?.parameters.pathLength).toBe(3);
    expect(contradictionsAt(directory)).toEqual(['', '', '']);
  });

  it('two of four put no node in, and make no list of their own', async () => {
    const directory = await started(small);
    const eve = directory.addNode('eve', 'eve@evil.test');
    const descriptor = eve.descriptor();
    const liars = [liarIn(directory, 2), liarIn(directory, 3)];
    const honest = directory.authorities.slice(0, 2);
    const { number, voteAt, revealAt, signAt, validFrom } = nextRound(directory);
    await directory.runUntil(voteAt);
    for (const liar of liars)
      await liar.tell(honest, [
        liar.vote(number, ({ members }) => ({
          members: [
            ...members,
            {
              nodeId: eve.nodeId,
              descriptorDigest: digestOf(descriptor),
              standing: {
                operator: 'evil.test',
                deliveredPerMille: undefined,
                medianMs: undefined,
                p90Ms: undefined,
                leaving: false,
              },
            },
          ],
        })),
        descriptor,
      ]);
    await directory.runUntil(revealAt);
    for (const liar of liars) {
      const seen = new Map(honest.map(({ key }) => [key, readVote(saidBy(at(honest, 0), 'vote', number, key)).digest]));
      await liar.tell(honest, [liar.reveal(number, seen)]);
    }
    await directory.runUntil(signAt);
    const right = at(honest, 0).store.signedBody(number) ?? '';
    expect(right).not.toContain('name eve');
    // They sign what they like; then nobody makes a list, and the old one goes on.
    const wrong = right.replace('path-length 3', 'path-length 1');
    for (const liar of liars) await liar.tell(honest, [liar.endorse(number, wrong)]);
    await directory.runUntil(validFrom);
    for (const one of honest) expect(one.list()?.consensus?.number).toBe(number - 1);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2', 'mix3']);
  });
});

describe('documents of earlier rounds', () => {
  it('sent again change nothing, and are no contradiction', async () => {
    const directory = await started(small);
    const old = directory.world.observed.filter(({ to }) => to.startsWith('dir@'));
    expect(old.length).toBeGreaterThan(30);
    const { revealAt } = nextRound(directory);
    for (const until of [revealAt, directory.now() + 2 * directory.periodMs]) {
      for (const { to, raw } of old) directory.world.account(to).mailbox.put(raw);
      await directory.runUntil(until);
    }
    await directory.periods(1);
    expectAgreement(directory);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2', 'mix3']);
    expect(contradictionsAt(directory)).toEqual(['', '', '', '']);
  });
});
