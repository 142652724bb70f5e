import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayMs, hourMs } from '../../src/base/units.js';
import { agree } from '../../src/council/agree.js';
import { commitOf } from '../../src/council/reveal.js';
import { digestOf } from '../../src/route/document.js';
import { defaultNetworkParameters, type Network } from '../../src/route/network.js';
import { now, signedNode } from '../route/nodes.js';
import {
  agreed,
  authoritiesOf,
  type Ballot,
  ballotOf,
  chainAfter,
  four,
  heard,
  idOf,
  keyOf,
  listFrom,
  memberOf,
  namesIn,
  signedBy,
  today,
} from './council.js';

const nodes = ['alice', 'bob', 'carol'].map((name) => signedNode(name));
const members = nodes.map((text) => memberOf(text));
const ballots = four.map((name) => ballotOf(name, { members }));
const first = listFrom(heard(ballots, nodes));
const why = (result: ReturnType<typeof agree>): unknown =>
  result.kind === 'none' ? [result.why, ...result.missing] : result.kind;

/** The list one period later, when all four say this. */
const after = (previous: Network, says: Parameters<typeof ballotOf>[1], descriptors = nodes): Network =>
  listFrom(
    heard(
      four.map((name) => ballotOf(name, { members, ...chainAfter(previous), ...says })),
      descriptors,
      { previous },
    ),
  );

describe('four authorities that heard one another', () => {
  it('make a first list of the nodes that all know, valid for three periods', () => {
    expect(namesIn(first)).toEqual(['alice', 'bob', 'carol']);
    expect(first.nodes.map(({ text }) => text)).toEqual([...nodes].sort((a, b) => (idIn(a) < idIn(b) ? -1 : 1)));
    expect(first.standings.get(idOf('bob'))?.operator).toBe('bob.example');
    expect([first.validFrom, first.validUntil]).toEqual([now, now + 3 * dayMs]);
    expect(first.parameters).toEqual(defaultNetworkParameters);
    expect(first.previous).toBeUndefined();
    expect(first.consensus).toMatchObject({ number: now / dayMs, periodMs: dayMs, history: [] });
    expect(first.consensus?.authorities).toEqual([...authoritiesOf(four)].sort((a, b) => (a.key < b.key ? -1 : 1)));
  });
  const idIn = (text: string): string => /^node (.*)$/m.exec(text)?.[1] ?? '';

  it('make the same bytes whatever came first', () => {
    const shuffledFour = fc.shuffledSubarray(ballots, { minLength: 4 });
    const { body } = agreed(heard(ballots, nodes));
    fc.assert(
      fc.property(shuffledFour, shuffledFour, fc.shuffledSubarray(nodes, { minLength: 3 }), (some, others, texts) => {
        const input = heard(some, texts, {
          reveals: others.map(({ reveal }) => reveal),
          authorities: authoritiesOf(
            others.map(({ vote }) => four.find((name) => keyOf(name) === vote.authority) ?? ''),
          ),
        });
        expect(agreed(input).body).toBe(body);
      }),
      { numRuns: 30, seed: 1 },
    );
    // What mail brings twice is said once.
    expect(agreed(heard([...ballots, ...ballots], nodes)).body).toBe(body);
    expect(agreed(heard(ballots, nodes)).digest).toBe(first.digest);
  });

  it('order of lines in a vote changes nothing', () => {
    const turned = ballotOf('ben', {
      members: [...members].reverse(),
      authorities: [...authoritiesOf(four)].reverse(),
    });
    expect(agreed(heard([...ballots.filter((one) => one !== ballots[1]), turned], nodes)).digest).toBe(first.digest);
  });

  it('go on without one of them, and not without two', () => {
    const three = ballots.slice(1);
    expect(namesIn(signedBy(agreed(heard(three, nodes)).body, four.slice(1)))).toEqual(['alice', 'bob', 'carol']);
    expect(why(agree(heard(ballots.slice(2), nodes)))).toEqual(['too-few-votes']);
    expect(why(agree(heard([], nodes)))).toEqual(['too-few-votes']);
  });

  it('do not hear strangers, votes for other rounds, or of another network with another period', () => {
    const [ann, ben, cyd] = ballots;
    if (!ann || !ben || !cyd) throw new Error('four');
    const stranger = ballotOf('stranger', { members });
    expect(why(agree(heard([ann, ben, stranger], nodes)))).toEqual(['too-few-votes']);
    const late = ballotOf('cyd', { members, number: first.validFrom / dayMs - 1 });
    expect(why(agree(heard([ann, ben, late], nodes)))).toEqual(['too-few-votes']);
    const hasty = ballotOf('cyd', { members, periodMs: hourMs });
    expect(why(agree(heard([ann, ben, hasty], nodes)))).toEqual(['too-few-votes']);
    expect(agree(heard([ann, ben, cyd, stranger, late], nodes)).kind).toBe('agreed');
  });

  it('one alone is a network as well', () => {
    const alone = ballotOf('ann', { members, authorities: authoritiesOf(['ann']) });
    const input = heard([alone], nodes, { authorities: authoritiesOf(['ann']) });
    expect(namesIn(signedBy(agreed(input).body, ['ann']))).toEqual(['alice', 'bob', 'carol']);
  });
});

