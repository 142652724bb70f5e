import {
  largestDirectoryMailBytes,
  largestMailBytes,
  largestReadBytes,
  mostDirectoryRead,
  mostKeptInMind,
  mostKeptOfOne,
  mostMailboxBytes,
  mostRead,
  nodesKeptInMind,
  packetsQuotaShare,
  quotaWatermark,
  sendersAtOnce,
} from '../base/bounds.js';
import {
  type Bucket,
  charged,
  costOfMail,
  type Flow,
  isAboutDocuments,
  levelAt,
  looksLikeDocuments,
  looksLikePackets,
  type MindRoom,
  nextMails,
  overBacklog,
  overMind,
  overWatermark,
  spentAt,
  type WaitingMail,
} from '../carrier/intake.js';
import type { MailError } from '../base/errors.js';
import type { Cursor, Inbox, Looked, MailLook, Quota } from '../ports/mail.js';
import { geometry } from '../sphinx/geometry.js';
import { type Aside, asideFrom } from './aside.js';
import { inEachFolder } from './folders.js';
import { Passed } from './passed.js';

/** How much may come of whom, in packets in the time of a mix interval. */
export interface IntakeRates {
  readonly perSender: number;
  readonly perNode: number;
}

/** Now, and what the list says for it. */
export interface IntakeMoment {
  readonly now: number;
  readonly intervalMs: number;
  /** Addresses of the nodes in the list, and of who else is known for what is read here; as `senderOf` has them. */
  readonly nodes: ReadonlySet<string>;
  /** No mail of fewer bytes is read: 0 at an exit, to which people answer. */
  readonly smallestBytes: number;
}

/** Which mails of a mailbox one reading of it is about. */
export interface MailKind {
  readonly isWanted: (look: MailLook) => boolean;
  /** They may be removed unread: no person's mail looks like that. */
  readonly mayGo: (look: MailLook) => boolean;
  /** Of what is read at once, a single mail excepted. */
  readonly mostBytes: number;
  readonly mostMails: number;
}

/** Mails with packets, and letters. */
export const packetMails: MailKind = {
  isWanted: (look) => look.sizeBytes <= largestMailBytes && !looksLikeDocuments(look),
  mayGo: looksLikePackets,
  mostBytes: largestReadBytes,
  mostMails: mostRead,
};

/** Mails with documents of the directory, whoever wrote them. */
export const documentMails: MailKind = {
  isWanted: ({ sizeBytes, subject, isRefused }) =>
    sizeBytes <= largestDirectoryMailBytes && (isRefused === true || isAboutDocuments(subject)),
  mayGo: looksLikeDocuments,
  mostBytes: largestDirectoryMailBytes,
  mostMails: mostDirectoryRead,
};

const usualRoom: MindRoom = {
  nodes: nodesKeptInMind,
  others: mostKeptInMind - nodesKeptInMind,
  ofOne: mostKeptOfOne,
};

interface Folder {
  readonly uidValidity: string;
  /** What was looked at so far; before `lastUid` while what was passed is looked at again. */
  seenUid: number;
  /** The last that was looked at. */
  lastUid: number;
  readonly waiting: Map<number, Waiting>;
  readonly passed: Passed;
  /** When the look at what was passed began. */
  lookedAgainAt: number;
}

interface Waiting {
  readonly mail: WaitingMail;
  readonly look: MailLook;
  /** The server did not give it: it is not asked for until then. */
  aside?: Aside;
}

/** The account that a mail is from, or none: a plus address is the same account. */
export const senderOf = (from: string | undefined): string => (from ?? '').toLowerCase().replace(/\+[^@]*@/, '@');

/**
 * What a process knows of the mails that wait in its mailbox, and how much it has read of whom. In memory alone, for it says who
 * mails it how much: a process that starts again looks at everything behind its cursors, and finds all buckets
 * full. Whatever is looked at waits to be read, or was passed and is looked at again, or was dealt with.
 */
