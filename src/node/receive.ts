import { leastIntakeBytes, mostInPool, quotaWatermark } from '../base/bounds.js';
import { Bug } from '../base/errors.js';
import { hourMs } from '../base/units.js';
import { packetsInParts } from '../carrier/parts.js';
import { sliceCarrierMail } from '../carrier/carrier.js';
import type { Log } from '../ports/log.js';
import type { Inbox, MailLook } from '../ports/mail.js';
import type { CursorStore, RoomStore } from '../ports/stores.js';
import type { LiveKey, Unwrapper } from '../ports/unwrapper.js';
import { tellAside } from '../post/aside.js';
import { type Intake, type IntakeMoment, lookAround, removeOver, smallestRead } from '../post/intake.js';
import { accountsOf } from '../route/descriptor.js';
import { meanIntervalMs } from '../route/schedule.js';
import { geometry } from '../sphinx/geometry.js';
import { keepPackets, type KeepDeps } from './keep.js';
import { readable, readLetter, takeLetter } from './replies.js';
import type { LetterDeps } from './replies.js';

export interface ReceiveDeps extends LetterDeps, KeepDeps {
  readonly inbox: Inbox;
  readonly store: LetterDeps['store'] & KeepDeps['store'] & CursorStore & RoomStore;
  readonly unwrapper: Unwrapper;
  /** What waits in the mailbox, and how much was read of whom; lives as long as the process. */
  readonly intake: Intake;
  readonly log: Log;
  /** The mix keys alive at that time. */
  readonly keys: (now: number) => readonly LiveKey[];
}

/** The packets of a mail, wherever in it they are; none if it is somebody's ordinary mail. */
const packetsOf = async ({ parse, base64 }: ReceiveDeps, raw: Uint8Array): Promise<readonly Uint8Array[]> => {
  if (raw.length < geometry.packetBytes) return [];
  return sliceCarrierMail(raw, base64) ?? packetsInParts((await readable(parse, raw))?.parts ?? []);
};

/** The mails of one folder that have their turn. */
interface Batch {
  readonly folder: string;
  readonly looks: readonly MailLook[];
}

/**
 * Reads these mails: packets go to the pool; an exit also finds there what is written about the mails it has handed over. What
 * is dealt with is removed; any other mail stays as it is, unread and unanswered. What the server does not give is set aside.
 */
const readBatch = async (deps: ReceiveDeps, { folder, looks }: Batch, signal: AbortSignal): Promise<void> => {
  const { inbox, intake, unwrapper, keys, clock, bench, directory, log } = deps;
  const uidValidity = intake.uidValidity(folder);
  const { isExit } = bench(clock.now());
  const packets: Uint8Array[] = [];
  const uids: number[] = [];
  const byUid = new Map(looks.map((look) => [look.uid, look]));
  const refused = new Set<number>();
  for (const { uid, raw, isRefused } of await inbox.fetchThose(folder, uidValidity, looks, signal)) {
    const look = byUid.get(uid);
    if (isRefused) refused.add(uid);
    if (raw === undefined || look === undefined) continue;
    const found = await packetsOf(deps, raw);
    packets.push(...found);
    const letter = found.length === 0 && isExit ? await readLetter(deps, raw) : undefined;
    const now = clock.now();
    const isTaken = letter !== undefined && takeLetter(deps, letter, { network: directory.network(now), now });
    if (found.length > 0 || isTaken) uids.push(uid);
  }
  const moment = momentOf(deps);
  const setAside = [...refused].filter((uid) => intake.setAside(folder, uid, moment.now));
  if (setAside.length > 0) log.warn(tellAside, { mails: setAside.length });
  const given = looks.filter(({ uid }) => !refused.has(uid));
  for (const look of given) intake.pay(look, moment);
  if (packets.length > 0) {
    const results = await unwrapper.unwrap(packets, keys(clock.now()));
    if (results.length !== packets.length) throw new Bug('a packet without a result');
    keepPackets(deps, results);
  }
  if (uids.length > 0) await inbox.remove(folder, uidValidity, uids, signal);
  for (const { uid } of given) intake.done(folder, uidValidity, uid);
};

const momentOf = ({ clock, directory, bench }: ReceiveDeps): IntakeMoment => {
  const now = clock.now();
  const { nodes, parameters } = directory.network(now);
  return {
    now,
    intervalMs: meanIntervalMs(parameters.mixSchedule) ?? hourMs,
    nodes: new Set(nodes.flatMap(accountsOf).map((address) => address.toLowerCase())),
    smallestBytes: smallestRead(bench(now).isExit),
  };
};

/**
 * Removes unread what has no room in the mailbox; the log is told when it fills with what is not removed.
 *
 * @returns whether any mail was removed
 */
const makeRoom = async ({ inbox, intake, tally, log }: ReceiveDeps, signal: AbortSignal): Promise<boolean> => {
  const quota = await inbox.quota(signal);
  const removed = await removeOver({ inbox, intake }, quota, signal);
  for (const [reason, mails] of removed) tally.add(reason, mails);
  const isFull = quota !== undefined && quota.usedBytes > quotaWatermark * quota.limitBytes;
  if (isFull !== intake.told.isMailboxFull) log.warn(isFull ? 'intake/mailbox-nearly-full' : 'intake/mailbox-has-room');
  intake.told.isMailboxFull = isFull;
  return removed.size > 0;
};

/** Whether the pool and the disk have room; the log is told when that changes. */
const hasRoom = ({ store, intake, log }: ReceiveDeps): boolean => {
  const isFull = store.poolSize() >= mostInPool;
  if (isFull !== intake.told.isPoolFull) log.warn(isFull ? 'intake/pool-full' : 'intake/resumed');
  intake.told.isPoolFull = isFull;
  const isDiskFull = store.roomBytes() < leastIntakeBytes;
  if (isDiskFull !== intake.told.isDiskFull) log.warn(isDiskFull ? 'intake/disk-full' : 'intake/disk-has-room');
  intake.told.isDiskFull = isDiskFull;
  return !isFull && !isDiskFull;
};

const keepCursors = ({ store, intake }: ReceiveDeps): void => {
  for (const [folder, cursor] of intake.cursors()) store.setCursor(folder, cursor);
};

/**
 * Reads what has come to the mailbox, fairly: each sender has a share (post/intake), and what is over waits in the mailbox
 * for its turn. Nothing is read while the pool or the disk is full.
 *
 * Store, then acknowledge: a mail is removed only after its packets are durable. The cursor stands before the first mail
 * that waits, and what was read behind it is remembered in memory alone. Killed at any point, mails are read again; their packets fold
 * by their replay tags, an answer by its content.
 *
 * @throws MailError, StoreError, RouteError: nothing is lost, the next call starts where this one stopped
 */
export const receiveOnce = async (deps: ReceiveDeps, signal: AbortSignal): Promise<void> => {
  const { intake, store } = deps;
  while (!signal.aborted) {
    // Without a valid list no packet can be judged: the mails stay where they are, and aren't looked at in vain.
    const moment = momentOf(deps);
    const failure = await lookAround(deps, (folder) => store.cursor(folder), moment, signal);
    intake.forget(moment);
    const batches = hasRoom(deps) ? intake.next(moment) : new Map<string, readonly MailLook[]>();
    for (const [folder, looks] of batches) await readBatch(deps, { folder, looks }, signal);
    // What is removed may have kept others from being looked at.
    const isOver = batches.size === 0 && !(await makeRoom(deps, signal));
    keepCursors(deps);
    if (failure !== undefined) throw failure;
    if (isOver) return;
  }
};