describe('a secret', () => {
  const withSecret = (name: string, secret: string): Ballot => ballotOf(name, { members, secret: digestOf(secret) });
  const randomnessOf = (some: readonly Ballot[]): string | undefined =>
    listFrom(heard(some, nodes)).consensus?.randomness;

  it('of any one authority changes the randomness, so nobody knows it before the last is revealed', () => {
    const seen = new Set([randomnessOf(ballots)]);
    four.forEach((name, at) => {
      const changed = ballots.map((one, i) => (i === at ? withSecret(name, 'another') : one));
      seen.add(randomnessOf(changed));
    });
    expect(seen.size).toBe(5);
  });

  it('can not be told from its commit, and a commit fits one authority and one number', () => {
    const secret = digestOf('s');
    const commits = [
      commitOf(keyOf('ann'), 7, secret),
      commitOf(keyOf('ben'), 7, secret),
      commitOf(keyOf('ann'), 8, secret),
      commitOf(keyOf('ann'), 7, digestOf('t')),
    ];
    expect(new Set(commits).size).toBe(4);
    expect(commits[0]).toBe(digestOf(`MixMailer commit 1\n${keyOf('ann')}\n7\n${secret}\n`));
  });

  it('that is withheld takes its author out of the round, and the others go on', () => {
    const input = heard(ballots, nodes);
    const withheld = { ...input, reveals: input.reveals.slice(1) };
    const list = signedBy(agreed(withheld).body, four);
    expect(namesIn(list)).toEqual(['alice', 'bob', 'carol']);
    expect(list.digest).toBe(agreed(heard(ballots.slice(1), nodes)).digest);
    expect(list.consensus?.randomness).not.toBe(first.consensus?.randomness);
  });

  it('that does not fit its commit counts as withheld, also one copied with its commit from another', () => {
    const [ann, ben, cyd] = ballots;
    if (!ann || !ben || !cyd) throw new Error('four');
    const other = withSecret('cyd', 'another').reveal;
    expect(
      why(
        agree({
          ...heard([ann, ben], nodes),
          votes: [ann.vote, ben.vote, cyd.vote],
          reveals: [ann.reveal, ben.reveal, other],
        }),
      ),
    ).toEqual(['too-few-votes']);
    const copied = ballotOf('cyd', { members, commit: ben.vote.commit, secret: ben.reveal.secret });
    expect(why(agree(heard([ann, ben, copied], nodes)))).toEqual(['too-few-votes']);
  });
});

