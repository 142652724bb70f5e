import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dayMs, hourMs, secondMs } from '../../src/base/units.js';
import { agree } from '../../src/council/agree.js';
import { moved } from '../../src/council/majority.js';
import type { VoteDraft, VoteMember } from '../../src/council/vote.js';
import { defaultNetworkParameters, type Network, type Standing } from '../../src/route/network.js';
import { now, signedNode } from '../route/nodes.js';
import { authoritiesOf, ballotOf, chainAfter, four, heard, idOf, listFrom, memberOf, namesIn } from './council.js';

// Two of four authorities lie together. They know what the honest two say, and are heard by all alike.

const nodes = ['alice', 'bob', 'carol'].map((name) => signedNode(name));
const measured = (perMille: number, seconds: number): Partial<Standing> => ({
  deliveredPerMille: perMille,
  medianMs: seconds * secondMs,
  p90Ms: 2 * seconds * secondMs,
});
const honestMembers = nodes.map((text) => memberOf(text, measured(900, 600)));
const honest = { members: honestMembers };
const first = listFrom(
  heard(
    four.map((name) => ballotOf(name, honest)),
    nodes,
  ),
);

/** The next list, when two are honest and two say this; whoever of the liars has the smaller or greater key. */
const lists = (lies: Partial<VoteDraft>, more: readonly string[] = []): readonly Network[] =>
  [
    ['ann', 'ben'],
    ['cyd', 'dan'],
    ['ann', 'dan'],
  ].map((liars) =>
    listFrom(
      heard(
        four.map((name) =>
          ballotOf(name, { ...chainAfter(first), ...(liars.includes(name) ? { ...honest, ...lies } : honest) }),
        ),
        [...nodes, ...more],
        { previous: first },
      ),
    ),
  );

const standingsOf = (network: Network): unknown => Object.fromEntries(network.standings);

