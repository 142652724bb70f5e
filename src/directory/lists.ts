import { isFromTheFuture, numberAt } from '../council/timetable.js';
import type { ConsensusStore } from '../ports/follow.js';
import { inspectNetwork, type Network } from '../route/network.js';

/**
 * The store of an authority that is alone, without the lists that wait for their time: while its clock is a day ahead it signs
 * those of tomorrow, and they must not stand in the way of those of today. Nobody else takes a list from the future, nor goes
 * back to an older one than it has.
 */
export const withoutListsAhead = <S extends Pick<ConsensusStore, 'consensuses'>>(store: S, now: () => number): S => ({
  ...store,
  consensuses: () => store.consensuses().filter(({ number, periodMs }) => !isFromTheFuture(periodMs, number, now())),
});

/** The newest list of that number or an earlier one, whoever it is for. */
export type ListUpTo = (number: number) => Network | undefined;

/** Lists by number, read once: their text doesn't change, and checking a thousand descriptors takes a second. */
export const listsIn = (store: ConsensusStore): ListUpTo => {
  const known = new Map<string, Network>();
  return (number) => {
    const kept = store.consensuses().find((one) => one.number <= number);
    if (kept === undefined) return undefined;
    const read = known.get(kept.digest) ?? inspectNetwork(store.consensusText(kept.digest) ?? '', []).network;
    known.set(kept.digest, read);
    for (const digest of known.keys()) if (known.size > 4) known.delete(digest);
    return read;
  };
};

/** The list that everybody goes by now. */
export const listInForce = (listUpTo: ListUpTo, periodMs: number, now: number): Network | undefined => {
  const network = listUpTo(numberAt(periodMs, now));
  return network !== undefined && now < network.validUntil ? network : undefined;
};
