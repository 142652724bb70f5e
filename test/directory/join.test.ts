import { describe, expect, it } from 'vitest';
import { hourMs } from '../../src/base/units.js';
import { fakeDirectory, started } from '../fakes/directory.js';
import { at, namesIn, standingOf } from './stories.js';

const hostile = 'eve@evil.test';

describe('a node that wants to join', () => {
  it('does not get in without an answer to the challenge, and so never with another’s mailbox', async () => {
    const directory = await started({ nodes: 3 });
    const eve = directory.addNode('eve', hostile);
    directory.world.account('somebody@home.test');
    // Signed by Eve for a mailbox that she doesn't hold.
    await eve.announce({ address: 'somebody@home.test', provider: 'home.test' });
    await directory.periods(2);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2', 'mix3']);
    const inTheBox = directory.world.account('somebody@home.test').mailbox.raws();
    // One question of each authority, and nothing more.
    expect(inTheBox).toHaveLength(4);
  });

  it('does not get in when it answers but drops packets', async () => {
    const directory = await started({ nodes: 3 });
    const eve = directory.addNode('eve', hostile);
    eve.drops = 1;
    await eve.announce();
    await directory.periods(2);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2', 'mix3']);
    expect(at(directory.authorities, 0).store.member(eve.nodeId)).toBeDefined();
    eve.drops = 0;
    await directory.periods(1);
    expect(namesIn(directory)).toContain('eve');
  });

  it('is shown to be bad in every list when it begins to drop packets, and the others are not', async () => {
    const directory = await started({ nodes: 5, probesPerPeriod: 12 });
    const eve = at(directory.nodes, 0);
    eve.drops = 0.9;
    await directory.periods(2);
    expect(standingOf(directory, eve.name)?.deliveredPerMille).toBeLessThan(500);
    for (const { name } of directory.nodes.slice(1))
      expect(standingOf(directory, name)?.deliveredPerMille, name).toBeGreaterThan(800);
  });

  it('is not listened to while its clock is hours ahead', async () => {
    const directory = fakeDirectory({ nodes: 3, probesPerPeriod: 0 });
    for (const node of directory.nodes.slice(0, 2)) await node.announce();
    const late = at(directory.nodes, 2);
    await late.announce({ publishedAt: directory.now() + 4 * hourMs });
    await directory.periods(1);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2']);
  });
});

describe('a forged descriptor', () => {
  it('changes nothing: wrong signature, another’s id, another’s name or address, an old one', async () => {
    const directory = await started({ nodes: 3, probesPerPeriod: 0 });
    const alice = at(directory.nodes, 0);
    const old = alice.descriptor({ publishedAt: directory.now() - 2 * directory.periodMs });
    alice.rotate();
    await alice.announce();
    await directory.periods(1);
    const before = directory.authorities.map(({ list }) => list()?.byId.get(alice.nodeId)?.text);
    expect(before[0]).toContain('mix-key');

    // Each by somebody else, so that none takes another's place.
    const eves = Array.from({ length: 6 }, (_, i) => directory.addNode(`eve${i}`, `eve@evil${i}.test`));
    const eve = (i: number) => at(eves, i);
    const over = { publicKey: new Uint8Array(1216).fill(5), notBefore: 0, notAfter: hourMs, expiresAt: 2 * hourMs };
    const forgeries: Readonly<Record<string, string>> = {
      'a changed one': alice.descriptor().replace('name mix1', 'name mix9'),
      "another's id over an own signature": eve(0)
        .descriptor()
        .replace(`node ${eve(0).nodeId}`, `node ${alice.nodeId}`),
      "another's name": eve(1).descriptor({ name: alice.name }),
      "another's address": eve(2).descriptor({ address: alice.account.address, provider: 'mix1.test' }),
      "another's address in other letters": eve(3).descriptor({ address: 'NODE@mix1.test', provider: 'mix1.test' }),
      "an authority's address": eve(4).descriptor({ address: at(directory.configured, 0).address }),
      'an old one of her own': old,
      'one whose keys are over': eve(5).descriptor({ mixKeys: [over] }),
      'no descriptor at all': 'mixmailer-descriptor 1\nname eve\nend mixmailer-descriptor\n',
    };
    for (const [name, forgery] of Object.entries(forgeries)) {
      for (const { address } of directory.configured) await directory.mail('eve@evil.test', address, [forgery]);
      await directory.runUntil(directory.now() + directory.periodMs / 16);
      // Not one of them is worth a question.
      for (const { store } of directory.authorities) {
        expect(store.candidateCount(), name).toBe(0);
        expect(store.challengesSince(directory.now() - 2 * hourMs), name).toEqual([]);
        expect(store.member(alice.nodeId)?.text, name).toBe(before[0]);
      }
    }
    await directory.periods(1);
    expect(namesIn(directory)).toEqual(['mix1', 'mix2', 'mix3']);
    expect(directory.authorities.map(({ list }) => list()?.byId.get(alice.nodeId)?.text)).toEqual(before);
  });

  it('of a leave from before a node came back does not throw it out', async () => {
    const directory = await started({ nodes: 3, probesPerPeriod: 0 });
    const alice = at(directory.nodes, 0);
    await alice.leave();
    const leave = directory.world.observed.filter(({ from }) => from === alice.account.address).at(-4);
    await directory.periods(1);
    expect(standingOf(directory, alice.name)?.leaving).toBe(true);
    await alice.announce();
    await directory.periods(1);
    expect(standingOf(directory, alice.name)?.leaving).toBe(false);
    for (const { address } of directory.configured)
      if (leave !== undefined) directory.world.account(address).mailbox.put(leave.raw);
    await directory.periods(1);
    expect(standingOf(directory, alice.name)?.leaving).toBe(false);
  });
});