describe('two liars of four', () => {
  it('can not add a node', () => {
    const mallory = signedNode('mallory');
    for (const list of lists({ members: [...honestMembers, memberOf(mallory)] }, [mallory]))
      expect(namesIn(list)).toEqual(['alice', 'bob', 'carol']);
  });

  it('can not drop a node that all honest ones list, nor have it avoided', () => {
    for (const list of lists({ members: honestMembers.slice(0, 1) }))
      expect(namesIn(list)).toEqual(['alice', 'bob', 'carol']);
    const leaving = honestMembers.map((one) => ({ ...one, standing: { ...one.standing, leaving: true } }));
    for (const list of lists({ members: leaving })) expect(standingsOf(list)).toEqual(standingsOf(first));
  });

  it('can not change a parameter', () => {
    const parameters = {
      pathLength: 1,
      mixSchedule: '* * * * *',
      strategy: { kind: 'pool', minimum: 1, rate: 0.000001 },
      topology: { kind: 'layers', successors: [1] },
      mostPerOperator: 1,
    } as const;
    for (const list of lists({ parameters })) expect(list.parameters).toEqual(defaultNetworkParameters);
  });

  it('can not name other authorities', () => {
    for (const list of lists({ authorities: authoritiesOf(['aaron', 'ann']) }))
      expect(list.consensus?.authorities).toEqual(first.consensus?.authorities);
  });

  it('can not change who runs a mailbox, of a node that is there or of one that comes', () => {
    const rename = (members: readonly VoteMember[], operator: string): VoteMember[] =>
      members.map((one) => ({ ...one, standing: { ...one.standing, operator } }));
    for (const operator of ['a.example', 'zzz.example'])
      for (const list of lists({ members: rename(honestMembers, operator) }))
        expect(standingsOf(list)).toEqual(standingsOf(first));
    // A new node is not in the list before three of four agree who runs its mailbox.
    const dave = signedNode('dave');
    const says = (operator: string): VoteMember[] => [...honestMembers, memberOf(dave, { operator })];
    const [two, three] = [2, 3].map((count) =>
      listFrom(
        heard(
          four.map((name, i) =>
            ballotOf(name, { ...chainAfter(first), members: says(i < count ? 'dave.example' : 'a.example') }),
          ),
          [...nodes, dave],
          { previous: first },
        ),
      ),
    );
    expect(two && namesIn(two)).not.toContain('dave');
    expect(three?.standings.get(idOf('dave'))?.operator).toBe('dave.example');
  });

  it('can not move a node to another mailbox, also if it wants that', () => {
    const moved = signedNode('carol', { address: 'victim@elsewhere.example', publishedAt: now - hourMs });
    const members = [...honestMembers.slice(0, 2), memberOf(moved, honestMembers[2]?.standing)];
    for (const list of lists({ members }, [moved]))
      expect(list.byId.get(idOf('carol'))?.address).toBe('mix@carol.example');
    // More than half of all can: they have seen that the node reads that mailbox.
    const three = four.map((name, i) =>
      ballotOf(name, { ...chainAfter(first), members: i === 0 ? honestMembers : members }),
    );
    const list = listFrom(heard(three, [...nodes, moved], { previous: first }));
    expect(list.byId.get(idOf('carol'))?.address).toBe('victim@elsewhere.example');
  });

  it('can not bring back a descriptor that its node has replaced', () => {
    const newer = signedNode('carol', { publishedAt: now - hourMs });
    const has = [...honestMembers.slice(0, 2), memberOf(newer, honestMembers[2]?.standing)];
    for (const liars of [
      [0, 1],
      [2, 3],
      [0, 3],
    ]) {
      const ballots = four.map((name, i) =>
        ballotOf(name, { ...chainAfter(first), members: liars.includes(i) ? honestMembers : has }),
      );
      const list = listFrom(heard(ballots, [...nodes, newer], { previous: first }));
      expect(list.byId.get(idOf('carol'))?.text).toBe(newer);
    }
  });

  it('can not move a number out of the range of what honest ones say and what it was', () => {
    const number = fc.integer({ min: 0, max: 1000 });
    const numberOrNone = fc.option(number, { nil: undefined });
    fc.assert(
      fc.property(number, number, number, numberOrNone, numberOrNone, (before, a, b, ...lies) => {
        const range = [before, a, b];
        const turns = [
          [a, b, ...lies],
          [...lies, b, a],
        ];
        for (const all of turns) {
          const delivered = moved(all, 3, { before, start: 1000 }) ?? -1;
          expect(delivered).toBeGreaterThanOrEqual(Math.min(...range));
          expect(delivered).toBeLessThanOrEqual(Math.max(...range));
        }
      }),
    );
    const lies = [measured(0, 1), measured(1000, 3_000_000), {}];
    for (const lie of lies)
      for (const list of lists({ members: nodes.map((text) => memberOf(text, lie)) }))
        expect(standingsOf(list)).toEqual(standingsOf(first));
  });

  it('can not hold back what three say', () => {
    expect(moved([300, 310, 290, 1000], 3, { before: 900, start: 1000 })).toBe(310);
    expect(moved([300, 310, 290, 0], 3, { before: 100, start: 1000 })).toBe(290);
    expect(moved([undefined, undefined, undefined, 5], 3, { before: 100, start: 1000 })).toBeUndefined();
    expect(moved([7, undefined, undefined, 5], 3, { before: 100, start: 1000 })).toBe(100);
    expect(moved([7, 8, 9], 2, { before: undefined, start: 0 })).toBe(8);
  });

  it('can not make a new node look worse than honest ones say', () => {
    const ballots = four.map((name, i) =>
      ballotOf(name, { members: nodes.map((text) => memberOf(text, measured(i < 2 ? 0 : 900 + i, 600))) }),
    );
    expect(listFrom(heard(ballots, nodes)).standings.get(idOf('alice'))?.deliveredPerMille).toBe(902);
  });

  it('can not break or rewrite the chain; that they stop it is all they can', () => {
    const other = { previous: 'ab'.repeat(32), history: [{ number: now / dayMs, digest: 'ab'.repeat(32) }] };
    const ballots = four.map((name, i) => ballotOf(name, { ...chainAfter(first), ...honest, ...(i < 2 ? other : {}) }));
    expect(agree(heard(ballots, nodes, { previous: first }))).toMatchObject({ kind: 'none', why: 'no-previous' });
    const rewritten = {
      history: [
        { number: 1, digest: first.digest },
        { number: 0, digest: 'ab'.repeat(32) },
      ],
    };
    for (const list of lists(rewritten))
      expect(list.consensus?.history).toEqual([{ number: now / dayMs, digest: first.digest }]);
  });
});
