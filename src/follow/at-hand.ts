import { isFromTheFuture } from '../council/timetable.js';
import type { ConsensusStore, KeptConsensus } from '../ports/follow.js';

/**
 * The lists at hand, newest first, but for those that wait for their time: an authority that is alone signs lists of tomorrow
 * while its clock is a day ahead, and they must not stand in the way of those of today.
 */
export const listsAtHand = (store: Pick<ConsensusStore, 'consensuses'>, now: number): readonly KeptConsensus[] =>
  store.consensuses().filter(({ number, periodMs }) => !isFromTheFuture(periodMs, number, now));
