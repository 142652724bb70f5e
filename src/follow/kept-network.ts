import { RouteError } from '../base/errors.js';
import type { ConsensusStore } from '../ports/follow.js';
import type { Directory } from '../ports/network.js';
import { type Network, readSignedNetwork, type Trust, untimely } from '../route/network.js';
import { forkError } from './accept.js';

/**
 * The newest list at hand whose time has come, as the directory of a role that follows. The next one takes its place at
 * its own hour, so that all who have it by then change at once. Signatures are counted again, for those who are trusted now.
 *
 * `network` throws RouteError `route/no-list` while none has come, `route/fork` as long as there is one, `route/expired`
 * and the others as `readNetwork` does.
 */
export const keptNetwork = (
  store: Pick<ConsensusStore, 'consensuses' | 'consensusText' | 'forks'>,
  trust: Trust,
): Directory => {
  let known: Network | undefined;
  return {
    network: (now) => {
      const [fork] = store.forks();
      if (fork !== undefined) throw forkError(fork);
      const kept = store.consensuses();
      const current = kept.find(({ number, periodMs }) => number * periodMs <= now) ?? kept[0];
      if (current === undefined)
        throw new RouteError(
          'route/no-list',
          'no network list has come yet; it is asked for, and mail may take an hour',
        );
      if (known?.digest !== current.digest) known = readSignedNetwork(store.consensusText(current.digest) ?? '', trust);
      const objection = untimely(known, now);
      if (objection !== undefined) throw objection;
      return known;
    },
  };
};
