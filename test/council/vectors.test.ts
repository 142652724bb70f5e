import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { dayMs } from '../../src/base/units.js';
import { agree } from '../../src/council/agree.js';
import { applyDiff } from '../../src/council/diff.js';
import { documentsIn } from '../../src/council/documents.js';
import { readEndorsement } from '../../src/council/endorsement.js';
import { parseInvitation } from '../../src/council/invitation.js';
import { readAnswer, readChallenge, readLeave } from '../../src/council/membership.js';
import { readRequest } from '../../src/council/request.js';
import { readReveal } from '../../src/council/reveal.js';
import { readVote } from '../../src/council/vote.js';
import { digestOf } from '../../src/route/document.js';
import { inspectNetwork, readNetwork } from '../../src/route/network.js';
import { now } from '../route/nodes.js';
import { councilVectors } from '../vectors/council.js';
import { authoritiesOf, four, idOf, keyOf, trustOf } from './council.js';

// Files of docs/spec-directory.md for other implementations. Secret keys are SHA-256 of "secret of <name>".
const file = (name: string): string => readFileSync(`test/vectors/council/${name}`, 'utf8');
const textsIn = (name: string): string[] => documentsIn(file(name)).map(({ text }) => text);

describe('the vectors of the council', () => {
  it('are what these programs write, byte for byte', () => {
    const { files } = councilVectors();
    expect(readdirSync('test/vectors/council').sort()).toEqual(Object.keys(files).sort());
    for (const [name, text] of Object.entries(files)) expect(file(name), name).toBe(text);
  });

  it('lead from votes and reveals to lists', () => {
    const descriptors = new Map(
      [
        ...documentsIn(file('list-1.txt')).flatMap(
          ({ text }) => text.match(/mixmailer-descriptor 1[^]*?end mixmailer-descriptor\n/g) ?? [],
        ),
        ...textsIn('descriptors-2.txt'),
      ].map((text) => [digestOf(text), text]),
    );
    const input = (round: number) => ({
      number: now / dayMs + round - 1,
      periodMs: dayMs,
      authorities: authoritiesOf(four),
      votes: textsIn(`votes-${round}.txt`).map(readVote),
      reveals: textsIn(`reveals-${round}.txt`).map(readReveal),
      excluded: new Set<string>(),
      descriptorOf: (digest: string) => descriptors.get(digest),
    });
    const first = readNetwork(file('list-1.txt'), trustOf(four), now);
    const second = readNetwork(file('list-2.txt'), trustOf(four), now + dayMs);
    expect(agree({ ...input(1), previous: undefined })).toMatchObject({ kind: 'agreed', digest: first.digest });
    expect(agree({ ...input(2), previous: first })).toMatchObject({ kind: 'agreed', digest: second.digest });
    expect(first.nodes.map(({ name }) => name).sort()).toEqual(['alice', 'bob']);
    expect(second.nodes.map(({ name }) => name).sort()).toEqual(['alice', 'bob', 'carol']);
    // Three ballots that count, each with another number: as far as all go along from the start.
    expect(second.standings.get(idOf('alice'))?.deliveredPerMille).toBe(920);
    expect(second.standings.get(idOf('bob'))?.leaving).toBe(false);
    expect(second.parameters.topology).toEqual({ kind: 'layers', successors: [3, 3, 2] });
    expect(applyDiff(first.text, file('diff.txt'), 1e6)).toBe(second.text);
    expect(readEndorsement(file('endorsement.txt')).digest).toBe(second.digest);
    expect(readRequest(file('request.txt')).have).toBe(first.digest);
    expect(inspectNetwork(file('list-2.txt'), []).network.digest).toBe(second.digest);
  });

  it('are read as what they are', () => {
    expect(readChallenge(file('challenge.txt'))).toMatchObject({ nodeId: idOf('carol'), address: 'mix@carol.example' });
    expect(readAnswer(file('answer.txt')).nonce).toBe(readChallenge(file('challenge.txt')).nonce);
    expect(readLeave(file('leave.txt'))).toMatchObject({ nodeId: idOf('bob'), publishedAt: now });
    expect(parseInvitation(file('invitation.txt')).authorities.map(({ key }) => key)).toEqual(four.map(keyOf));
  });
});
