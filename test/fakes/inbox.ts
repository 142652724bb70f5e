import { simpleParser, type ParsedMail } from 'mailparser';
import { latin1 } from '../../src/base/bytes.js';
import { MailError } from '../../src/base/errors.js';
import type { Cursor, Fetched, FetchFilter, Inbox, InboxMail } from '../../src/ports/mail.js';

interface FakeMail {
  readonly uid: number;
  readonly raw: Uint8Array;
  deleted: boolean;
}

interface FakeFolder {
  uidValidity: number;
  uidNext: number;
  mails: FakeMail[];
}

/** A mailbox in memory: what its server and its other clients can do to it. */
export class FakeMailbox {
  readonly #folders = new Map<string, FakeFolder>();
  readonly #stirred = new Set<() => void>();
  /** Every call fails with this while it is set: the server is away, refuses the password, ... */
  fault: MailError['code'] | undefined;
  /** The server accepts and says nothing. */
  frozen = false;
  #lastUidValidity = 1000;

  constructor(folders: readonly string[] = ['INBOX', 'Junk']) {
    for (const folder of folders) this.rebuild(folder);
  }

  get folders(): readonly string[] {
    return [...this.#folders.keys()];
  }

  folder(name: string): FakeFolder {
    const folder = this.#folders.get(name);
    if (folder === undefined) throw new MailError('mail/protocol', 'no such folder');
    return folder;
  }

  /** Empties the folder under a new UIDVALIDITY. */
  rebuild(name: string): void {
    this.#folders.set(name, { uidValidity: ++this.#lastUidValidity, uidNext: 1, mails: [] });
  }

  put(raw: Uint8Array, name = 'INBOX'): void {
    const folder = this.folder(name);
    folder.mails.push({ uid: folder.uidNext++, raw: raw.slice(), deleted: false });
    this.stir();
  }

  raws(name = 'INBOX'): readonly Uint8Array[] {
    return this.folder(name).mails.map(({ raw }) => raw);
  }

  uids(name = 'INBOX'): readonly number[] {
    return this.folder(name).mails.map(({ uid }) => uid);
  }

  /** Another client flags a mail `\Deleted`. */
  markDeleted(uid: number, name = 'INBOX'): void {
    for (const mail of this.folder(name).mails) if (mail.uid === uid) mail.deleted = true;
  }

  /** Wakes everybody who waits: new mail, or a link that was cut. */
  stir(): void {
    for (const wake of [...this.#stirred]) wake();
  }

  /** Resolves at the next stir, after `timeoutMs`, or when the signal aborts. */
  quiet(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#stirred.delete(end);
        resolve();
      };
      const timer = setTimeout(end, timeoutMs);
      this.#stirred.add(end);
      signal.addEventListener('abort', end);
      if (signal.aborted) end();
    });
  }
}

export interface FakeInboxLimits {
  readonly maxMailBytes?: number;
  readonly maxFetchBytes?: number;
  readonly maxFetchCount?: number;
  readonly deadlineMs?: number;
}

const headerOf = (raw: Uint8Array): Promise<ParsedMail> =>
  simpleParser(latin1(raw).split('\r\n\r\n', 1).join('') + '\r\n\r\n');

const passes = async (raw: Uint8Array, { smallestBytes = 0, subject }: FetchFilter): Promise<boolean> => {
  if (raw.length < smallestBytes) return false;
  if (subject === undefined) return true;
  return ((await headerOf(raw)).subject ?? '').toLowerCase().includes(subject.toLowerCase());
};

/** An Inbox over a mailbox in memory; keeps the contract of test/contracts/inbox.ts. */
export const fakeInbox = (mailbox: FakeMailbox, limits: FakeInboxLimits = {}): Inbox => {
  const { maxMailBytes = Infinity, maxFetchBytes = Infinity, maxFetchCount = 256, deadlineMs = 1000 } = limits;
  let closed = false;
  let seen = 0;

  const reach = async (signal: AbortSignal): Promise<void> => {
    const until = Date.now() + deadlineMs;
    while (mailbox.frozen && !signal.aborted && Date.now() < until) await mailbox.quiet(until - Date.now(), signal);
    if (closed || signal.aborted) throw new MailError('mail/closed', 'given up');
    if (mailbox.frozen) throw new MailError('mail/timeout', 'no answer in time');
    if (mailbox.fault !== undefined) throw new MailError(mailbox.fault, 'fault of a test');
  };

  return {
    async folders(signal) {
      await reach(signal);
      return mailbox.folders.filter((name) => name !== 'Sent');
    },

    async sentFolder(signal) {
      await reach(signal);
      return mailbox.folders.find((name) => name === 'Sent');
    },

    async fetch(name, after: Cursor | undefined, signal, filter: FetchFilter = {}): Promise<Fetched> {
      await reach(signal);
      const folder = mailbox.folder(name);
      const uidValidity = `${folder.uidValidity}`;
      const from = after?.uidValidity === uidValidity ? after.uid : 0;
      const waiting = folder.mails.filter(({ uid }) => uid > from);
      const mails: InboxMail[] = [];
      let room = maxFetchBytes;
      for (const { uid, raw } of waiting.slice(0, maxFetchCount)) {
        const wanted = raw.length <= (filter.largestBytes ?? maxMailBytes) && (await passes(raw, filter));
        if (wanted) room -= raw.length;
        if (room < 0 && mails.length > 0) break;
        mails.push({ uid, raw: wanted ? raw.slice() : undefined });
      }
      const more = mails.length < waiting.length;
      if (name === 'INBOX') seen = more ? 0 : folder.uidNext;
      return { uidValidity, mails, more };
    },

    async remove(name, uidValidity, uids, signal) {
      await reach(signal);
      const folder = mailbox.folder(name);
      if (`${folder.uidValidity}` !== uidValidity) return;
      const gone = new Set(uids);
      folder.mails = folder.mails.filter(({ uid }) => !gone.has(uid));
    },

    async holds(name, messageId, signal) {
      await reach(signal);
      for (const raw of mailbox.raws(name)) if ((await headerOf(raw)).messageId === messageId) return true;
      return false;
    },

    async append(name, raw, signal) {
      await reach(signal);
      mailbox.put(raw, name);
    },

    async waitForMail(timeoutMs, signal) {
      if (closed || signal.aborted) return;
      const { mails, uidNext } = mailbox.folder('INBOX');
      if (mailbox.fault === undefined && (seen === 0 ? mails.length > 0 : seen !== uidNext)) return;
      await mailbox.quiet(timeoutMs, signal);
    },

    close() {
      closed = true;
      mailbox.stir();
      return Promise.resolve();
    },
  };
};