export class Intake {
  readonly #rates: IntakeRates;
  readonly #kind: MailKind;
  readonly #room: MindRoom;
  readonly #folders = new Map<string, Folder>();
  #buckets = new Map<string, Bucket>();
  #others: Bucket | undefined;
  /** What the log was told last. */
  readonly told = { isPoolFull: false, isDiskFull: false, isMailboxFull: false };

  constructor(rates: IntakeRates, kind = packetMails, room = usualRoom) {
    this.#rates = rates;
    this.#kind = kind;
    this.#room = room;
  }

  /** Where a look at that folder goes on. */
  lookFrom(folder: string, cursor: Cursor | undefined): Cursor | undefined {
    const known = this.#folders.get(folder);
    return known === undefined ? cursor : { uidValidity: known.uidValidity, uid: known.seenUid };
  }

  /** Once in a mix interval, in which some are read, a look at that folder begins again at the first mail that was passed. */
  lookAgain(folder: string, { now, intervalMs }: IntakeMoment): void {
    const known = this.#folders.get(folder);
    if (known === undefined || known.passed.firstUid === Infinity || known.seenUid < known.lastUid) return;
    if (Math.abs(now - known.lookedAgainAt) < intervalMs) return;
    known.lookedAgainAt = now;
    known.seenUid = known.passed.firstUid - 1;
    known.passed.begin();
  }

