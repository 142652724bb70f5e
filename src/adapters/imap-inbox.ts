import type { ImapFlow, ListResponse, MailboxObject } from 'imapflow';
import { MailError } from '../base/errors.js';
import { minuteMs, secondMs } from '../base/units.js';
import type { Log } from '../ports/log.js';
import type { Cursor, Fetched, Inbox, InboxMail } from '../ports/mail.js';
import { bounded, defaultMaxMailBytes, granted, openImap, whereOf, type ImapAccount, type Task } from './imap-link.js';
import { defaultDeadlineMs, transferMs } from './mail-account.js';

export type { ImapAccount } from './imap-link.js';

/** What a mailbox is like, for `mixmailer check`. */
export interface ImapProbe {
  readonly capabilities: readonly string[];
  readonly folders: readonly { readonly path: string; readonly specialUse: string | undefined }[];
  /** The folders that will be used. */
  readonly inbox: string;
  readonly junk: string | undefined;
  readonly trash: string | undefined;
  readonly sent: string | undefined;
  /** Without UIDPLUS mails can't be removed one by one, and nothing is removed. */
  readonly canRemove: boolean;
  /** Without IDLE new mail is found by polling. */
  readonly canIdle: boolean;
}

const inboxPath = 'INBOX';
const defaultMaxFetchBytes = 32 * 1024 * 1024;
const defaultMaxFetchCount = 256;

// A link that lived this long was cut by a restart, not by a server that refuses us: reconnecting at once is polite.
const steadyLinkMs = minuteMs;
// Uids of one command: about 4 KB of text at worst, which every server's line limit allows.
const uidsPerCommand = 500;

/** `1:3,7` for sorted uids. */
const uidSet = (uids: readonly number[]): string => {
  const ranges: string[] = [];
  for (let i = 0; i < uids.length;) {
    const first = uids[i] ?? 0;
    let last = first;
    while (uids[++i] === last + 1) last++;
    ranges.push(first === last ? `${first}` : `${first}:${last}`);
  }
  return ranges.join(',');
};

const chunks = (uids: readonly number[]): (readonly number[])[] => {
  const sorted = [...new Set(uids)].sort((a, b) => a - b);
  return Array.from({ length: Math.ceil(sorted.length / uidsPerCommand) }, (_, i) =>
    sorted.slice(i * uidsPerCommand, (i + 1) * uidsPerCommand),
  );
};

const special = (folders: readonly ListResponse[], use: string): string | undefined =>
  folders.find((folder) => folder.specialUse === use && !folder.flags.has('\\Noselect'))?.path;

/** Which of those uids are there, ascending. */
const search = async (client: ImapFlow, uids: string): Promise<readonly number[]> => {
  const found = granted(await client.search({ uid: uids }, { uid: true }), 'SEARCH');
  // The other shape is the answer to `returnOptions`, which nobody asks for.
  return Array.isArray(found) ? found.toSorted((a, b) => a - b) : [];
};

interface Candidate {
  readonly uid: number;
  readonly sizeBytes: number;
  readonly wanted: boolean;
}

/** State of the inbox at a SELECT: a mail that comes later changes it. */
const markOf = (mailbox: MailboxObject): string => `${mailbox.uidValidity}:${mailbox.uidNext}`;

type Stir = 'mail' | 'closed' | 'folder' | 'over';

class ImapInbox implements Inbox {
  readonly #account: ImapAccount;
  readonly #log: Log;
  readonly #where: string;
  readonly #deadlineMs: number;
  #client: ImapFlow | undefined;
  #connectedAt = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** The server told of mail since the last fetch from the inbox began. */
  #news = false;
  /** The inbox as the last fetch from it saw it. */
  #mark: string | undefined;
  readonly #waiting = new Set<(stir: Stir) => void>();

  constructor(account: ImapAccount, log: Log) {
    this.#account = account;
    this.#log = log;
    this.#where = whereOf(account);
    this.#deadlineMs = account.deadlineMs ?? defaultDeadlineMs;
  }

