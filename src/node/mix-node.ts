import { type Following, followSchedule } from '../follow/following.js';
import { networkAt, watchedList } from '../follow/network-at.js';
import { phaseOf } from '../path/phase.js';
import type { KeyStore } from '../ports/keys.js';
import type { Ticker } from '../ports/ticker.js';
import { Reading } from '../post/aside.js';
import { readOrTell } from '../post/folders.js';
import { Jobs } from '../post/jobs.js';
import { postDue, tellBudget } from '../post/post.js';
import type { PostDeps } from '../post/post.js';
import { beatSchedule, Vitals } from '../post/vitals.js';
import { purgeSchedule, purgeSent } from '../post/purge.js';
import { type SummedLog, tellSchedule } from '../post/summed-log.js';
import { scrubOnce, scrubSchedule, scrubSoon } from '../post/scrub.js';
import { settleDelivery } from './answers.js';
import { flushOnce } from './flush.js';
import type { FlushDeps } from './flush.js';
import { receiveOnce } from './receive.js';
import type { ReceiveDeps } from './receive.js';

export interface MixNodeDeps extends ReceiveDeps, FlushDeps, PostDeps {
  readonly store: FlushDeps['store'];
  readonly keyStore: KeyStore;
  readonly log: SummedLog;
  readonly ticker: Ticker;
  /** Undefined where the list is a file, which others keep up to date. */
  readonly following: Following | undefined;
  /** How often the mailbox is asked without a notice from its server. */
  readonly pollMs: number;
}

/** How often mails whose retry has come are looked for. */
const postSchedule = '*/5 * * * * *';
const keySchedule = '7 * * * *';

/**
 * Destroys the keys whose time is over, on the disk and in memory, and then the replay tags that guarded them. Those are
 * found by the keys that live: what a power cut between the steps left behind goes at the next turn.
 */
export const destroyExpiredKeys = async (
  deps: Pick<MixNodeDeps, 'keyStore' | 'store' | 'clock' | 'unwrapper'>,
): Promise<void> => {
  const { keyStore, store, clock, unwrapper } = deps;
  const now = clock.now();
  const destroyed = keyStore.destroyExpired(now);
  const living = keyStore.mixKeys(now);
  store.atomically(() => {
    store.forgetReplayTagsBut(living.map(({ keyId }) => keyId));
    if (destroyed.length > 0) scrubSoon(deps);
  });
  await unwrapper.unwrap([], living);
};

/**
 * Runs a mix until the signal aborts, then lets every job come to its end and hands over what is due.
 *
 * In a network that it has joined it first has no list: then it reads the directory's mails and nothing else, and begins
 * to mix when a list is there. The mix interval is always that of the list in force, and so is this node's turn in it.
 *
 * @throws Bug, or whatever our own mistake threw
 */
export const runMixNode = async (
  world: MixNodeDeps,
  signal: AbortSignal,
  vitals = new Vitals('node'),
): Promise<void> => {
  const { ticker, log, clock, following, pollMs } = world;
  const jobs = new Jobs(log, signal);
  const inbox = vitals.inbox(world.inbox, jobs.cut);
  const deps: MixNodeDeps = { ...world, inbox, outbox: vitals.outbox(world.outbox) };
  deps.store.resumeOutgoing(clock.now());
  tellBudget(deps);
  const ended: PostDeps['ended'] = (mail, end, now) => settleDelivery(deps, mail, end, now);
  const post = jobs.finishing((stop, ending) => postDue({ ...deps, ended }, stop, ending));
  const watched = watchedList(deps);
  const phase = (): number => {
    const network = networkAt(deps.directory, clock.now());
    return network === undefined ? 0 : phaseOf(network, deps.self);
  };
  let schedule: string | undefined;
  let awake = new AbortController();
  const lookForSchedule = jobs.everyNow(
    ticker,
    () => {
      const wanted = watched(clock.now())?.parameters.mixSchedule;
      // What waits in the mailbox for the first list is read at once.
      if (schedule === undefined && wanted !== undefined) awake.abort();
      schedule = wanted ?? schedule;
      return schedule;
    },
    () => {
      flushOnce(deps);
      vitals.flushed();
      post();
    },
    { phase },
  );
  jobs.every(ticker, postSchedule, () => {
    lookForSchedule();
    post();
  });
  jobs.once(() => vitals.start({ clock, pollMs, listUntil: (now) => networkAt(deps.directory, now)?.validUntil }));
  jobs.every(ticker, beatSchedule, () => vitals.beat());
  jobs.every(ticker, keySchedule, () => destroyExpiredKeys(deps));
  const purging = { ...deps, reading: new Reading(deps) };
  jobs.every(ticker, purgeSchedule, (stop) => purgeSent(purging, stop));
  jobs.every(ticker, tellSchedule, () => deps.log.tell());
  jobs.every(ticker, scrubSchedule, () => scrubOnce(deps));
  if (following !== undefined)
    jobs.every(ticker, followSchedule, async (stop) => {
      await following.tick(clock.now(), stop);
      lookForSchedule();
      post();
    });
  jobs.loop(async (stop) => {
    awake = new AbortController();
    vitals.turned();
    // Some mails of the directory and all packets, in turns: neither keeps the other waiting.
    const documents = { areMore: false };
    const mailbox = following?.mailbox;
    const failure =
      mailbox && (await readOrTell(async () => void (documents.areMore = await mailbox.read(inbox, stop))));
    if (mailbox !== undefined) {
      lookForSchedule();
      post();
    }
    if (following === undefined || networkAt(deps.directory, clock.now()) !== undefined) await receiveOnce(deps, stop);
    if (failure !== undefined) throw failure;
    if (stop.aborted) return;
    vitals.read();
    if (documents.areMore) return;
    await inbox.waitForMail(pollMs, AbortSignal.any([stop, awake.signal]));
  });
  post();
  await jobs.finished();
  deps.log.tell();
};
