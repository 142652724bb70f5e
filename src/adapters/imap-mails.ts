import { largestFetchBytes, largestMailBytes, largestSubjectBytes, mostFetched } from '../base/bounds.js';
import type { ImapFlow, ImapFlowError, ListResponse, MailboxObject, SearchObject } from 'imapflow';
import { simpleParser } from 'mailparser';
import { latin1 } from '../base/bytes.js';
import { MailError } from '../base/errors.js';
import type { Cursor, Fetched, FetchFilter, InboxMail } from '../ports/mail.js';
import { granted, type ImapAccount, mostGivenBytes, type Task } from './imap-link.js';
import type { Suspects } from './imap-suspects.js';
import { transferMs } from './mail-account.js';

export const inboxPath = 'INBOX';
// Uids of one command: about 4 KB of text at worst, which every server's line limit allows.
const uidsPerCommand = 500;

/** `1:3,7` for sorted uids. */
export const uidSet = (uids: readonly number[]): string => {
  const ranges: string[] = [];
  for (let i = 0; i < uids.length;) {
    const first = uids[i] ?? 0;
    let last = first;
    while (uids[++i] === last + 1) last++;
    ranges.push(first === last ? `${first}` : `${first}:${last}`);
  }
  return ranges.join(',');
};

export const chunks = (uids: readonly number[]): (readonly number[])[] => {
  const sorted = [...new Set(uids)].sort((a, b) => a - b);
  return Array.from({ length: Math.ceil(sorted.length / uidsPerCommand) }, (_, i) =>
    sorted.slice(i * uidsPerCommand, (i + 1) * uidsPerCommand),
  );
};

/** The folder with that special use, if there is one that can be opened. */
export const special = (folders: readonly ListResponse[], use: string): string | undefined =>
  folders.find((folder) => folder.specialUse === use && !folder.flags.has('\\Noselect'))?.path;

/** Uids of the mails that fit, ascending. */
export const search = async (client: ImapFlow, query: SearchObject): Promise<readonly number[]> => {
  const found = granted(await client.search(query, { uid: true }), 'SEARCH');
  // The other shape is the answer to `returnOptions`, which nobody asks for.
  return Array.isArray(found) ? found.toSorted((a, b) => a - b) : [];
};

/** Whether the server said no to that command alone. */
const isRefusal = (error: unknown): boolean => {
  if (error instanceof MailError) return false;
  const { responseStatus, code } = error as ImapFlowError;
  return (responseStatus === 'NO' || responseStatus === 'BAD') && code !== 'ETHROTTLE';
};

/** A folder that is selected, to be read. */
export interface Reader {
  readonly client: ImapFlow;
  readonly task: Task;
  /** Of that folder. */
  readonly suspects: Suspects;
}

/** Asks about mails with one command. @param told is called for each of which all was told */
export type Ask = (uids: readonly number[], told: (uid: number) => void) => Promise<void>;

/** A link that the server ends meanwhile is remembered for those that it had not told of. */
const watched =
  ({ client, task, suspects }: Reader, ask: Ask) =>
  async (uids: readonly number[]): Promise<void> => {
    const left = new Set(uids);
    try {
      await ask(uids, (uid) => left.delete(uid));
    } catch (error) {
      if (client.isClosed && !task.isGivenUp()) suspects.hungUpAt([...left]);
      throw error;
    }
  };

/** Asks about those mails, in ever smaller parts where the server refuses: one that it won't give holds up no other. */
const askInParts = async (
  uids: readonly number[],
  ask: (uids: readonly number[]) => Promise<void>,
  has: (uid: number) => boolean,
): Promise<void> => {
  try {
    await ask(uids);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (uids.length === 1) return;
    const left = uids.filter((uid) => !has(uid));
    const middle = Math.ceil(left.length / 2);
    for (const part of [left.slice(0, middle), left.slice(middle)])
      if (part.length > 0) await askInParts(part, ask, has);
  }
};

/** Asks about those mails once, suspects first; about none at which the server hangs up. */
const askOnce = async (
  reader: Reader,
  uids: readonly number[],
  ask: Ask,
  has: (uid: number) => boolean,
): Promise<void> => {
  for (const part of reader.suspects.inParts(uids, uidsPerCommand)) await askInParts(part, watched(reader, ask), has);
};

/**
 * Asks about those mails of the selected folder until each has been told, is gone, or is refused alone.
 *
 * @returns those refused: they are there, and to pass over them would lose them
 */
