import { readFileSync, statSync } from 'node:fs';
import type { ListFile } from '../ports/follow.js';
import { largestNetworkCharacters } from '../route/network.js';

/**
 * A file that somebody puts a list into, by whatever way it came: a floppy disk will do. Looked at again when it has
 * changed; one that is missing, unreadable or too large is passed over.
 */
export const listFile = (path: string): ListFile => {
  let known: string | undefined;
  return () => {
    try {
      const { mtimeMs, size, ino } = statSync(path);
      const stamp = `${mtimeMs} ${size} ${ino}`;
      if (stamp === known) return undefined;
      known = stamp;
      return size > largestNetworkCharacters ? undefined : readFileSync(path, 'latin1');
    } catch {
      known = undefined;
      return undefined;
    }
  };
};
