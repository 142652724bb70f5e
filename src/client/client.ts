import { type Following, followSchedule } from '../follow/following.js';
import { networkAt, watchedList } from '../follow/network-at.js';
import type { Inbox, MimeParser } from '../ports/mail.js';
import type { Ticker } from '../ports/ticker.js';
import { Reading } from '../post/aside.js';
import { readOrTell } from '../post/folders.js';
import { Jobs } from '../post/jobs.js';
import { postDue, tellBudget } from '../post/post.js';
import type { PostDeps } from '../post/post.js';
import { purgeOwnSent, purgeSchedule } from '../post/purge.js';
import { beatSchedule, Vitals } from '../post/vitals.js';
import { type SummedLog, tellSchedule } from '../post/summed-log.js';
import { scrubOnce, scrubSchedule } from '../post/scrub.js';
import { collectOnce } from './collect.js';
import type { RetryRules } from './exits.js';
import { deliverInbound } from './inbound.js';
import type { Deliver } from './inbound.js';
import { isSlotDue, slotOnce } from './pace.js';
import { forgetOnce, giveUpOnce, sendOnce } from './send.js';
import type { SendDeps } from './send.js';

/** What a client needs that hears from its exits, in the user's own mailbox. */
export interface Receipts {
  readonly retry: RetryRules;
  readonly inbox: Inbox;
  readonly parse: MimeParser;
  /** How often the mailbox is asked without a notice from its server. */
  readonly pollMs: number;
}

export interface ClientDeps extends SendDeps, PostDeps {
  readonly store: SendDeps['store'];
  readonly log: SummedLog;
  readonly receipts: Receipts | undefined;
  /** Takes replies and notices for the user; undefined where they can't be brought anywhere. */
  readonly deliver: Deliver | undefined;
  /** Undefined where the list is a file, which others keep up to date. */
  readonly following: Following | undefined;
  readonly ticker: Ticker;
}

/** How often the client looks whether its slot has come. */
const slotSchedule = '* * * * * *';
/**
 * How often mails that are due are handed over: between two seconds, at which slots come. To make a question takes some
 * milliseconds more than cover, and that more than what waits; a mail that left at once would show it.
 */
const postSchedule = '*/5 * * * * *';
const betweenSeconds = { phase: () => 0.5 };
/** How often messages are looked at between slots, and forgotten. */
const queueSchedule = '30 * * * * *';
/** How often a client that reads no mailbox brings its user what it has for them. */
const noticeSchedule = '50 * * * *';

/**
 * Runs the user's agent until the signal aborts, then lets every job come to its end and hands over what is due.
 *
 * @throws Bug, or whatever our own mistake threw
 */
export const runClient = async (
  world: ClientDeps,
  signal: AbortSignal,
  vitals = new Vitals('client'),
): Promise<void> => {
  const { store, clock, receipts, deliver: bring, following, ticker, directory } = world;
  const deps: ClientDeps = { ...world, outbox: vitals.outbox(world.outbox) };
  store.resumeOutgoing(clock.now());
  tellBudget(deps);
  const jobs = new Jobs(deps.log, signal);
  const post = jobs.finishing((stop, ending) => postDue(deps, stop, ending));
  const mailbox = receipts ?? following?.mailbox;
  const inbox = mailbox && vitals.inbox(mailbox.inbox, jobs.cut);
  const listUntil = (now: number): number | undefined => networkAt(directory, now)?.validUntil;
  jobs.once(() => vitals.start({ clock, pollMs: mailbox?.pollMs, listUntil }));
  jobs.every(ticker, beatSchedule, () => vitals.beat());
  const watched = watchedList(deps);
  const reading = new Reading(deps);
  let readAt = -Infinity;
  jobs.every(ticker, queueSchedule, () => {
    forgetOnce(deps);
    // Whoever has joined a network waits for its list; the log says so once.
    if (following !== undefined && watched(clock.now()) === undefined) giveUpOnce(deps, readAt);
    else sendOnce(deps, readAt);
  });
  jobs.every(ticker, slotSchedule, () => {
    if (!isSlotDue(deps)) return;
    if (networkAt(deps.directory, clock.now()) !== undefined) sendOnce(deps, readAt);
    slotOnce(deps);
    vitals.flushed();
  });
  jobs.every(ticker, postSchedule, () => post(), betweenSeconds);
  jobs.every(ticker, tellSchedule, () => deps.log.tell());
  jobs.every(ticker, scrubSchedule, () => scrubOnce(deps));
  if (following !== undefined)
    jobs.every(ticker, followSchedule, async (stop) => {
      await following.tick(clock.now(), stop);
      watched(clock.now());
    });
  // Beside the reading: who takes a reply may need long, or wait for what is to be read.
  const deliver =
    bring && jobs.waking((stop, { cut }) => deliverInbound({ store, deliver: (mail) => bring(mail, cut) }, stop));
  if (inbox !== undefined) jobs.every(ticker, purgeSchedule, (stop) => purgeOwnSent({ ...deps, inbox, reading }, stop));
  deliver?.();
  if (mailbox === undefined) jobs.every(ticker, noticeSchedule, () => deliver?.());
  if (mailbox !== undefined && inbox !== undefined)
    jobs.loop(async (stop) => {
      const begunAt = clock.now();
      vitals.turned();
      const documents = { areMore: false };
      try {
        const failure = await readOrTell(async () => {
          documents.areMore = (await following?.mailbox?.read(inbox, stop)) ?? false;
        });
        if (receipts !== undefined) await collectOnce({ ...deps, ...receipts, inbox, reading }, stop);
        if (failure !== undefined) throw failure;
      } finally {
        // What has come to its end is told, whatever can't be read.
        deliver?.();
      }
      if (stop.aborted) return;
      readAt = begunAt;
      vitals.read();
      post();
      if (documents.areMore) return;
      await inbox.waitForMail(mailbox.pollMs, stop);
    });
  await jobs.finished();
  deps.log.tell();
};
