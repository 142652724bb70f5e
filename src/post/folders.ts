import { MailError } from '../base/errors.js';
import type { Inbox } from '../ports/mail.js';
import type { CursorStore } from '../ports/stores.js';

/** The cursors of another mailbox of a process, by its address; those of the first one have the plain names of its folders. */
export const cursorsOf = ({ cursor, setCursor }: CursorStore, address: string): CursorStore => ({
  cursor: (folder) => cursor(`${address} ${folder}`),
  setCursor: (folder, at) => setCursor(`${address} ${folder}`, at),
});

/** Nothing of a mailbox can be read then, and who logs in again at once is locked out. */
const outOfReach: ReadonlySet<MailError['code']> = new Set(['mail/connect', 'mail/tls', 'mail/login', 'mail/insecure']);

/**
 * Reads some of a mailbox, so that the rest can be read although this can't.
 *
 * @returns what went wrong; to be thrown when the rest is read
 * @throws MailError when the whole mailbox is out of reach; whatever else the work throws
 */
export const readOrTell = async (work: () => Promise<void>): Promise<MailError | undefined> => {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (error instanceof MailError && !outOfReach.has(error.code)) return error;
    throw error;
  }
};

/** Does the work in each folder of the mailbox, each for itself. @returns and throws as `readOrTell`: what went wrong first */
export const inEachFolder = async (
  inbox: Pick<Inbox, 'folders'>,
  signal: AbortSignal,
  work: (folder: string) => Promise<void>,
): Promise<MailError | undefined> => {
  let failure: MailError | undefined;
  for (const folder of await inbox.folders(signal)) {
    const failed = await readOrTell(() => work(folder));
    failure ??= failed;
  }
  return failure;
};
