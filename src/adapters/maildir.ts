import { mkdir, open, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { sha256 } from '@noble/hashes/sha2.js';
import { toHex } from '../base/bytes.js';
import { StoreError } from '../base/errors.js';
import { syncFolder } from './owner-only.js';

const [lf, cr] = [10, 13];

/**
 * Puts mails into a Maildir on this machine, made at first use for its owner only: written to `tmp`, flushed, moved to
 * `new`. A mail's file is named after its bytes, so that the same mail put there again is there once, also when a mail
 * program has moved it to `cur` meanwhile; and no mail takes the place of another one.
 *
 * Lines end with LF, as mail programs expect in a Maildir.
 *
 * @returns resolves when the mail is on the disk; rejects with StoreError `store/write`
 *
 * Source: https://cr.yp.to/proto/maildir.html
 */
export const maildir = (folder: string): ((mail: { readonly raw: Uint8Array }) => Promise<void>) => {
  const at = (...names: readonly string[]): string => path.join(folder, ...names);
  return async ({ raw }) => {
    const name = `mixmailer.${toHex(sha256(raw).subarray(0, 16))}`;
    try {
      for (const one of ['tmp', 'new', 'cur']) await mkdir(at(one), { recursive: true, mode: 0o700 });
      const there = [...(await readdir(at('new'))), ...(await readdir(at('cur')))];
      // Programs put a colon and flags behind it.
      if (there.some((other) => other === name || other.startsWith(`${name}:`))) return;
      const file = await open(at('tmp', name), 'w', 0o600);
      try {
        await file.writeFile(raw.filter((byte, i) => byte !== cr || raw[i + 1] !== lf));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(at('tmp', name), at('new', name));
      syncFolder(at('new'));
    } catch (cause) {
      throw new StoreError('store/write', `${folder}: a mail can't be put into this Maildir`, { cause });
    }
  };
};