describe('an authority that says two things', () => {
  it('in votes is not heard', () => {
    const twice = [...ballots, ballotOf('dan', { members: members.slice(1) })];
    expect(agreed(heard(twice, nodes)).digest).toBe(agreed(heard(ballots.slice(0, 3), nodes)).digest);
    expect(agreed(heard([...twice].reverse(), nodes)).digest).toBe(agreed(heard(ballots.slice(0, 3), nodes)).digest);
  });

  it('in reveals is not heard', () => {
    const input = heard(ballots, nodes);
    const other = ballotOf('dan', { members: members.slice(1) }).reveal;
    const twice = { ...input, reveals: [...input.reveals, other] };
    expect(agreed(twice).digest).toBe(agreed(heard(ballots.slice(0, 3), nodes)).digest);
  });

  it('and that evidence is held against is not heard in later rounds', () => {
    const input = heard(ballots, nodes, { excluded: new Set([keyOf('dan')]) });
    expect(agreed(input).digest).toBe(agreed(heard(ballots.slice(0, 3), nodes)).digest);
    expect(why(agree({ ...input, excluded: new Set([keyOf('dan'), keyOf('ann')]) }))).toEqual(['too-few-votes']);
  });
});

describe('the chain', () => {
  it('names all lists before, newest first, 32 at most', () => {
    let list = first;
    const digests = [first.digest];
    for (let round = 1; round <= 34; round++) {
      list = after(list, {});
      expect(list.previous).toBe(digests[0]);
      expect(list.consensus?.history.map(({ digest }) => digest)).toEqual(digests.slice(0, 32));
      digests.unshift(list.digest);
    }
    expect(new Set(digests).size).toBe(35);
    expect(list.consensus?.history).toHaveLength(32);
  });

  it('goes over a missed round', () => {
    const later = after(first, { number: now / dayMs + 2 });
    expect(later.consensus?.history).toEqual([{ number: now / dayMs, digest: first.digest }]);
    expect(later.validFrom).toBe(now + 2 * dayMs);
  });

  it('is not continued by who does not hold its last list, nor begun anew by who does', () => {
    const next = four.map((name) => ballotOf(name, { members, ...chainAfter(first) }));
    expect(why(agree(heard(next, nodes)))).toEqual(['no-previous', first.digest]);
    const second = after(first, {});
    expect(why(agree(heard(next, nodes, { previous: second })))).toEqual(['no-previous', first.digest]);
    const anew = four.map((name) => ballotOf(name, { members, number: now / dayMs + 1 }));
    expect(why(agree(heard(anew, nodes, { previous: first })))).toEqual(['no-previous']);
    const twice = { number: today, previous: first.digest, history: [{ number: today - 1, digest: first.digest }] };
    const again = four.map((name) => ballotOf(name, { members, ...twice }));
    expect(why(agree(heard(again, nodes, { previous: first })))).toEqual(['no-previous', first.digest]);
    const byHand: Network = { ...first, consensus: undefined };
    expect(why(agree(heard(next, nodes, { previous: byHand })))).toEqual(['no-previous', first.digest]);
  });

  it('is what more than half of all see; two against two is no list', () => {
    const [here, there] = [chainAfter(first), { ...chainAfter(first), previous: undefined, history: [] }];
    const votes = (...says: (typeof here | typeof there)[]): Ballot[] =>
      says.map((one, i) => ballotOf(four[i] ?? '', { members, ...one }));
    expect(agree(heard(votes(here, here, here, there), nodes, { previous: first })).kind).toBe('agreed');
    expect(why(agree(heard(votes(here, here, there, there), nodes, { previous: first })))).toEqual(['no-previous']);
    // One authority that lies about the past can't stop a first list.
    const liar = ballotOf('dan', { members, previous: digestOf('x'), history: [{ number: 1, digest: digestOf('x') }] });
    expect(agree(heard([...ballots.slice(0, 3), liar], nodes)).kind).toBe('agreed');
  });
});

