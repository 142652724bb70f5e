import type { MailboxObject } from 'imapflow';
import type { Cursor } from '../ports/mail.js';

/** How the mails of one folder were numbered when it was last selected. */
interface Numbering {
  readonly uidValidity: string;
  readonly name: string;
  readonly uidNext: number;
}

/**
 * Names how the mails of each folder are numbered: by its UIDVALIDITY, and behind a slash how often the numbers began anew
 * under it. They must not (RFC 9051, 2.3.1.1), but a mailbox that was brought back from a backup, or whose index was lost
 * while somebody had it open, has the old UIDVALIDITY and lower numbers: whoever goes on behind the number that he has reached
 * hears of no new mail until there are as many again, and whoever removes mails by their old numbers removes others.
 */
export class Numberings {
  readonly #known = new Map<string, Numbering>();

  /** @param after how far that folder has been read; it may be from an earlier process */
  nameOf({ path, uidValidity, uidNext }: MailboxObject, after?: Cursor): string {
    const plain = uidValidity.toString();
    const known = this.#known.get(path);
    const isSame = known?.uidValidity === plain;
    const before = isSame ? known.name : after?.uidValidity.split('/')[0] === plain ? after.uidValidity : plain;
    const reached = Math.max(isSame ? known.uidNext : 0, after?.uidValidity === before ? after.uid + 1 : 0);
    const name = uidNext < reached ? nextName(before) : before;
    this.#known.set(path, { uidValidity: plain, name, uidNext });
    return name;
  }
}

const nextName = (name: string): string => {
  const [uidValidity = '', times = '0'] = name.split('/');
  return `${uidValidity}/${Number(times) + 1}`;
};
