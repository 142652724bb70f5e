import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqliteAuthorityStore } from '../../src/adapters/sqlite-authority.js';
import { StoreError } from '../../src/base/errors.js';
import { nodeIdOf } from '../../src/base/ids.js';
import type { Candidate, CouncilDocument, Member } from '../../src/ports/authority.js';

const bytes = (fill: number, length = 32): Uint8Array => new Uint8Array(length).fill(fill);
const idOf = (i: number) => nodeIdOf(bytes(i));
const applicant = (i: number, site = `site${i}.test`) => ({
  nodeId: idOf(i),
  text: `text ${i}\n`,
  digest: `digest ${i}`,
  name: `n${i}`,
  address: `n${i}@${site}`,
  site,
  publishedAt: 1000 + i,
});
const candidate = (i: number, more: Partial<Candidate> = {}): Candidate => ({
  ...applicant(i),
  cameAt: i,
  nonce: undefined,
  operator: undefined,
  challengedAt: undefined,
  ...more,
});
const member = (i: number, more: Partial<Member> = {}): Member => ({
  ...applicant(i),
  operator: 'one.test',
  provenAt: i,
  leavingAt: undefined,
  nextProbeAt: i,
  ...more,
});

let folder: string;
beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), 'mm-store-'))));
afterEach(() => rmSync(folder, { recursive: true }));
const file = (): string => path.join(folder, 'store.db');
const open = (): ReturnType<typeof sqliteAuthorityStore> => sqliteAuthorityStore(file());

