import { describe, expect, it } from 'vitest';
import { hourMs } from '../../src/base/units.js';
import { admitted } from '../../src/council/admission.js';
import type { Member } from '../../src/council/members.js';
import { digestOf, publicKeyOf, signDocument } from '../../src/route/document.js';
import type { NodeId } from '../../src/base/ids.js';
import { defaultNetworkParameters, type Network, type NetworkParameters } from '../../src/route/network.js';
import { nodeAt, now, secretOf, signedNode } from '../route/nodes.js';
import { ballotOf, chainAfter, four, heard, idOf, listFrom, memberOf, namesIn, standingOf } from './council.js';

const layered: NetworkParameters = {
  ...defaultNetworkParameters,
  topology: { kind: 'layers', successors: [4] },
  mostPerOperator: 2,
};

interface World {
  readonly texts: readonly string[];
  readonly operator?: string;
  readonly parameters?: NetworkParameters;
  readonly previous?: Network;
}

/** The list when all four know these nodes. */
const listOf = ({ texts, operator, parameters = layered, previous }: World): Network =>
  listFrom(
    heard(
      four.map((name) =>
        ballotOf(name, {
          members: texts.map((text) => memberOf(text, operator === undefined ? {} : { operator })),
          parameters,
          ...(previous && chainAfter(previous)),
        }),
      ),
      texts,
      { previous },
    ),
  );

/** Signed, and not read back: a thousand of them should not take a second each time. */
const sybil = (i: number, domain: string): string => {
  const [frame, rest] = [signedNode('alice').split('\n'), secretOf(`sybil ${i}`)];
  const lines = frame
    .slice(
      1,
      frame.findIndex((line) => line.startsWith('signature')),
    )
    .map((line) => {
      if (line.startsWith('node ')) return `node ${publicKeyOf(rest)}`;
      if (line.startsWith('name ')) return `name sybil-${i}`;
      if (line.startsWith('address ')) return `address s${i}@${domain}`;
      return line.startsWith('provider ') ? `provider ${domain}` : line;
    });
  return signDocument('descriptor', lines, rest);
};
const sybilMember = (text: string, operator: string) => ({
  nodeId: (/^node (.*)$/m.exec(text)?.[1] ?? '') as NodeId,
  descriptorDigest: digestOf(text),
  standing: standingOf({ operator }),
});

describe('a thousand nodes of one attacker', () => {
  const established = ['alice', 'bob', 'carol'].map((name) => signedNode(name));
  const home = ['dora', 'emil'].map((name) => signedNode(name, { address: `${name}@big.example` }));
  const texts = [...established, ...home];
  const previous = listOf({ texts });
  const many = Array.from({ length: 1000 }, (_, i) => sybil(i, i % 2 === 0 ? 'big.example' : `d${i}.example`));

  it('take the places that are free for one operator and one domain; who is there stays', () => {
    // Half of them at the provider of two honest nodes, half on domains of their own whose mail one company takes.
    const members = [
      ...texts.map((text) => memberOf(text)),
      ...many.map((text, i) => sybilMember(text, i % 2 === 0 ? 'big.example' : 'evil.example')),
    ];
    const ballots = four.map((name) => ballotOf(name, { members, parameters: layered, ...chainAfter(previous) }));
    const list = listFrom(heard(ballots, [...texts, ...many], { previous }));
    const names = namesIn(list);
    expect(names).toEqual(expect.arrayContaining(['alice', 'bob', 'carol', 'dora', 'emil']));
    const at = (domain: string): number => list.nodes.filter(({ address }) => address.endsWith(domain)).length;
    // Two of an operator in each of three layers.
    expect(at('@big.example')).toBe(6);
    expect([...list.standings.values()].filter(({ operator }) => operator === 'evil.example')).toHaveLength(6);
    expect(names).toHaveLength(3 + 6 + 6);
  });

  it('are drawn by a randomness that nobody could know when node ids were made', () => {
    const members = many.slice(0, 40).map((text): Member => {
      const node = nodeAt('evil.example', `${text.length}`);
      const { nodeId } = sybilMember(text, '');
      return {
        descriptor: { ...node, nodeId, name: `n${nodeId.slice(0, 8)}`, address: `${nodeId.slice(0, 9)}@x.example` },
        standing: standingOf(),
        place: 'new',
      };
    });
    const drawn = (seed: string): string =>
      admitted(members, { randomness: digestOf(seed), mostPerOperator: 3, mostCharacters: 1e6 })
        .map(({ descriptor }) => descriptor.nodeId)
        .join();
    const draws = ['a', 'b', 'c', 'd'].map(drawn);
    expect(new Set(draws).size).toBe(4);
    expect(draws[0]?.split(',')).toHaveLength(3);
    expect(drawn('a')).toBe(draws[0]);
  });
});

