import { makeDiff } from '../council/diff.js';
import { publishedDiff, publishedEndorsements, publishedList } from '../follow/published.js';
import type { ConsensusStore, EndorsementStore } from '../ports/follow.js';
import type { Publisher } from '../ports/publisher.js';

/**
 * Writes the newest list (which may begin in some hours), what leads to it from each of those before that are at hand, and
 * what authorities signed of it, for any web server.
 *
 * @throws StoreError
 */
export const publish = (
  store: Pick<ConsensusStore, 'consensuses' | 'consensusText'> & Pick<EndorsementStore, 'endorsements'>,
  publisher: Publisher,
): void => {
  const [newest, ...older] = store.consensuses();
  const text = newest && store.consensusText(newest.digest);
  if (newest === undefined || text === undefined) return;
  const endorsements = store.endorsements(newest.number).map((one) => one.text);
  const files = new Map([
    [publishedList, text],
    [publishedEndorsements, endorsements.join('')],
  ]);
  for (const { digest } of older) {
    const from = store.consensusText(digest);
    if (from !== undefined) files.set(publishedDiff(digest), makeDiff(from, text));
  }
  publisher.publish(files);
};
