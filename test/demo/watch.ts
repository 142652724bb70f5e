import type { SeenMail } from '../servers/smtp-tap.js';
import { bytesText, cyan, green, row, yellow } from './screen.js';

const packetMailBytes = 44_000;

const isOfDirectory = ({ raw }: SeenMail): boolean =>
  /^Subject: MixMailer directory\r?$/m.test(raw.toString('latin1', 0, 2000));

/** What the providers along the way get to see: who mails whom, how much, and when. */
export class Watch {
  #startedAt = Date.now();
  #shown = false;
  readonly #user: string;
  readonly mails: SeenMail[] = [];
  /** Mails about the list of nodes since `start`, which are not shown. */
  directoryMails = 0;
  #pending = new Map<string, SeenMail[]>();
  #timer: NodeJS.Timeout | undefined;

  /** @param user address of the one whose client is watched: packets come to that mailbox too */
  constructor(user: string) {
    this.#user = user;
  }

  readonly see = (mail: SeenMail): void => {
    this.mails.push(mail);
    if (!this.#shown) return;
    if (isOfDirectory(mail)) {
      this.directoryMails++;
      return;
    }
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
    for (const [from, mails] of [...this.#pending].sort())
      row(`${seconds} s  ${from.padEnd(16)}`, mails.map((mail) => this.#link(mail)).sort());
    this.#pending = new Map();
  }

  #link({ to: [to = ''], raw }: SeenMail): string {
    const size = bytesText(raw.length);
    // Packet mails are larger than any mail that people write by hand, and say what they are.
    if (!/^Subject: MixMailer/m.test(raw.toString('latin1', 0, 2000))) return green(`→ ${to}: a mail of ${size}`);
    const packets = Math.round(raw.length / packetMailBytes);
    return (to === this.#user ? cyan : yellow)(`→ ${to.replace(/@.*/, '')} ${packets} pkt`);
  }
}