  folders(signal: AbortSignal): Promise<readonly string[]> {
    return this.#exclusively(signal, async (client) => {
      const junk = special(await client.list(), '\\Junk');
      return junk === undefined ? [inboxPath] : [inboxPath, junk];
    });
  }

  sentFolder(signal: AbortSignal): Promise<string | undefined> {
    return this.#exclusively(signal, async (client) => special(await client.list(), '\\Sent'));
  }

  fetch(folder: string, after: Cursor | undefined, signal: AbortSignal, smallestBytes = 0): Promise<Fetched> {
    return this.#exclusively(signal, async (client, task) => {
      const isInbox = folder === inboxPath;
      // Before the SELECT: what comes from here on raises it again.
      if (isInbox) this.#news = false;
      const mailbox = await client.mailboxOpen(folder);
      if (isInbox) this.#mark = markOf(mailbox);
      const uidValidity = mailbox.uidValidity.toString();
      const from = after?.uidValidity === uidValidity ? after.uid + 1 : 1;
      if (mailbox.exists === 0 || mailbox.uidNext <= from) return { uidValidity, mails: [], more: false };

      const found = await search(client, `${from}:*`);
      // `n:*` names the last mail even when it is below n.
      const uids = found.filter((uid) => uid >= from);
      const batch = uids.slice(0, this.#account.maxFetchCount ?? defaultMaxFetchCount);
      const chosen = this.#withinBytes(batch, await this.#sizes(client, batch), smallestBytes);
      const raws = await this.#bodies(client, task, chosen);
      const mails: InboxMail[] = [];
      for (const { uid, wanted } of chosen) {
        const raw = raws.get(uid);
        if (raw !== undefined || !wanted) mails.push({ uid, raw });
      }
      const more = chosen.length < uids.length;
      if (isInbox && more) this.#news = true;
      return { uidValidity, mails, more };
    });
  }

  /** As many of the mails, in order, as fit; always the first. A mail without a size is gone. */
  #withinBytes(uids: readonly number[], sizes: ReadonlyMap<number, number>, smallestBytes: number): Candidate[] {
    const chosen = [];
    let room = this.#account.maxFetchBytes ?? defaultMaxFetchBytes;
    for (const uid of uids) {
      const sizeBytes = sizes.get(uid) ?? 0;
      const wanted = sizeBytes >= smallestBytes && sizeBytes <= (this.#account.maxMailBytes ?? defaultMaxMailBytes);
      if (wanted) room -= sizeBytes;
      if (room < 0 && chosen.length > 0) break;
      chosen.push({ uid, sizeBytes, wanted });
    }
    return chosen;
  }

  async #sizes(client: ImapFlow, uids: readonly number[]): Promise<Map<number, number>> {
    const sizes = new Map<number, number>();
    for (const chunk of chunks(uids))
      for await (const mail of client.fetch(uidSet(chunk), { uid: true, size: true }, { uid: true }))
        if (mail.size !== undefined) sizes.set(mail.uid, mail.size);
    return sizes;
  }

  async #bodies(client: ImapFlow, task: Task, chosen: readonly Candidate[]): Promise<Map<number, Uint8Array>> {
    const raws = new Map<number, Uint8Array>();
    const wanted = chosen.filter((candidate) => candidate.wanted);
    task.extend(transferMs(wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)));
    const take = async (uids: readonly number[]): Promise<void> => {
      // Rows without a source are other clients' flag changes told in between.
      for await (const { uid, source } of client.fetch(uidSet(uids), { uid: true, source: true }, { uid: true }))
        if (source !== undefined) raws.set(uid, new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
    };
    const uids = wanted.map(({ uid }) => uid);
    for (const chunk of chunks(uids)) await take(chunk);
    // Whatever is still missing was removed by somebody else, or the server keeps its body from us: passing over
    // the second kind would lose a mail, so it fails here and the next fetch asks again.
    const missing = uids.filter((uid) => !raws.has(uid));
    if (missing.length > 0) {
      const left = await search(client, uidSet(missing));
      if (left.length > 0) await take(left);
      if (left.some((uid) => !raws.has(uid)))
        throw new MailError('mail/protocol', `${this.#where}: a mail without content`);
    }
    return raws;
  }

  remove(folder: string, uidValidity: string, uids: readonly number[], signal: AbortSignal): Promise<void> {
    if (uids.length === 0) return Promise.resolve();
    return this.#exclusively(signal, async (client) => {
      // Plain EXPUNGE would take other people's deleted mail along.
      if (!client.capabilities.has('UIDPLUS'))
        throw new MailError('mail/protocol', `${this.#where}: no UIDPLUS, so nothing can be removed`);
      const mailbox = await client.mailboxOpen(folder);
      if (mailbox.uidValidity.toString() !== uidValidity) {
        // Those uids name other mails now; the old ones are gone.
        this.#log.warn('folder was rebuilt, nothing removed');
        return;
      }
      const trash = await this.#trashOf(client, folder);
      for (const chunk of chunks(uids)) {
        if (trash === undefined) await this.#expunge(client, chunk);
        else await this.#expungeThroughTrash(client, folder, trash, chunk);
      }
    });
  }

  /** The folder a removal goes through: Gmail only archives what is deleted anywhere else. */
  async #trashOf(client: ImapFlow, folder: string): Promise<string | undefined> {
    if (!client.capabilities.has('X-GM-EXT-1')) return undefined;
    const trash = special(await client.list(), '\\Trash');
    return trash === folder ? undefined : trash;
  }

  async #expunge(client: ImapFlow, uids: readonly number[]): Promise<void> {
    granted(await client.messageDelete(uidSet(uids), { uid: true }), 'EXPUNGE');
  }

  async #expungeThroughTrash(client: ImapFlow, folder: string, trash: string, uids: readonly number[]): Promise<void> {
    await client.mailboxOpen(folder);
    const left = await search(client, uidSet(uids));
    if (left.length === 0) return;
    const moved = granted(await client.messageMove(uidSet(left), trash, { uid: true }), 'MOVE');
    const there = [...(moved.uidMap?.values() ?? [])].sort((a, b) => a - b);
    if (there.length === 0) throw new MailError('mail/protocol', `${this.#where}: MOVE without COPYUID`);
    await client.mailboxOpen(trash);
    await this.#expunge(client, there);
  }

  async waitForMail(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const until = Date.now() + timeoutMs;
    const leftMs = (): number => until - Date.now();
    const pauseMs = this.#account.retryPauseMs ?? 30 * secondMs;
    // Somebody who fetches from another folder takes the inbox away: then watch it anew.
    for (let stir: Stir = 'folder'; stir === 'folder' && leftMs() > 0 && !signal.aborted;) {
      try {
        const client = await this.#exclusively(signal, (watched) => this.#watch(watched));
        if (this.#news) return;
        stir = await this.#stir(client, leftMs(), signal);
        if (stir === 'closed' && Date.now() - this.#connectedAt < steadyLinkMs)
          await this.#sleep(Math.min(leftMs(), pauseMs), signal);
      } catch (error) {
        // Log-ins that fail are counted by the provider: no hurry with the next one.
        const slow = error instanceof MailError && (error.code === 'mail/login' || error.code === 'mail/insecure');
        await this.#sleep(slow ? leftMs() : Math.min(leftMs(), pauseMs), signal);
        return;
      }
    }
  }

  /** Selects the inbox, finds out whether it changed since the last fetch, and begins IDLE. */
  async #watch(client: ImapFlow): Promise<ImapFlow> {
    if (client.mailbox === false || client.mailbox.path !== inboxPath) {
      const mailbox = await client.mailboxOpen(inboxPath);
      if (this.#mark === undefined ? mailbox.exists > 0 : this.#mark !== markOf(mailbox)) this.#news = true;
    }
    // Ends by itself when the next command comes; a failure shows in that command.
    if (!this.#news) void client.idle().catch(() => undefined);
    return client;
  }

  /** What ends the quiet on a watched inbox. */
  #stir(client: ImapFlow, forMs: number, signal: AbortSignal): Promise<Stir> {
    if (this.#news) return Promise.resolve('mail');
    if (client.isClosed || this.#isClosed()) return Promise.resolve('closed');
    if (client.mailbox === false || client.mailbox.path !== inboxPath) return Promise.resolve('folder');
    return new Promise((resolve) => {
      const end = (stir: Stir): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', over);
        this.#waiting.delete(end);
        resolve(stir);
      };
      const over = (): void => end('over');
      const timer = setTimeout(over, Math.max(0, forMs));
      this.#waiting.add(end);
      signal.addEventListener('abort', over);
      if (signal.aborted) over();
    });
  }

  #sleep(forMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#waiting.delete(closed);
        resolve();
      };
      const closed = (): void => {
        if (this.#isClosed()) end();
      };
      const timer = setTimeout(end, Math.max(0, forMs));
      this.#waiting.add(closed);
      signal.addEventListener('abort', end);
      if (signal.aborted || this.#isClosed()) end();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#tell('closed');
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    const soon = AbortSignal.timeout(secondMs);
    const link = { client, where: this.#where, deadlineMs: secondMs, connecting: false };
    // A goodbye that isn't answered ends in close() all the same.
    await bounded(link, soon, () => client.logout()).catch(() => undefined);
    client.close();
  }

  // A method, because the answer changes behind an await.
  #isClosed(): boolean {
    return this.#closed;
  }

  #tell(stir: Stir): void {
    for (const end of [...this.#waiting]) end(stir);
  }

  /** One command sequence at a time: they share the selected folder. */
  #exclusively<T>(signal: AbortSignal, work: (client: ImapFlow, task: Task) => Promise<T>): Promise<T> {
    const turn = this.#turn.then(async () => {
      const client = await this.#connected(signal);
      const link = { client, where: this.#where, deadlineMs: this.#deadlineMs, connecting: false };
      return bounded(link, signal, (task) => work(client, task));
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async #connected(signal: AbortSignal): Promise<ImapFlow> {
    if (this.#client?.usable === true) return this.#client;
    if (this.#isClosed() || signal.aborted) throw new MailError('mail/closed', `${this.#where}: given up`);
    // A client that lost its link can't be used again.
    const client = await openImap(this.#account, signal);
    this.#client = client;
    this.#connectedAt = Date.now();
    client.on('exists', ({ path, count, prevCount }) => {
      if (path !== inboxPath || count <= prevCount) return;
      this.#news = true;
      this.#tell('mail');
    });
    client.on('mailboxClose', () => this.#tell(client.isClosed ? 'closed' : 'folder'));
    client.on('close', () => this.#tell('closed'));
    // Closed by us while connecting.
    if (this.#isClosed()) {
      client.close();
      throw new MailError('mail/closed', `${this.#where}: given up`);
    }
    this.#log.info('connected to mailbox');
    return client;
  }
}

/** The mailbox of that account. It connects at the first call and keeps its one connection long. */
export const imapInbox = (account: ImapAccount, log: Log): Inbox => new ImapInbox(account, log);

/**
 * Logs in, looks around and logs out.
 *
 * @throws MailError `mail/insecure`, `mail/connect`, `mail/tls`, `mail/login`, `mail/timeout`, `mail/protocol`
 */
export const probeImap = async (account: ImapAccount, signal: AbortSignal): Promise<ImapProbe> => {
  const client = await openImap(account, signal);
  const link = {
    client,
    where: whereOf(account),
    deadlineMs: account.deadlineMs ?? defaultDeadlineMs,
    connecting: false,
  };
  try {
    const folders = await bounded(link, signal, () => client.list());
    const capabilities = [...client.capabilities.keys()];
    return {
      capabilities,
      folders: folders.map(({ path, specialUse }) => ({ path, specialUse })),
      inbox: inboxPath,
      junk: special(folders, '\\Junk'),
      trash: special(folders, '\\Trash'),
      sent: special(folders, '\\Sent'),
      canRemove: capabilities.includes('UIDPLUS'),
      canIdle: capabilities.includes('IDLE'),
    };
  } finally {
    await bounded({ ...link, deadlineMs: secondMs }, AbortSignal.timeout(secondMs), () => client.logout()).catch(
      () => undefined,
    );
    client.close();
  }
};
