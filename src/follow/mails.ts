import { directoryPerKnown, directoryPerSender, directoryShareMs, mostTextRead } from '../base/bounds.js';
import type { Base64 } from '../base/base64.js';
import type { Compression } from '../base/compression.js';
import { SubmissionError } from '../base/errors.js';
import { documentsInParts, sliceDirectoryMail } from '../carrier/directory-mail.js';
import { costOfText } from '../carrier/intake.js';
import { documentsIn, type FoundDocument } from '../council/documents.js';
import { readHead, valuesOf } from '../message/head.js';
import { authorOf, isAutomaticAnswer } from '../message/incoming.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Inbox, MailLook, MimeParser } from '../ports/mail.js';
import type { CursorStore, Store } from '../ports/stores.js';
import { tellAside } from '../post/aside.js';
import { readOrTell } from '../post/folders.js';
import { documentMails, Intake, type IntakeMoment, lookAround, removeOver } from '../post/intake.js';

/** What is known of the mail that a document came in. Nobody vouches for any of it. */
export interface DocumentMail {
  /** Who wrote it: one mail address, if its From holds exactly one that is well-formed. */
  readonly from: string | undefined;
  /** A bounce, a vacation program's mail, a list's: never answered. */
  readonly isAutomatic: boolean;
}

/** How much a single mail may bring. */
export interface MailBounds {
  /** Of its text. */
  readonly bytes: number;
  readonly documents: number;
}

export interface DirectoryMailDeps {
  readonly inbox: Inbox;
  /** From `directoryReading`. */
  readonly reading: DirectoryReading;
  readonly store: Store & CursorStore;
  readonly parse: MimeParser;
  readonly base64: Base64;
  readonly compression: Compression;
  readonly clock: Clock;
  readonly log: Log;
  /** Accounts whose mails take turns with those of everybody else, and have the larger share: from `knownAccounts`. */
  readonly known: () => ReadonlySet<string>;
  /** Asked before each mail is opened: from whom a list was asked a large one may come. */
  readonly bounds: (mail: DocumentMail, now: number) => MailBounds;
  /**
   * Acts upon a document, inside the store's transaction; what comes from the network never makes it throw.
   *
   * @returns whether it is of a kind that this process has a use for
   */
  readonly take: (document: FoundDocument, mail: DocumentMail, now: number) => boolean;
}

/** What is known of the mails with documents in a mailbox; lives as long as the process. */
export interface DirectoryReading {
  readonly intake: Intake;
  /** What was read since the log was told. */
  readonly counts: Map<string, number>;
}

/** Of a process that has read nothing yet. */
export const directoryReading = (): DirectoryReading => ({
  intake: new Intake({ perSender: directoryPerSender, perNode: directoryPerKnown }, documentMails),
  counts: new Map(),
});

/** The mails are read beside those with packets, in the same folders and at another pace. */
const cursorOf = (folder: string): string => `directory ${folder}`;

/** A mail with documents of the directory. */
interface Found {
  /** Empty if it is damaged, or more than may be read. */
  readonly text: string;
  readonly mail: DocumentMail;
  readonly bounds: MailBounds;
  /** Programs wrote it for programs: it goes when it is dealt with. Anybody's letter stays. */
  readonly isOurs: boolean;
}

const isByMachine = (values: readonly string[]): boolean => values.some((value) => /^auto-generated\b/i.test(value));

const foundIn = async (deps: DirectoryMailDeps, raw: Uint8Array): Promise<Found | undefined> => {
  const { parse, base64, compression, clock } = deps;
  const head = readHead(raw);
  const mail = { from: authorOf(head), isAutomatic: isAutomaticAnswer(head) };
  const bounds = deps.bounds(mail, clock.now());
  const limits = { compression, mostBytes: bounds.bytes };
  const text = sliceDirectoryMail(raw, base64, limits);
  if (text !== undefined) return { text, mail, bounds, isOurs: true };
  try {
    const inParts = documentsInParts((await parse(raw)).parts, limits);
    const isOurs = isByMachine(valuesOf(head, 'auto-submitted'));
    return inParts === undefined ? undefined : { text: inParts, mail, bounds, isOurs };
  } catch (error) {
    if (error instanceof SubmissionError) return undefined;
    throw error;
  }
};

const countInto = (counts: Map<string, number>, what: string, by = 1): void =>
  void counts.set(what, (counts.get(what) ?? 0) + by);

