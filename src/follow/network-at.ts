import { RouteError } from '../base/errors.js';
import type { Log } from '../ports/log.js';
import type { Directory } from '../ports/network.js';
import type { Network } from '../route/network.js';

/** The list in force, or undefined while there is none: for who can wait for it. */
export const networkAt = (directory: Directory, now: number): Network | undefined => {
  try {
    return directory.network(now);
  } catch (error) {
    if (error instanceof RouteError) return undefined;
    throw error;
  }
};

/**
 * Tells the log, once, when another list is in force, or why there is none.
 *
 * @returns the list in force
 */
export const watchedList = ({
  directory,
  log,
}: {
  readonly directory: Directory;
  readonly log: Log;
}): ((now: number) => Network | undefined) => {
  let told: string | undefined;
  return (now) => {
    try {
      const network = directory.network(now);
      if (told !== network.digest) {
        const number = network.consensus === undefined ? {} : { number: network.consensus.number };
        log.info('list/in-force', { ...number, nodes: network.nodes.length });
      }
      told = network.digest;
      return network;
    } catch (error) {
      if (!(error instanceof RouteError)) throw error;
      if (told !== error.code) log.warn(error.code, { message: error.message });
      told = error.code;
      return undefined;
    }
  };
};
