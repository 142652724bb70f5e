import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { sliceDirectoryMail } from '../../src/carrier/directory-mail.js';
import { documentsIn } from '../../src/council/documents.js';
import { readEndorsement } from '../../src/council/endorsement.js';
import { readReveal } from '../../src/council/reveal.js';
import { readVote } from '../../src/council/vote.js';
import { digestOf } from '../../src/route/document.js';
import { fakeDirectory, type FakeDirectory } from '../fakes/directory.js';
import { Faults } from '../fakes/faults.js';
import { nextRound } from './liar.js';
import { at, digestsOf } from './stories.js';

// A power cut of an authority at any step: the n-th call to its store, mailbox or mail server, for every n.

/** Two authorities that both know of one node, shortly before they vote for their first list. */
const beforeTheVote = (): FakeDirectory => {
  const directory = fakeDirectory({ authorities: 2, nodes: 1, probesPerPeriod: 0, turnsAPeriod: 8 });
  const { nodeId, descriptor, name, account } = at(directory.nodes, 0);
  const text = descriptor();
  for (const { store } of directory.authorities) {
    const [digest, address, site] = [digestOf(text), account.address, 'mix1.test'];
    const publishedAt = directory.now();
    const applicant = { nodeId, text, digest, name, address, site, publishedAt };
    store.putMember({ ...applicant, operator: site, provenAt: publishedAt, leavingAt: undefined, nextProbeAt: 0 });
  }
  return directory;
};

/** What an authority signed of the documents that left it, by kind and number: more than one of each is a lie. */
const signedBy = ({ world }: FakeDirectory, address: string, key: string): ReadonlyMap<string, ReadonlySet<string>> => {
  const said = new Map<string, Set<string>>();
  for (const { from, raw } of world.observed) {
    if (from !== address) continue;
    const limits = { compression: nodeCompression, mostBytes: 1e8 };
    for (const { kind, text } of documentsIn(sliceDirectoryMail(raw, nodeBase64, limits) ?? '')) {
      const read = { vote: readVote, reveal: readReveal, endorsement: readEndorsement }[kind];
      const document = read?.(text);
      if (document?.authority !== key) continue;
      const name = `${kind} ${document.number}`;
      said.set(name, (said.get(name) ?? new Set()).add(document.digest));
    }
  }
  return said;
};

describe.each(['before', 'after'] as const)('a power cut of an authority just %s the n-th step', (when) => {
  it('makes it sign nothing twice, and loses no round, for every n', { timeout: 600_000 }, async () => {
    const struck = new Set<string>();
    // Just after a step is for most steps just before the next one: a third of them will do.
    const stride = when === 'before' ? 1 : 3;
    let n = 1;
    for (; n < 5000; n += stride) {
      const directory = beforeTheVote();
      const { voteAt } = nextRound(directory);
      await directory.runUntil(voteAt - directory.periodMs / 8);
      const [unlucky, other] = [at(directory.authorities, 0), at(directory.authorities, 1)];
      const faults = new Faults(n, when);
      unlucky.wrapTurns = () => faults.incarnation();
      await directory.periods(1);
      const cut = `cut ${when} ${faults.struck ?? 'nothing'}`;
      for (const [name, digests] of signedBy(directory, unlucky.account.address, unlucky.key))
        expect(digests.size, `${name}, ${cut}`).toBe(1);
      expect(other.store.contradictions(), cut).toEqual([]);
      expect(digestsOf(directory)[0], cut).toBeDefined();
      expect(new Set(digestsOf(directory)).size, cut).toBe(1);
      if (faults.struck === undefined) break;
      struck.add(faults.struck);
    }
    expect(n).toBeGreaterThan(100);
    if (stride > 1) return;
    for (const call of [
      'store.atomically',
      'store.keepVoteSecret',
      'store.addCouncilDocument',
      'store.keepSignedBody',
      'store.addOutgoing',
      'store.keepConsensus',
      'store.beginAttempt',
      'store.removeOutgoing',
      'store.setCursor',
      'outbox.send',
      'inbox.fetch',
      'inbox.remove',
    ])
      expect([...struck]).toContain(call);
  });
});
