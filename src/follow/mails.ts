import { largestDirectoryMailBytes } from '../base/bounds.js';
import type { Base64 } from '../base/base64.js';
import type { Compression } from '../base/compression.js';
import { SubmissionError } from '../base/errors.js';
import { directorySubject, documentsInParts, sliceDirectoryMail } from '../carrier/directory-mail.js';
import { documentsIn, type FoundDocument } from '../council/documents.js';
import { readHead, valuesOf } from '../message/head.js';
import { authorOf, isAutomaticAnswer } from '../message/incoming.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Inbox, InboxMail, MimeParser } from '../ports/mail.js';
import type { CursorStore, Store } from '../ports/stores.js';
import type { Reading } from '../post/aside.js';
import { inEachFolder } from '../post/folders.js';

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
  /** How far it has come; lives as long as the process. */
  readonly reading: Reading;
  readonly store: Store & CursorStore;
  readonly parse: MimeParser;
  readonly base64: Base64;
  readonly compression: Compression;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked before each mail is opened: from whom a list was asked a large one may come. */
  readonly bounds: (mail: DocumentMail, now: number) => MailBounds;
  /**
   * Acts upon a document, inside the store's transaction; what comes from the network never makes it throw.
   *
   * @returns whether it is of a kind that this process has a use for
   */
  readonly take: (document: FoundDocument, mail: DocumentMail, now: number) => boolean;
}

/** The mails are read beside those with packets, in the same folders and at another pace. */
const cursorOf = (folder: string): string => `directory ${folder}`;

/** A mail with documents of the directory. */
interface Found {
  readonly uid: number;
  readonly text: string;
  readonly mail: DocumentMail;
  readonly bounds: MailBounds;
  /** Programs wrote it for programs: it goes when it is dealt with. Anybody's letter stays. */
  readonly isOurs: boolean;
}

const isByMachine = (values: readonly string[]): boolean => values.some((value) => /^auto-generated\b/i.test(value));

const foundIn = async (deps: DirectoryMailDeps, { uid, raw }: InboxMail): Promise<Found | undefined> => {
  if (raw === undefined) return undefined;
  const { parse, base64, compression, clock } = deps;
  const head = readHead(raw);
  const mail = { from: authorOf(head), isAutomatic: isAutomaticAnswer(head) };
  const bounds = deps.bounds(mail, clock.now());
  const limits = { compression, mostBytes: bounds.bytes };
  const text = sliceDirectoryMail(raw, base64, limits);
  if (text !== undefined) return { uid, text, mail, bounds, isOurs: true };
  try {
    const inParts = documentsInParts((await parse(raw)).parts, limits);
    const isOurs = isByMachine(valuesOf(head, 'auto-submitted'));
    return inParts === undefined ? undefined : { uid, text: inParts, mail, bounds, isOurs };
  } catch (error) {
    if (error instanceof SubmissionError) return undefined;
    throw error;
  }
};

const countInto = (counts: Map<string, number>, what: string): void =>
  void counts.set(what, (counts.get(what) ?? 0) + 1);

const takeAll = (deps: DirectoryMailDeps, found: Found, counts: Map<string, number>): void => {
  const { store, take, clock } = deps;
  const now = clock.now();
  const documents = documentsIn(found.text);
  if (documents.length === 0) countInto(counts, 'empty');
  if (documents.length > found.bounds.documents) {
    countInto(counts, 'too-many');
    return;
  }
  store.atomically(() => {
    for (const document of documents)
      countInto(counts, take(document, found.mail, now) ? `in-${document.kind}` : 'useless');
  });
};

/**
 * Reads the mails of the directory in the mailbox once: each document in them is acted upon, and mails that programs wrote
 * for programs are removed. Any other mail stays as it is, and none is answered from here.
 *
 * Store, then acknowledge: a mail is removed only after what it brought is durable, and the cursor moves after that.
 * Killed at any point, the mail is read again; documents say the same twice.
 *
 * @throws MailError, StoreError: nothing is lost, the next call starts where this one stopped. A folder that can't be read
 *   keeps no other from being read
 */
export const readDirectoryMails = async (deps: DirectoryMailDeps, signal: AbortSignal): Promise<void> => {
  const { inbox, reading, store, log } = deps;
  const filter = { subject: directorySubject, largestBytes: largestDirectoryMailBytes };
  const counts = new Map<string, number>();
  const failure = await inEachFolder(inbox, signal, async (folder) => {
    for (let more = true; more && !signal.aborted;) {
      const fetched = await inbox.fetch(folder, reading.from(store, cursorOf(folder)), signal, filter);
      const uids: number[] = [];
      for (const mail of fetched.mails) {
        const found = await foundIn(deps, mail);
        if (found === undefined) continue;
        takeAll(deps, found, counts);
        if (found.isOurs) uids.push(found.uid);
      }
      if (uids.length > 0) await inbox.remove(folder, fetched.uidValidity, uids, signal);
      reading.dealtWith(store, cursorOf(folder), fetched);
      more = fetched.more;
    }
  });
  if (counts.size > 0) log.info('directory', Object.fromEntries(counts));
  if (failure !== undefined) throw failure;
};