describe('one operator', () => {
  const six = ['a1', 'b2', 'c3', 'd4', 'e5', 'f6'].map((name) => signedNode(name));

  it('has at most so many nodes in a layer, or in a network without layers', () => {
    const free: NetworkParameters = { ...defaultNetworkParameters, mostPerOperator: 2 };
    expect(listOf({ texts: six, operator: 'one.example', parameters: free }).nodes).toHaveLength(2);
    const layers: NetworkParameters = { ...layered, mostPerOperator: 1, pathLength: 4 };
    expect(listOf({ texts: six, operator: 'one.example', parameters: layers }).nodes).toHaveLength(4);
    const any: NetworkParameters = { ...layered, mostPerOperator: undefined };
    expect(listOf({ texts: six, operator: 'one.example', parameters: any }).nodes).toHaveLength(6);
  });

  it('keeps the nodes it has when the limit stands, and loses some when it sinks', () => {
    const parameters: NetworkParameters = { ...layered, mostPerOperator: 1 };
    const three = listOf({ texts: six, operator: 'one.example', parameters });
    const again = listOf({ texts: six, operator: 'one.example', parameters, previous: three });
    expect(namesIn(again)).toEqual(namesIn(three));
    expect(again.consensus?.randomness).not.toBe(three.consensus?.randomness);
    const stricter: NetworkParameters = { ...defaultNetworkParameters, mostPerOperator: 1 };
    const one = listOf({ texts: six, operator: 'one.example', parameters: stricter, previous: again });
    expect(namesIn(three)).toEqual(expect.arrayContaining([...namesIn(one)]));
    expect(one.nodes).toHaveLength(1);
  });

  it('is one address domain as well, whatever the look-up says', () => {
    const texts = Array.from({ length: 5 }, (_, i) => signedNode(`n${i}`, { address: `n${i}@home.example` }));
    const members = texts.map((text, i) => memberOf(text, { operator: `op${i}.example` }));
    const parameters: NetworkParameters = { ...defaultNetworkParameters, mostPerOperator: 2 };
    const ballots = four.map((name) => ballotOf(name, { members, parameters }));
    expect(listFrom(heard(ballots, texts)).nodes).toHaveLength(2);
  });
});

describe('a name or an address', () => {
  const nodes = ['alice', 'bob'].map((name) => signedNode(name));
  const previous = listOf({ texts: nodes });
  const wide: NetworkParameters = { ...layered, mostPerOperator: 50 };

  it('stays with the node that has it', () => {
    const texts = [
      ...nodes,
      ...Array.from({ length: 8 }, (_, i) => signedNode(`m${i}`, { name: 'alice' })),
      ...Array.from({ length: 8 }, (_, i) => signedNode(`w${i}`, { address: 'MIX@alice.example' })),
    ];
    const list = listOf({ texts, parameters: wide, previous });
    expect(list.nodes.map(({ nodeId }) => nodeId).sort()).toEqual([idOf('alice'), idOf('bob')].sort());
  });

  it('does not go to a node of the list that takes it over', () => {
    for (let second = 1; second <= 6; second++) {
      const greedy = signedNode('bob', { name: 'alice', publishedAt: now - hourMs + second * 1000 });
      const list = listOf({ texts: [nodes[0] ?? '', greedy], previous });
      expect(list.nodes.map(({ nodeId }) => nodeId)).toEqual([idOf('alice')]);
    }
    const renamed = signedNode('bob', { name: 'robert', publishedAt: now - hourMs });
    expect(namesIn(listOf({ texts: [nodes[0] ?? '', renamed], previous }))).toEqual(['alice', 'robert']);
  });

  it('of two new ones goes to one of them, the same everywhere', () => {
    const texts = [...nodes, ...[1, 2, 3].map((i) => signedNode(`new${i}`, { name: 'zoe' }))];
    const list = listOf({ texts, parameters: wide, previous });
    expect(namesIn(list)).toEqual(['alice', 'bob', 'zoe']);
    expect(listOf({ texts: [...texts].reverse(), parameters: wide, previous }).digest).toBe(list.digest);
  });
});

describe('a list', () => {
  it('never gets larger than its readers take: who comes last finds no room', () => {
    const members = Array.from({ length: 10 }, (_, i): Member => {
      const node = nodeAt(`p${i}.example`, `node${i}`);
      return {
        descriptor: { ...node, text: 'x'.repeat(1000) },
        standing: standingOf({ operator: `p${i}.example` }),
        place: i < 4 ? 'same' : 'new',
      };
    });
    const names = admitted(members, {
      randomness: digestOf('r'),
      mostPerOperator: undefined,
      mostCharacters: 6000,
    }).map(({ descriptor }) => descriptor.name);
    expect(names).toHaveLength(5);
    expect(names).toEqual(expect.arrayContaining(['node0', 'node1', 'node2', 'node3']));
  });
});
