import type { Standing } from '../../src/route/network.js';
import type { FakeDirectory } from '../fakes/directory.js';

/** The digests of the newest lists of those that run. */
export const digestsOf = ({ authorities }: FakeDirectory): readonly (string | undefined)[] =>
  authorities.filter(({ isDead }) => !isDead).map((authority) => authority.list()?.digest);

const listOf = ({ authorities }: FakeDirectory) => authorities.find(({ isDead }) => !isDead)?.list();

/** The nodes of the newest list of the first that runs. */
export const namesIn = (directory: FakeDirectory): readonly string[] =>
  (listOf(directory)?.nodes ?? []).map(({ name }) => name).toSorted();

/** What that list says of a node. */
export const standingOf = (directory: FakeDirectory, name: string): Standing | undefined => {
  const list = listOf(directory);
  const node = list?.nodes.find((one) => one.name === name);
  return node && list?.standings.get(node.nodeId);
};

/** The one of that index, which the story is about. */
export const at = <T>(all: readonly T[], index: number): T => {
  const one = all[index];
  if (one === undefined) throw new Error('the story has no such character');
  return one;
};
