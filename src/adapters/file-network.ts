import { readFileSync, statSync } from 'node:fs';
import { RouteError } from '../base/errors.js';
import type { Directory } from '../ports/network.js';
import { readSignedNetwork, untimely } from '../route/network.js';
import type { Network, Trust } from '../route/network.js';

/** What a file holds: a list that enough authorities signed, or why it is none. */
type Content =
  { readonly kind: 'list'; readonly network: Network } | { readonly kind: 'none'; readonly why: RouteError };

const contentOf = (text: string, trust: Trust): Content => {
  try {
    return { kind: 'list', network: readSignedNetwork(text, trust) };
  } catch (error) {
    if (error instanceof RouteError) return { kind: 'none', why: error };
    throw error;
  }
};

/**
 * The signed list in a file, read again when the file changes: reading a large one takes a while, and what is asked when
 * its time is over, or when it is a stranger's, is asked often.
 *
 * A list that can't be trusted is not replaced by the last one that could: `network` throws until the file is right.
 */
export const fileNetwork = (file: string, trust: Trust): Directory => {
  let known: { readonly stamp: string; readonly content: Content } | undefined;
  return {
    network: (now) => {
      try {
        const { mtimeMs, size, ino } = statSync(file);
        const stamp = `${mtimeMs} ${size} ${ino}`;
        if (known?.stamp !== stamp) known = { stamp, content: contentOf(readFileSync(file, 'utf8'), trust) };
      } catch (error) {
        known = undefined;
        throw new RouteError('route/bad-document', `the network list ${file} can't be read`, { cause: error });
      }
      const { content } = known;
      if (content.kind === 'none') throw content.why;
      const objection = untimely(content.network, now);
      if (objection !== undefined) throw objection;
      return content.network;
    },
  };
};
