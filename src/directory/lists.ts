import { numberAt } from '../council/timetable.js';
import type { ConsensusStore } from '../ports/follow.js';
import { inspectNetwork, type Network } from '../route/network.js';

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
