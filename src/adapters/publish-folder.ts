import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Bug, StoreError } from '../base/errors.js';
import type { Publisher } from '../ports/publisher.js';
import { syncFolder } from './owner-only.js';

const nameForm = /^mixmailer-[\w-]{1,80}\.txt$/;
/** Whatever else lies in a web server's folder is not ours to remove. */
const ownForm = /^(?:mixmailer-[\w-]{1,80}\.txt|\.mixmailer-[\w-]{1,80}\.txt\.tmp)$/;

/**
 * Publishes into a folder, made at first use, that a web server shows: readable by everybody, each file written beside its
 * place, flushed and renamed, so that no reader gets half of it. Removes only files named `mixmailer-....txt`.
 */
export const publishFolder = (folder: string): Publisher => ({
  publish: (files) => {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o755 });
      for (const [name, text] of files) {
        if (!nameForm.test(name)) throw new Bug('a published file is mixmailer-<name>.txt');
        const temporary = join(folder, `.${name}.tmp`);
        rmSync(temporary, { force: true });
        const file = openSync(temporary, 'wx', 0o644);
        try {
          writeFileSync(file, text);
          fsyncSync(file);
        } finally {
          closeSync(file);
        }
        renameSync(temporary, join(folder, name));
      }
      for (const name of readdirSync(folder))
        if (ownForm.test(name) && !files.has(name)) rmSync(join(folder, name), { force: true });
      syncFolder(folder);
    } catch (cause) {
      if (cause instanceof Bug) throw cause;
      throw new StoreError('store/write', `${folder}: can't be written to`, { cause });
    }
  },
});