  /** Mails were removed: those that were passed are looked at again at the next look. */
  hasMadeRoom(): void {
    for (const known of this.#folders.values()) known.lookedAgainAt = -Infinity;
  }

  /** Takes in what a look at that folder has found; that for which there is no room in mind is passed. */
  saw(folder: string, { uidValidity, mails }: Looked, cursor: Cursor | undefined, moment: IntakeMoment): void {
    let known = this.#folders.get(folder);
    if (known?.uidValidity !== uidValidity) {
      const seenUid = cursor?.uidValidity === uidValidity ? cursor.uid : 0;
      const lookedAgainAt = moment.now;
      known = { uidValidity, seenUid, lastUid: seenUid, waiting: new Map(), passed: new Passed(), lookedAgainAt };
      this.#folders.set(folder, known);
    }
    let areMore = false;
    for (const look of mails) {
      const isNew = look.uid > known.lastUid;
      known.seenUid = Math.max(known.seenUid, look.uid);
      known.lastUid = Math.max(known.lastUid, look.uid);
      const { uid, sizeBytes, from, isRefused } = look;
      const mayBeOurs = isRefused === true || sizeBytes >= moment.smallestBytes;
      if (!mayBeOurs || !this.#kind.isWanted(look)) continue;
      const sender = senderOf(from);
      const one = { uid, sender, isRefused };
      // What is neither new nor was passed waits already, or was dealt with.
      if (known.waiting.has(uid) || known.passed.has(one) || !(isNew || known.passed.had(one))) continue;
      const isListed = moment.nodes.has(sender);
      const mail = { folder, uid, sizeBytes, sender, isListed, mayGo: this.#kind.mayGo(look) };
      areMore = true;
      known.waiting.set(uid, { mail, look: { ...look, subject: '' } });
    }
    if (areMore) this.#passOver();
    if (known.passed.isFullAgain) known.seenUid = known.lastUid;
  }

  /** Where the cursor of each folder stands: every mail up to it has been dealt with. */
  cursors(): readonly (readonly [folder: string, cursor: Cursor])[] {
    return [...this.#folders].map(([folder, { uidValidity, seenUid, waiting, passed }]) => {
      let uid = Math.min(seenUid, passed.firstUid - 1);
      for (const first of waiting.keys()) uid = Math.min(uid, first - 1);
      return [folder, { uidValidity, uid }] as const;
    });
  }

  /** What is to be read now, by folders, fairly. */
  next(moment: IntakeMoment): ReadonlyMap<string, readonly MailLook[]> {
    const { now } = moment;
    const others = this.#flowOfOthers(moment);
    const chosen = nextMails(this.#waiting(now), {
      bytes: this.#kind.mostBytes,
      mails: this.#kind.mostMails,
      others: levelAt(this.#others, others, now),
      levelOf: (mail) => levelAt(this.#buckets.get(mail.sender), this.#flowOf(mail.isListed, moment), now),
      spentOf: (mail) => spentAt(this.#buckets.get(mail.sender), this.#flowOf(mail.isListed, moment), now),
    });
    return this.#byFolder(chosen);
  }

  /** Whether any mail waits. */
  get isWaiting(): boolean {
    return this.#count() > 0;
  }

  /**
   * What has no room in the mailbox, by folders, and why: mails that may go, of which some sender has too many. Asked for
   * when nothing can be read now, so that no mail goes whose turn it is.
   */
  over(quota: Quota | undefined): ReadonlyMap<OverReason, ReadonlyMap<string, readonly MailLook[]>> {
    const waiting = this.#waiting();
    const backlog = overBacklog(waiting);
    const gone = new Set(backlog);
    const left = waiting.filter((mail) => !gone.has(mail));
    const goneBytes = backlog.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const mayGoBytes = left.reduce((sum, { mayGo, sizeBytes }) => sum + (mayGo ? sizeBytes : 0), 0);
    const excess =
      quota === undefined
        ? mayGoBytes - mostMailboxBytes
        : Math.min(
            quota.usedBytes - goneBytes - quotaWatermark * quota.limitBytes,
            mayGoBytes - packetsQuotaShare * quota.limitBytes,
          );
    return new Map([
      ['mail/over-backlog', this.#byFolder(backlog)],
      ['mail/over-quota', this.#byFolder(overWatermark(left, excess))],
    ]);
  }

  /** That mail was dealt with, or is gone. */
  done(folder: string, uidValidity: string, uid: number): void {
    const known = this.#folders.get(folder);
    if (known?.uidValidity === uidValidity) known.waiting.delete(uid);
  }

  /**
   * The server does not give that mail: it has no turn for a while, and the cursor stays before it.
   *
   * @returns whether that is the first time
   */
  setAside(folder: string, uid: number, now: number): boolean {
    const known = this.#folders.get(folder)?.waiting.get(uid);
    if (known === undefined) return false;
    const isFirst = known.aside === undefined;
    known.aside = asideFrom(known.aside, now);
    return isFirst;
  }

  /** That mail was read: its sender pays for its bytes. @param more what it has cost beside, in packets */
  pay(look: MailLook, moment: IntakeMoment, more = 0): void {
    const cost = costOfMail(look.sizeBytes) + more;
    this.#charge(look, cost, moment);
    if (!moment.nodes.has(senderOf(look.from)))
      this.#others = charged(this.#others, this.#flowOfOthers(moment), moment.now, cost);
  }

  /** UIDVALIDITY of that folder as it was looked at last. */
  uidValidity(folder: string): string {
    return this.#folders.get(folder)?.uidValidity ?? '';
  }

  #charge({ from }: MailLook, packets: number, moment: IntakeMoment): void {
    const sender = senderOf(from);
    const isListed = moment.nodes.has(sender);
    const flow = this.#flowOf(isListed, moment);
    const bucket = charged(this.#buckets.get(sender), flow, moment.now, packets);
    if (bucket === undefined) this.#buckets.delete(sender);
    else this.#buckets.set(sender, bucket);
  }

  /**
   * Forgets the senders whose buckets are full again, and who have had as good as nothing of late; buckets of a clock that was
   * set back since fill from now on.
   */
  forget(moment: IntakeMoment): void {
    this.#buckets = new Map(
      [...this.#buckets].flatMap(([sender, bucket]) => {
        const left = charged(bucket, this.#flowOf(moment.nodes.has(sender), moment), moment.now, 0);
        return left === undefined ? [] : [[sender, left] as const];
      }),
    );
    this.#others = charged(this.#others, this.#flowOfOthers(moment), moment.now, 0);
  }

  #flowOf(isListed: boolean, { intervalMs }: IntakeMoment): Flow {
    return { perInterval: isListed ? this.#rates.perNode : this.#rates.perSender, intervalMs };
  }

  #flowOfOthers({ intervalMs }: IntakeMoment): Flow {
    return { perInterval: sendersAtOnce * this.#rates.perSender, intervalMs };
  }

  /** @param now leaves out those that are set aside then */
  #waiting(now = Infinity): readonly WaitingMail[] {
    const mails: WaitingMail[] = [];
    for (const { waiting } of this.#folders.values())
      for (const { mail, aside } of waiting.values()) if (aside === undefined || aside.until <= now) mails.push(mail);
    return mails;
  }

  /** Passes those for which there is no room in mind. */
  #passOver(): void {
    const over = overMind(this.#waiting(), this.#room);
    if (over.length === 0) return;
    const looks = over.map(({ folder, uid }) => this.#folders.get(folder)?.waiting.get(uid)?.look);
    for (const { folder, uid } of over) this.#folders.get(folder)?.waiting.delete(uid);
    const left = new Set(this.#waiting().map(({ sender }) => sender));
    for (const [i, { folder, uid, sender }] of over.entries())
      this.#folders.get(folder)?.passed.pass({ uid, sender, isRefused: looks[i]?.isRefused }, (of) => left.has(of));
  }

  #count(): number {
    return [...this.#folders.values()].reduce((sum, { waiting }) => sum + waiting.size, 0);
  }

  #byFolder(mails: readonly WaitingMail[]): ReadonlyMap<string, readonly MailLook[]> {
    const folders = new Map<string, MailLook[]>();
    for (const { folder, uid } of mails) {
      const look = this.#folders.get(folder)?.waiting.get(uid)?.look;
      if (look === undefined) continue;
      const known = folders.get(folder);
      if (known === undefined) folders.set(folder, [look]);
      else known.push(look);
    }
    return folders;
  }
}

/** Why a mail is removed unread. */
export type OverReason = 'mail/over-backlog' | 'mail/over-quota';

interface Mailbox {
  readonly inbox: Inbox;
  readonly intake: Intake;
}

/**
 * Looks at all mails that have come since the last look, and from time to time again at those for which there was no room in mind.
 *
 * @param cursorOf the kept cursor of a folder
 * @returns what went wrong in a folder, if anything: the mails of the others can be read all the same
 * @throws MailError when the whole mailbox is out of reach
 */
export const lookAround = (
  { inbox, intake }: Mailbox,
  cursorOf: (folder: string) => Cursor | undefined,
  moment: IntakeMoment,
  signal: AbortSignal,
): Promise<MailError | undefined> =>
  inEachFolder(inbox, signal, async (folder) => {
    const cursor = cursorOf(folder);
    intake.lookAgain(folder, moment);
    for (let more = true; more && !signal.aborted;) {
      const looked = await inbox.look(folder, intake.lookFrom(folder, cursor), signal);
      intake.saw(folder, looked, cursor, moment);
      more = looked.more;
    }
  });

/** Removes unread what has no room in the mailbox. @returns how many mails, and why */
export const removeOver = async (
  { inbox, intake }: Mailbox,
  quota: Quota | undefined,
  signal: AbortSignal,
): Promise<ReadonlyMap<OverReason, number>> => {
  const removed = new Map<OverReason, number>();
  for (const [reason, folders] of intake.over(quota))
    for (const [folder, looks] of folders) {
      const uidValidity = intake.uidValidity(folder);
      const uids = looks.map(({ uid }) => uid);
      await inbox.remove(folder, uidValidity, uids, signal);
      for (const uid of uids) intake.done(folder, uidValidity, uid);
      intake.hasMadeRoom();
      removed.set(reason, (removed.get(reason) ?? 0) + uids.length);
    }
  return removed;
};

/** No mail smaller than a packet holds one: where nobody answers, the owner's letters are not read. */
export const smallestRead = (isExit: boolean): number => (isExit ? 0 : geometry.packetBytes);