export const askAbout = async (
  reader: Reader,
  uids: readonly number[],
  ask: Ask,
  has: (uid: number) => boolean,
): Promise<readonly number[]> => {
  const { client, suspects } = reader;
  await askOnce(reader, uids, ask, has);
  const missing = uids.filter((uid) => !has(uid));
  if (missing.length === 0) return [];
  const left = await search(client, { uid: uidSet(missing.toSorted((a, b) => a - b)) });
  await askOnce(reader, left, ask, has);
  const there = new Set(left);
  for (const uid of missing)
    if (there.has(uid)) suspects.passed(uid);
    else suspects.clear(uid);
  return left.filter((uid) => !has(uid));
};

/** What is known of a mail before it is fetched. */
interface Look {
  readonly sizeBytes: number;
  readonly wanted: boolean;
}

interface Candidate extends Look {
  readonly uid: number;
}

/** A header with its folded lines made whole. */
export const unfolded = (header: Uint8Array): string => latin1(header).replace(/\r?\n(?=[ \t])/g, '');

/** Whether the Subject in that header has those words. What isn't ASCII, or stands beside it, is encoded (RFC 2047). */
export const subjectHas = async (header: Uint8Array, words: string): Promise<boolean> => {
  const text = unfolded(header.subarray(0, largestSubjectBytes));
  const has = (subject: string): boolean => subject.toLowerCase().includes(words.toLowerCase());
  // The parser needs half a millisecond, and mailboxes have many thousand mails.
  return text.includes('=?') ? has((await simpleParser(text)).subject ?? '') : has(text);
};

/** One look at those mails. One without a size is gone, or refused. */
const look = async (
  reader: Reader,
  uids: readonly number[],
  account: ImapAccount,
  { smallestBytes = 0, largestBytes = account.maxMailBytes ?? largestMailBytes, subject }: FetchFilter,
): Promise<ReadonlyMap<number, Look>> => {
  const query = { uid: true, size: true, ...(subject === undefined ? {} : { headers: ['Subject'] }) };
  const looks = new Map<number, Look>();
  const ask: Ask = async (asked, told) => {
    for await (const { uid, size, headers } of reader.client.fetch(uidSet(asked), query, { uid: true })) {
      if (size === undefined) continue;
      const fits = size >= smallestBytes && size <= largestBytes;
      // A header that the server kept back decides nothing.
      const speaks = subject === undefined || headers === undefined || (await subjectHas(headers, subject));
      looks.set(uid, { sizeBytes: size, wanted: fits && speaks });
      if (subject === undefined || headers !== undefined) told(uid);
    }
  };
  await askOnce(reader, uids, ask, (uid) => looks.has(uid));
  return looks;
};

/** As many of the mails, in order, as fit; always the first. */
const withinBytes = (uids: readonly number[], looks: ReadonlyMap<number, Look>, maxBytes: number): Candidate[] => {
  const chosen = [];
  let room = maxBytes;
  for (const uid of uids) {
    const { sizeBytes, wanted } = looks.get(uid) ?? { sizeBytes: 0, wanted: true };
    if (wanted) room -= sizeBytes;
    if (room < 0 && chosen.length > 0) break;
    chosen.push({ uid, sizeBytes, wanted });
  }
  return chosen;
};

/** The wanted mails that were given, and those that were not or had no room. What is gone is in neither. */
interface Bodies {
  readonly raws: ReadonlyMap<number, Uint8Array>;
  readonly refused: ReadonlySet<number>;
}