describe("an authority's store", () => {
  it('keeps candidates after a restart, one a node, and finds one by what was mailed to it', () => {
    const before = open();
    before.putCandidate(candidate(1));
    before.putCandidate(candidate(2));
    before.putCandidate(candidate(1, { nonce: 'n', operator: 'op.test', challengedAt: 7 }));
    before.close();
    const store = open();
    expect(store.candidateOfNonce('n')).toEqual(candidate(1, { nonce: 'n', operator: 'op.test', challengedAt: 7 }));
    expect(store.candidate(idOf(3))).toBeUndefined();
    expect(store.waitingCandidates()).toEqual([candidate(2)]);
    expect([store.candidateCount(), store.candidateCountAt('site1.test')]).toEqual([2, 1]);
    store.forgetCandidates(2);
    expect([store.candidate(idOf(1)), store.candidate(idOf(2))]).toEqual([undefined, candidate(2)]);
    store.removeCandidate(idOf(2));
    expect(store.candidateCount()).toBe(0);
    store.close();
  });

  it('names the newest waiting candidate of the registered domain that has most of them', () => {
    const store = open();
    expect(store.crowdedCandidate()).toBeUndefined();
    for (const i of [1, 2, 3]) store.putCandidate({ ...candidate(i), ...applicant(i, 'many.test') });
    store.putCandidate(candidate(9));
    store.putCandidate({ ...candidate(4, { nonce: 'n' }), ...applicant(4, 'many.test') });
    expect(store.crowdedCandidate()?.nodeId).toBe(idOf(3));
    expect(store.waitingCount()).toBe(4);
    expect([0, 3, 4].map((place) => store.waitingCandidateAt(place)?.nodeId)).toEqual([idOf(1), idOf(9), undefined]);
    expect(store.silentCandidate(99)).toBeUndefined();
    store.putCandidate(candidate(5, { nonce: 'm', challengedAt: 50 }));
    expect([50, 51].map((then) => store.silentCandidate(then)?.nodeId)).toEqual([undefined, idOf(5)]);
    store.close();
  });

  it('counts the challenges of a time', () => {
    const store = open();
    store.addChallenge({ operator: 'a', site: 's', at: 10 });
    store.addChallenge({ operator: 'b', site: 't', at: 20 });
    expect(store.challengesSince(11)).toEqual([{ operator: 'b', site: 't', at: 20 }]);
    store.forgetChallenges(20);
    expect(store.challengesSince(0)).toHaveLength(1);
    store.close();
  });

  it('keeps members by node, finds the holder of a name or an address, and those to be probed', () => {
    const store = open();
    store.putMember(member(2));
    store.putMember(member(1));
    store.putMember(member(2, { leavingAt: 99 }));
    expect(store.members()).toEqual([member(1), member(2, { leavingAt: 99 })]);
    expect(store.memberNamed({ ...applicant(5), name: 'n1' })?.nodeId).toBe(idOf(1));
    expect(store.memberNamed({ ...applicant(5), address: 'n2@site2.test' })?.nodeId).toBe(idOf(2));
    expect(store.memberNamed(applicant(1))).toBeUndefined();
    store.setNextProbe(idOf(1), 50);
    expect(store.membersToProbe(49).map(({ nodeId }) => nodeId)).toEqual([idOf(2)]);
    expect(store.membersToProbe(50)).toHaveLength(2);
    store.removeMember(idOf(1));
    expect(store.member(idOf(1))).toBeUndefined();
    store.close();
  });

  it('knows of each probe when it left and when it was home, and forgets what opens it', () => {
    const store = open();
    const probe = { opener: bytes(8, 96), subject: idOf(1), hops: 2, mail: bytes(3) };
    store.addProbe({ ...probe, id: bytes(1, 16) }, 10);
    store.addProbe({ ...probe, id: bytes(2, 16) }, 10);
    store.addProbe({ ...probe, id: bytes(3, 16), mail: bytes(4) }, 20);
    store.probesSent(bytes(3), 15);
    store.probesSent(bytes(3), 99);
    expect(store.probe(bytes(1, 16))?.opener).toEqual(probe.opener);
    store.probeHome(bytes(1, 16), 30);
    store.probeHome(bytes(3, 16), 40);
    expect(store.probe(bytes(1, 16))).toBeUndefined();
    const result = { subject: idOf(1), hops: 2 };
    expect(store.probeResults(10)).toEqual([
      { ...result, sentAt: 15, homeAt: 30 },
      { ...result, sentAt: 15, homeAt: undefined },
      { ...result, sentAt: 20, homeAt: 40 },
    ]);
    store.forgetProbes(20);
    expect(store.probeResults(0)).toHaveLength(1);
    store.forgetProbesOf(idOf(2));
    expect(store.probeResults(0)).toHaveLength(1);
    store.forgetProbesOf(idOf(1));
    expect(store.probeResults(0)).toEqual([]);
    store.close();
  });

  it('never keeps a second document of one authority, kind and number, and remembers what was signed for ever', () => {
    const own = 'aa'.repeat(32);
    const vote: CouncilDocument = { kind: 'vote', authority: own, number: 5, digest: 'd', text: 'vote\n' };
    const store = open();
    store.addCouncilDocument(vote);
    store.addCouncilDocument({ ...vote, kind: 'reveal' });
    store.addCouncilDocument({ ...vote, authority: 'bb' });
    for (const text of ['vote\n', 'another\n'])
      expect(() => store.addCouncilDocument({ ...vote, text })).toThrow(StoreError);
    expect(store.councilDocument(5, 'vote', own)).toEqual(vote);
    expect(store.councilDocuments(5, 'vote')).toHaveLength(2);
    expect(store.voteSecret(5)).toBeUndefined();
    store.keepVoteSecret(5, '00'.repeat(32));
    expect(() => store.keepVoteSecret(5, '11'.repeat(32))).toThrow(StoreError);
    expect(store.voteSecret(5)).toBe('00'.repeat(32));
    store.keepSignedBody(5, 'body\n');
    expect(() => store.keepSignedBody(5, 'other\n')).toThrow(StoreError);
    expect(store.signedBody(5)).toBe('body\n');
    store.forgetRounds(6, own);
    expect([store.voteSecret(5), store.signedBody(5)]).toEqual([undefined, undefined]);
    expect(store.councilDocuments(5, 'vote')).toEqual([{ ...vote, text: '' }]);
    expect(() => store.addCouncilDocument(vote)).toThrow(StoreError);
    store.close();
  });

  it('keeps a contradiction once, and what was done for a number', () => {
    const store = open();
    const contradiction = { authority: 'aa', number: 5, kind: 'vote', texts: ['a', 'b'] } as const;
    store.addContradiction(contradiction);
    store.addContradiction({ ...contradiction, texts: ['c', 'd'] });
    expect(store.contradictions()).toEqual([contradiction]);
    expect(store.isDone(5, 'echo')).toBe(false);
    store.setDone(5, 'echo');
    store.setDone(5, 'echo');
    expect(store.isDone(5, 'echo')).toBe(true);
    store.forgetRounds(6, 'aa');
    expect(store.isDone(5, 'echo')).toBe(false);
    expect(store.contradictions()).toHaveLength(1);
    expect(store.forgetContradictions()).toBe(1);
    expect(store.contradictions()).toEqual([]);
    store.close();
  });

  it('keeps the descriptors that votes name, and no other', () => {
    const store = open();
    expect(store.keepWantedDescriptor('d', 'text')).toBe(false);
    store.wantDescriptor('d', 5);
    expect(store.wantedDescriptor('d')).toBeUndefined();
    expect(store.keepWantedDescriptor('d', 'text')).toBe(true);
    store.wantDescriptor('d', 6);
    store.forgetRounds(6, 'aa');
    expect(store.wantedDescriptor('d')).toBe('text');
    store.forgetRounds(7, 'aa');
    expect(store.wantedDescriptor('d')).toBeUndefined();
    store.close();
  });
});

describe('a clock that was set back', () => {
  it('leaves what waits as long to wait as it had', () => {
    const store = open();
    store.putMember(member(1, { nextProbeAt: 1050 }));
    store.putCandidate(candidate(2, { cameAt: 1000, nonce: 'n', challengedAt: 1010 }));
    store.putCandidate(candidate(3, { cameAt: 50 }));
    store.setBack(900);
    expect([store.membersToProbe(149), store.membersToProbe(150).length]).toEqual([[], 1]);
    expect(store.candidate(idOf(2))).toMatchObject({ cameAt: 1000, challengedAt: 110 });
    expect(store.candidate(idOf(3))).toMatchObject({ cameAt: 50, challengedAt: undefined });
    store.close();
  });
});