describe('a node', () => {
  it('that three of four list comes in, and goes when three no longer do', () => {
    const lists = (...has: boolean[]): Ballot[] =>
      four.map((name, i) => ballotOf(name, { members: has[i] === true ? members : members.slice(0, 2) }));
    expect(namesIn(listFrom(heard(lists(true, true, true, false), nodes)))).toContain('carol');
    expect(namesIn(listFrom(heard(lists(true, true, false, false), nodes)))).not.toContain('carol');
    const next = (...has: boolean[]): readonly string[] =>
      namesIn(
        listFrom(
          heard(
            four.map((name, i) =>
              ballotOf(name, { ...chainAfter(first), members: has[i] === true ? members : members.slice(0, 2) }),
            ),
            nodes,
            { previous: first },
          ),
        ),
      );
    expect(next(true, true, false, false)).toContain('carol');
    expect(next(true, false, false, false)).not.toContain('carol');
  });

  it('is in the list with its latest word, also when only one authority has it already', () => {
    const newer = signedNode('carol', { publishedAt: now - hourMs, roles: ['mix'] });
    const lists = four.map((name, i) =>
      ballotOf(name, { members: i === 3 ? [...members.slice(0, 2), memberOf(newer)] : members }),
    );
    const list = listFrom(heard(lists, [...nodes, newer]));
    expect(list.byId.get(idOf('carol'))?.text).toBe(newer);
    // Nobody can bring an older one back.
    const back = four.map((name) => ballotOf(name, { members, ...chainAfter(list) }));
    const next = listFrom(heard(back, nodes, { previous: list }));
    expect(next.byId.get(idOf('carol'))?.text).toBe(newer);
  });

  it('is in the list with the same one of two words of one time', () => {
    const twins = [signedNode('carol', { roles: ['mix'] }), signedNode('carol', { roles: ['exit'] })];
    const votes = (turn: number): Ballot[] =>
      four.map((name, i) =>
        ballotOf(name, { members: [...members.slice(0, 2), memberOf(twins[(i + turn) % 2] ?? '')] }),
      );
    const [smallest] = twins.sort((a, b) => (digestOf(a) < digestOf(b) ? -1 : 1));
    for (const turn of [0, 1])
      expect(listFrom(heard(votes(turn), [...nodes, ...twins])).byId.get(idOf('carol'))?.text).toBe(smallest);
  });

  it('whose descriptor is not at hand holds up the list, when somebody honest must have it', () => {
    const lost = digestOf(nodes[2] ?? '');
    expect(why(agree(heard(ballots, nodes.slice(0, 2))))).toEqual(['no-descriptor', lost]);
    // One authority may name one that does not exist: then the others' word counts.
    const invented = digestOf('nothing');
    const liar = ballotOf('dan', {
      members: members.map((member) => ({ ...member, descriptorDigest: invented })),
    });
    const list = listFrom(heard([...ballots.slice(0, 3), liar], nodes));
    expect(namesIn(list)).toEqual(['alice', 'bob', 'carol']);
    const two = [ballots[0], ballots[1], liar, ballotOf('cyd', { members: liar.vote.members })].filter(
      (one) => one !== undefined,
    );
    expect(why(agree(heard(two, nodes)))).toEqual(['no-descriptor', invented]);
  });

  it('of the list before needs no descriptor at hand', () => {
    const next = four.map((name) => ballotOf(name, { members, ...chainAfter(first) }));
    expect(agree(heard(next, [], { previous: first })).kind).toBe('agreed');
  });

  it('with a forged descriptor, or with one of another node, is as if it were not there', () => {
    const carols = nodes[2] ?? '';
    const wrongs: readonly (readonly [text: string, digest: string])[] = [
      ...[carols.replace('mix@carol', 'mix@mallory'), signedNode('dave'), 'no document'].map(
        (text) => [text, digestOf(text)] as const,
      ),
      // Of this node, and another one than the vote names.
      [signedNode('carol', { roles: ['mix'] }), digestOf('another')],
      ['ä', digestOf('?')],
    ];
    for (const [wrong, digest] of wrongs) {
      const carol = { ...memberOf(carols), descriptorDigest: digest };
      const lists = four.map((name) => ballotOf(name, { members: [...members.slice(0, 2), carol] }));
      const input = heard(lists, nodes);
      const list = listFrom({ ...input, descriptorOf: (one) => (one === digest ? wrong : input.descriptorOf(one)) });
      expect(namesIn(list)).toEqual(['alice', 'bob']);
    }
  });

  it('that leaves is marked when three of four say so, and stays so', () => {
    const [alice, bob, carol] = members;
    if (!alice || !bob || !carol) throw new Error('three');
    const going = { ...carol, standing: { ...carol.standing, leaving: true } };
    const says = (previous: Network, count: number): Network =>
      listFrom(
        heard(
          four.map((name, i) =>
            ballotOf(name, { ...chainAfter(previous), members: [alice, bob, i < count ? going : carol] }),
          ),
          nodes,
          { previous },
        ),
      );
    const isLeaving = (list: Network): boolean | undefined => list.standings.get(idOf('carol'))?.leaving;
    expect(isLeaving(says(first, 2))).toBe(false);
    const marked = says(first, 3);
    expect(isLeaving(marked)).toBe(true);
    expect(isLeaving(says(marked, 2))).toBe(true);
    expect(isLeaving(says(marked, 1))).toBe(false);
  });

  it('must be there', () => {
    expect(
      why(
        agree(
          heard(
            four.map((name) => ballotOf(name)),
            nodes,
          ),
        ),
      ),
    ).toEqual(['no-nodes']);
  });
});

