/** Whoever it is from. No address is written like that. */
const anybody = '*';

/** A mail of a folder, as far as this is about it. */
export interface PassedMail {
  readonly uid: number;
  /** The account that it is from, or none. */
  readonly sender: string;
  /** The server said nothing of it, its sender neither: next time it may. */
  readonly isRefused?: true | undefined;
}

/**
 * The mails of a folder that were looked at, and for which there was no room in mind: of each sender all from one mail on. A name
 * and a number so stand for any number of mails. They are looked at again in the order of their uids, from the first
 * one on, among others that are known. A mail may be taken for one of them that is not; never the other way round.
 */
export class Passed {
  /** By sender, the first mail of his that was passed since the look at all of them began again. */
  #first = new Map<string, number>();
  /** As it was when that began. */
  #before: ReadonlyMap<string, number> = new Map();

  /** The first of them all; Infinity if there is none. */
  get firstUid(): number {
    return firstOf(this.#first);
  }

  /** There is no room for that mail. @param isAmong whether a mail of its sender that came before has room */
  pass({ uid, sender, isRefused }: PassedMail, isAmong: (sender: string) => boolean): void {
    // As many names are kept as there are senders in mind, and no more.
    const key = isRefused !== true && isAmong(sender) ? sender : anybody;
    this.#first.set(key, Math.min(uid, this.#first.get(key) ?? Infinity));
  }

  /** Whether that mail is one of them now: it waits for the next time, as those of its sender before it do. */
  has({ uid, sender, isRefused }: PassedMail): boolean {
    return uid >= (this.#first.get(isRefused === true ? anybody : sender) ?? Infinity);
  }

  /** Whether that mail may have been one of them when the look at them began again. */
  had({ uid, sender, isRefused }: PassedMail): boolean {
    if (isRefused === true) return uid >= firstOf(this.#before);
    return uid >= Math.min(this.#before.get(sender) ?? Infinity, this.#before.get(anybody) ?? Infinity);
  }

  /** They are looked at again from now on: those for which there is no room then either are passed anew. */
  begin(): void {
    this.#before = this.#first;
    this.#first = new Map();
  }

  /** Whether there is nothing to be gained by looking on at them: all of whom mails were passed have had some passed again. */
  get isFullAgain(): boolean {
    return [...this.#before.keys()].every((sender) => this.#first.has(sender));
  }
}

const firstOf = (uids: ReadonlyMap<string, number>): number =>
  [...uids.values()].reduce((first, uid) => Math.min(first, uid), Infinity);
