/** Into so many parts a command about suspects is divided: two or three links lead from hundreds of mails to one. */
const parts = 16;

/**
 * `dubious`: the link ended when it was asked for, among others or once alone. `refused`: it ended again, and of all that was
 * asked for this mail alone was left. `known`: was refused, and is asked for alone from then on.
 */
type Suspicion = 'dubious' | 'refused' | 'known';

/**
 * The mails of a folder at which the server may have hung up: with Dovecot's `imap_fetch_failure = disconnect-immediately`,
 * its default, that is the answer to a mail that can't be read. Kept beyond the connection, in memory alone: next
 * time suspects are asked for before all others, in ever smaller parts, until one is found. That is taken for refused at one
 * reading and asked for again at the next: servers are mended, and links are lost by chance, which makes suspects too.
 */
export class Suspects {
  readonly uidValidity: string;
  readonly #byUid = new Map<number, Suspicion>();

  constructor(uidValidity: string) {
    this.uidValidity = uidValidity;
  }

  /** What is to be asked for together, in that order: never a mail that is taken for refused. */
  inParts(uids: readonly number[], mostTogether: number): readonly (readonly number[])[] {
    const sorted = [...new Set(uids)].sort((a, b) => a - b);
    const those = (suspicion?: Suspicion): readonly number[] =>
      sorted.filter((uid) => this.#byUid.get(uid) === suspicion);
    const dubious = those('dubious');
    return [
      ...divided(those('known'), 1),
      ...divided(dubious, Math.ceil(dubious.length / parts)),
      ...divided(those(), mostTogether),
    ];
  }

  isRefused(uid: number): boolean {
    return this.#byUid.get(uid) === 'refused';
  }

  /** The server ended the link when it was asked for these, and had not given them whole. */
  hungUpAt(uids: readonly number[]): void {
    const [first] = uids;
    if (first === undefined) return;
    if (uids.length === 1 && this.#byUid.has(first)) {
      this.#byUid.set(first, 'refused');
      return;
    }
    for (const [uid, suspicion] of this.#byUid) if (suspicion === 'dubious') this.#byUid.delete(uid);
    for (const uid of uids) if (!this.#byUid.has(uid)) this.#byUid.set(uid, 'dubious');
  }

  /** That mail was given, or is gone. */
  clear(uid: number): void {
    this.#byUid.delete(uid);
  }

  /** Whoever reads was told that this mail is refused; when it is wanted again it is asked for. */
  passed(uid: number): void {
    if (this.isRefused(uid)) this.#byUid.set(uid, 'known');
  }
}

const divided = (uids: readonly number[], mostTogether: number): readonly (readonly number[])[] =>
  Array.from({ length: Math.ceil(uids.length / (mostTogether || 1)) }, (_, i) =>
    uids.slice(i * mostTogether, (i + 1) * mostTogether),
  );
