import { makeDiff } from '../council/diff.js';
import type { ConsensusStore } from '../ports/follow.js';
import type { Publisher } from '../ports/publisher.js';

/** The list that is newest, which may begin in some hours. */
export const publishedList = 'mixmailer-network.txt';
/** What leads from the list of that digest to the newest one. */
export const publishedDiff = (digest: string): string => `mixmailer-diff-${digest}.txt`;

/**
 * Writes the newest list, and what leads to it from each of those before that are at hand, for any web server.
 *
 * @throws StoreError
 */
export const publish = (store: Pick<ConsensusStore, 'consensuses' | 'consensusText'>, publisher: Publisher): void => {
  const [newest, ...older] = store.consensuses();
  const text = newest && store.consensusText(newest.digest);
  if (text === undefined) return;
  const files = new Map([[publishedList, text]]);
  for (const { digest } of older) {
    const from = store.consensusText(digest);
    if (from !== undefined) files.set(publishedDiff(digest), makeDiff(from, text));
  }
  publisher.publish(files);
};
