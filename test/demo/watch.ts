import type { SeenMail } from '../servers/smtp-tap.js';
import { bytesText, dim, green, say, yellow } from './screen.js';

const packetMailBytes = 44_000;

/** What the providers along the way get to see: who mails whom, how much, and when. */
export class Watch {
  #startedAt = Date.now();
  #shown = false;
  readonly #friends: ReadonlySet<string>;
  readonly mails: SeenMail[] = [];
  #pending = new Map<string, SeenMail[]>();
  #timer: NodeJS.Timeout | undefined;

  /** @param friends addresses outside the network, whose mails are not packets */
  constructor(friends: readonly string[]) {
    this.#friends = new Set(friends);
  }

  readonly see = (mail: SeenMail): void => {
    this.mails.push(mail);
    if (!this.#shown) return;
    const pending = this.#pending.get(mail.from) ?? [];
    this.#pending.set(mail.from, [...pending, mail]);
    // The mails of one flush are shown together.
    this.#timer ??= setTimeout(() => this.show(), 250);
  };

  /** From now on mails are shown as they come. */
  start(): void {
    this.#startedAt = Date.now();
    this.#shown = true;
  }

  /** What comes from now on is seen but not shown. */
  stop(): void {
    this.show();
    this.#shown = false;
  }

  show(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const seconds = ((Date.now() - this.#startedAt) / 1000).toFixed(1).padStart(5);
    for (const [from, mails] of [...this.#pending].sort()) {
      const links = mails.map((mail) => this.#link(mail)).sort();
      say(`${dim(`${seconds} s`)}  ${from.padEnd(18)} ${links.join(dim(' · '))}`);
    }
    this.#pending = new Map();
  }

  #link({ to: [to = ''], raw }: SeenMail): string {
    if (this.#friends.has(to)) return green(`→ ${to}: a mail of ${bytesText(raw.length)}`);
    const packets = Math.round(raw.length / packetMailBytes);
    return `→ ${to.replace(/@.*/, '')} ${yellow(`${packets} pkt`)}`;
  }
}