/** The contents of the wanted ones: the first, and as many as there is room for, whatever sizes the server has told. */
export const bodies = async (reader: Reader, chosen: readonly Candidate[]): Promise<Bodies> => {
  const { client, task, suspects } = reader;
  const raws = new Map<number, Uint8Array>();
  const wanted = chosen.filter((candidate) => candidate.wanted);
  const sizes = new Map(wanted.map(({ uid, sizeBytes }) => [uid, sizeBytes]));
  const toldBytes = wanted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // Of a mail that was refused when it was looked at no size is known.
  let room = Math.max(largestFetchBytes, mostGivenBytes(toldBytes));
  const tooMuch = new Set<number>();
  const ask: Ask = async (uids, told) => {
    task.extend(transferMs(uids.reduce((sum, uid) => sum + (sizes.get(uid) ?? 0), 0)));
    // Rows without a source are other clients' flag changes told in between.
    for await (const { uid, source } of client.fetch(uidSet(uids), { uid: true, source: true }, { uid: true })) {
      if (source === undefined) continue;
      room -= source.byteLength;
      if (room >= 0 || raws.size === 0)
        raws.set(uid, new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
      else tooMuch.add(uid);
      told(uid);
      suspects.clear(uid);
    }
  };
  const refused = await askAbout(reader, [...sizes.keys()], ask, (uid) => raws.has(uid) || tooMuch.has(uid));
  return { raws, refused: new Set([...refused, ...tooMuch]) };
};

/** A mail as it was given; undefined if it is gone. */
export const mailOf = ({ raws, refused }: Bodies, uid: number): InboxMail | undefined => {
  const raw = raws.get(uid);
  if (raw !== undefined) return { uid, raw };
  return refused.has(uid) ? { uid, raw, isRefused: true } : undefined;
};

/** What to fetch from the folder that is selected. */
export interface Fetching {
  readonly mailbox: MailboxObject;
  /** Of that folder; see `Numberings`. */
  readonly uidValidity: string;
  readonly after: Cursor | undefined;
  readonly filter: FetchFilter;
}

/** The next mails of the selected folder. */
export const fetchMails = async (
  reader: Reader,
  account: ImapAccount,
  { mailbox, uidValidity, after, filter }: Fetching,
): Promise<Fetched> => {
  const from = after?.uidValidity === uidValidity ? after.uid + 1 : 1;
  if (mailbox.exists === 0 || mailbox.uidNext <= from) return { uidValidity, mails: [], more: false };

  const found = await search(reader.client, { uid: `${from}:*` });
  // `n:*` names the last mail even when it is below n.
  const uids = found.filter((uid) => uid >= from);
  const batch = uids.slice(0, account.maxFetchCount ?? mostFetched);
  const looks = await look(reader, batch, account, filter);
  const chosen = withinBytes(batch, looks, account.maxFetchBytes ?? largestFetchBytes);
  const given = await bodies(reader, chosen);
  const mails = chosen.flatMap(({ uid, wanted }): InboxMail | [] =>
    wanted ? (mailOf(given, uid) ?? []) : { uid, raw: undefined },
  );
  return { uidValidity, mails, more: chosen.length < uids.length };
};

/** Removes those mails of the selected folder for good. @throws MailError `mail/protocol` */
export const removeMails = async (client: ImapFlow, folder: string, uids: readonly number[]): Promise<void> => {
  const trash = await trashOf(client);
  for (const chunk of chunks(uids)) {
    if (trash === undefined || trash === folder) await expunge(client, chunk);
    else await expungeThroughTrash(client, { folder, trash }, chunk);
  }
};

/** The folder a removal goes through: Gmail only archives what is deleted anywhere else. */
export const trashOf = async (client: ImapFlow): Promise<string | undefined> =>
  client.capabilities.has('X-GM-EXT-1') ? special(await client.list(), '\\Trash') : undefined;

const expunge = async (client: ImapFlow, uids: readonly number[]): Promise<void> => {
  granted(await client.messageDelete(uidSet(uids), { uid: true }), 'EXPUNGE');
};

const expungeThroughTrash = async (
  client: ImapFlow,
  { folder, trash }: { readonly folder: string; readonly trash: string },
  uids: readonly number[],
): Promise<void> => {
  await client.mailboxOpen(folder);
  const left = await search(client, { uid: uidSet(uids) });
  if (left.length === 0) return;
  const moved = granted(await client.messageMove(uidSet(left), trash, { uid: true }), 'MOVE');
  const there = [...(moved.uidMap?.values() ?? [])].sort((a, b) => a - b);
  if (there.length === 0) throw new MailError('mail/protocol', 'MOVE without COPYUID');
  await client.mailboxOpen(trash);
  await expunge(client, there);
};

/** Whether the selected folder has a mail with that Message-ID. @throws MailError `mail/protocol` */
export const holdsMail = async (client: ImapFlow, messageId: string): Promise<boolean> => {
  // Servers look for a part of the field, in either case.
  const found = await search(client, { header: { 'Message-ID': messageId } });
  for (const chunk of chunks(found)) {
    let holds = false;
    const query = { uid: true, headers: ['Message-ID'] };
    for await (const { headers = new Uint8Array() } of client.fetch(uidSet(chunk), query, { uid: true }))
      holds ||= unfolded(headers)
        .split(/\r?\n/)
        .some((line) => line.slice(line.indexOf(':') + 1).trim() === messageId);
    if (holds) return true;
  }
  return false;
};
