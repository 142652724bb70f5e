import { statfsSync } from 'node:fs';

/** How many bytes this user may still write on the disk of that folder; undefined where that can't be known. */
export const freeBytes = (folder: string): number | undefined => {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
};
