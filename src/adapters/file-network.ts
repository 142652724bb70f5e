import { readFileSync, statSync } from 'node:fs';
import { RouteError } from '../base/errors.js';
import type { Directory } from '../ports/network.js';
import { inspectNetwork, objectionTo } from '../route/network.js';
import type { Network, Support, Trust } from '../route/network.js';

/**
 * The signed list in a file, read again when the file changes: checking a large one takes seconds, and what is asked
 * when its time is over is asked often.
 *
 * A list that can't be trusted is not replaced by the last one that could: `network` throws until the file is right.
 */
export const fileNetwork = (file: string, trust: Trust): Directory => {
  let known: { readonly stamp: string; readonly network: Network; readonly support: Support } | undefined;
  return {
    network: (now) => {
      try {
        const { mtimeMs, size, ino } = statSync(file);
        const stamp = `${mtimeMs} ${size} ${ino}`;
        if (known?.stamp !== stamp) known = { stamp, ...inspectNetwork(readFileSync(file, 'utf8'), trust.authorities) };
      } catch (error) {
        known = undefined;
        if (error instanceof RouteError) throw error;
        throw new RouteError('route/bad-document', `the network list ${file} can't be read`, { cause: error });
      }
      const objection = objectionTo(known.network, known.support, trust, now);
      if (objection !== undefined) throw objection;
      return known.network;
    },
  };
};
