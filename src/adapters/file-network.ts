import { readFileSync, statSync } from 'node:fs';
import { RouteError } from '../base/errors.js';
import type { Directory } from '../ports/network.js';
import { readNetwork } from '../route/network.js';
import type { Network, Trust } from '../route/network.js';

/**
 * The signed list in a file, read again when the file changes or its time is over.
 *
 * A list that can't be trusted is not replaced by the last one that could: `network` throws until the file is right.
 */
export const fileNetwork = (file: string, trust: Trust): Directory => {
  let known: { readonly stamp: string; readonly network: Network } | undefined;
  return {
    network: (now) => {
      let stamp: string;
      let text: string;
      try {
        const { mtimeMs, size, ino } = statSync(file);
        stamp = `${mtimeMs} ${size} ${ino}`;
        if (known?.stamp === stamp && known.network.validFrom <= now && now < known.network.validUntil)
          return known.network;
        text = readFileSync(file, 'utf8');
      } catch (error) {
        throw new RouteError('route/bad-document', `the network list ${file} can't be read`, { cause: error });
      }
      const network = readNetwork(text, trust, now);
      known = { stamp, network };
      return network;
    },
  };
};
