import { createHash } from 'node:crypto';
import path from 'node:path';
import type { SeenMail } from '../servers/smtp-tap.js';
import { readFolders } from './mailbox.js';
import type { Member } from './network.js';
import type { Running } from './processes.js';
import { filesBelow, tracesIn } from './traces.js';

/** Where in exits somebody's traces are looked for. */
export interface SearchPlan {
  readonly exits: readonly Member[];
  /** Their processes, those that have ended too. */
  readonly processes: readonly Running[];
  /** Every mail that nodes, clients and repliers hand in, as they come. */
  readonly mails: readonly SeenMail[];
  /** Of the one who is looked for; `tracesIn` says which will do. */
  readonly words: readonly string[];
}

/**
 * Looks for somebody in everything that exits have (their files, what they log, their mailboxes, the mails to them and from them), and
 * remembers what it found.
 */
export class ExitSearch {
  /** `place: word` */
  readonly found = new Set<string>();
  /** How many things of each place have been judged; those that stay, again at each look. */
  readonly looked = new Map<string, number>();
  readonly #plan: SearchPlan;
  #mailsJudged = 0;
  /** What was judged before needs no second search: most of a database stays as it is from look to look. */
  readonly #judged = new Map<string, readonly string[]>();
  #looking: Promise<void> | undefined;

  constructor(plan: SearchPlan) {
    this.#plan = plan;
  }

  /** Judges what is there at this moment, or at that of a look which is under way. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  async #look(): Promise<void> {
    const { exits, processes, mails } = this.#plan;
    for (const { account, configFile } of exits) {
      for (const { file, bytes } of filesBelow(path.dirname(configFile))) this.#judge(path.basename(file), bytes);
      for (const mail of await readFolders(account)) this.#judge('mailbox', Buffer.from(mail, 'latin1'));
    }
    for (const { said } of processes) this.#judge('log', Buffer.from(said));
    const fresh = mails.slice(this.#mailsJudged);
    this.#mailsJudged += fresh.length;
    const isExit = (address: string): boolean => exits.some(({ account }) => account.address === address);
    for (const { from, to, raw } of fresh) {
      if (isExit(from)) this.#judge('mail from it', raw);
      if (to.some((one) => isExit(one.replace(/\+.*@/, '@')))) this.#judge('mail to it', raw);
    }
  }

  #judge(place: string, bytes: Uint8Array): void {
    if (bytes.length > 0) this.looked.set(place, (this.looked.get(place) ?? 0) + 1);
    const digest = createHash('sha256').update(bytes).digest('base64');
    const words = this.#judged.get(digest) ?? tracesIn(bytes, this.#plan.words);
    this.#judged.set(digest, words);
    for (const word of words) this.found.add(`${place}: ${word}`);
  }
}