/** @returns how many documents there were */
const takeAll = (deps: DirectoryMailDeps, found: Found): number => {
  const { store, take, clock } = deps;
  const { counts } = deps.reading;
  const now = clock.now();
  const documents = documentsIn(found.text);
  if (documents.length === 0) countInto(counts, 'empty');
  if (documents.length > found.bounds.documents) {
    countInto(counts, 'too-many');
    return documents.length;
  }
  store.atomically(() => {
    for (const document of documents)
      countInto(counts, take(document, found.mail, now) ? `in-${document.kind}` : 'useless');
  });
  return documents.length;
};

/** What one call reads. */
interface Turn {
  readonly moment: IntakeMoment;
  /** Bytes of text that may still come of it. */
  text: number;
}

/** Reads these mails of one folder, as far as the text in them goes; the others wait. What the server does not give is set aside. */
const readBatch = async (
  deps: DirectoryMailDeps,
  { folder, looks }: { readonly folder: string; readonly looks: readonly MailLook[] },
  turn: Turn,
  signal: AbortSignal,
): Promise<void> => {
  const { inbox, log } = deps;
  const { intake } = deps.reading;
  const { moment } = turn;
  const uidValidity = intake.uidValidity(folder);
  const fetched = await inbox.fetchThose(folder, uidValidity, looks, signal);
  const given = new Map(fetched.map((mail) => [mail.uid, mail]));
  const read: number[] = [];
  const gone: number[] = [];
  let setAside = 0;
  for (const look of looks) {
    if (turn.text <= 0) break;
    const { raw, isRefused } = given.get(look.uid) ?? {};
    if (isRefused === true) {
      if (intake.setAside(folder, look.uid, moment.now)) setAside++;
      continue;
    }
    read.push(look.uid);
    const found = raw && (await foundIn(deps, raw));
    const documents = found === undefined ? 0 : takeAll(deps, found);
    // How far it was inflated before it was given up nobody says: the worst is assumed.
    const textBytes = found === undefined ? 0 : found.text.length || found.bounds.bytes;
    turn.text -= textBytes;
    intake.pay(look, moment, costOfText(textBytes, documents));
    if (found?.isOurs === true) gone.push(look.uid);
  }
  if (setAside > 0) log.warn(tellAside, { mails: setAside });
  if (gone.length > 0) await inbox.remove(folder, uidValidity, gone, signal);
  for (const uid of read) intake.done(folder, uidValidity, uid);
};

/**
 * Reads mails of the directory in the mailbox, some of them, so that what else is to be read has its turn: those of known
 * accounts and of all others take turns, and so do the senders, each of whom has a share. Each document in them is acted upon,
 * and mails that programs wrote for programs are removed, also unread if a sender has too many waiting. Any other mail
 * stays as it is, and none is answered from here.
 *
 * Store, then acknowledge: a mail is removed only after what it brought is durable, and the cursor stands before the first one
 * that waits. Killed at any point, mails are read again; documents say the same twice.
 *
 * @returns whether there may be more that can be read now
 * @throws MailError, StoreError: nothing is lost, the next call starts where this one stopped. A folder that can't be read
 *   keeps no other from being read
 */
export const readDirectoryMails = async (deps: DirectoryMailDeps, signal: AbortSignal): Promise<boolean> => {
  const { inbox, store, clock, log, known } = deps;
  const { intake, counts } = deps.reading;
  const moment = { now: clock.now(), intervalMs: directoryShareMs, nodes: known(), smallestBytes: 0 };
  let failure = await lookAround({ inbox, intake }, (folder) => store.cursor(cursorOf(folder)), moment, signal);
  intake.forget(moment);
  const turn: Turn = { moment, text: mostTextRead };
  const batches = intake.next(moment);
  for (const [folder, looks] of batches) {
    const failed = await readOrTell(() => readBatch(deps, { folder, looks }, turn, signal));
    failure ??= failed;
  }
  if (intake.isWaiting)
    for (const [reason, mails] of await removeOver({ inbox, intake }, await inbox.quota(signal), signal))
      countInto(counts, reason, mails);
  for (const [folder, cursor] of intake.cursors()) store.setCursor(cursorOf(folder), cursor);
  const areMore = failure === undefined && batches.size > 0 && intake.isWaiting;
  if (!areMore && counts.size > 0) {
    log.info('directory', Object.fromEntries(counts));
    counts.clear();
  }
  if (failure !== undefined) throw failure;
  return areMore;
};
