import { describe, expect, it } from 'vitest';
import { readNetwork } from '../../src/route/network.js';
import { fakeDirectory, type FakeDirectory } from '../fakes/directory.js';

const announceAll = async ({ nodes }: FakeDirectory): Promise<void> => {
  for (const node of nodes) await node.announce();
};

/** The digests of the newest lists of those that run. */
const digests = ({ authorities }: FakeDirectory): readonly (string | undefined)[] =>
  authorities.filter(({ isDead }) => !isDead).map((authority) => authority.list()?.digest);

const namesIn = ({ authorities }: FakeDirectory): readonly string[] | undefined =>
  authorities
    .find(({ isDead }) => !isDead)
    ?.list()
    ?.nodes.map(({ name }) => name)
    .toSorted();

describe('authorities and nodes that start from nothing', () => {
  it('reach a first list, and all authorities hold the same', async () => {
    const directory = fakeDirectory();
    await announceAll(directory);
    await directory.periods(1);
    expect(new Set(digests(directory)).size).toBe(1);
    expect(namesIn(directory)).toEqual(directory.nodes.map(({ name }) => name).toSorted());
    const list = directory.authorities[0]?.list();
    const trust = { authorities: directory.configured.map(({ key }) => key), threshold: 3 };
    const read = readNetwork(list?.text ?? '', trust, directory.now());
    expect(read.consensus?.number).toBe(Math.floor(directory.now() / directory.periodMs));
  });
});