describe('parameters', () => {
  const layers = {
    ...defaultNetworkParameters,
    pathLength: 4,
    topology: { kind: 'layers', successors: [4, 3, 3, 1] },
  } as const;
  const says = (count: number, previous?: Network) =>
    heard(
      four.map((name, i) =>
        ballotOf(name, {
          members,
          ...(previous && chainAfter(previous)),
          ...(i < count ? { parameters: layers } : {}),
        }),
      ),
      nodes,
      { previous },
    );

  it('change one by one when three of four want it', () => {
    expect(listFrom(says(3)).parameters).toEqual(layers);
    expect(listFrom(says(3, first)).parameters).toEqual(layers);
    expect(listFrom(says(2, first)).parameters).toEqual(defaultNetworkParameters);
  });

  it('and authorities of a first list are not half of the council against the other half', () => {
    expect(why(agree(says(2)))).toEqual(['no-parameters']);
    const others = four.map((name, i) =>
      ballotOf(name, { members, authorities: authoritiesOf(i < 2 ? four : ['ann']) }),
    );
    expect(why(agree(heard(others, nodes)))).toEqual(['no-parameters']);
    const next = four.map((name, i) =>
      ballotOf(name, { members, ...chainAfter(first), authorities: authoritiesOf(i < 2 ? four : ['ann']) }),
    );
    expect(listFrom(heard(next, nodes, { previous: first })).consensus?.authorities).toEqual(
      first.consensus?.authorities,
    );
  });
});

describe('inputs', () => {
  it('that differ in anything that counts give another digest, and equal ones never two', () => {
    const variants: readonly (readonly Ballot[])[] = [
      ballots,
      ballots.slice(1),
      ballots.slice(0, 3),
      four.map((name) => ballotOf(name, { members: members.slice(1) })),
      four.map((name) => ballotOf(name, { members, secret: digestOf('same') })),
      four.map((name) => ballotOf(name, { members, number: now / dayMs + 1 })),
    ];
    const digests = variants.map((some) => agreed(heard(some, nodes)).digest);
    expect(new Set(digests).size).toBe(variants.length);
    expect(variants.map((some) => agreed(heard([...some].reverse(), nodes)).digest)).toEqual(digests);
  });
});
