import { type DirectoryReader, type Following, followSchedule } from '../follow/following.js';
import { networkAt, watchedList } from '../follow/network-at.js';
import { phaseOf } from '../path/phase.js';
import type { KeyStore } from '../ports/keys.js';
import type { Ticker } from '../ports/ticker.js';
import { Reading } from '../post/aside.js';
import type { Inbox } from '../ports/mail.js';
import { cursorsOf, readOrTell } from '../post/folders.js';
import type { Intake } from '../post/intake.js';
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
import type { Published } from './published.js';
import { receiveOnce } from './receive.js';
import type { ReceiveDeps } from './receive.js';

export interface MixNodeDeps extends ReceiveDeps, Omit<FlushDeps, 'budget'>, PostDeps {
  readonly store: FlushDeps['store'];
  /** Mailboxes of the node beside `inbox`. */
  readonly further?: readonly FurtherMailbox[];
  /** Undefined where it has one mailbox, or its list is a file. */
  readonly published?: Published | undefined;
  readonly keyStore: KeyStore;
  readonly log: SummedLog;
  readonly ticker: Ticker;
  /** Undefined where the list is a file, which others keep up to date. */
  readonly following: Following | undefined;
  /** How often the mailbox is asked without a notice from its server. */
  readonly pollMs: number;
}

/** Another mailbox of a node, which is read like the first. */
export interface FurtherMailbox {
  readonly address: string;
  readonly inbox: Inbox;
  readonly intake: Intake;
  /** Undefined where the list is a file. */
  readonly readDocuments: DirectoryReader | undefined;
}

/** A mailbox of the node, and what its reading needs of its own. */
interface Mailbox {
  readonly deps: ReceiveDeps;
  readonly readDocuments: DirectoryReader | undefined;
  /** As `Vitals` has it. */
  readonly name: string | undefined;
  readonly address: string;
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
  const { further = [], sending, published } = world;
  const inbox = vitals.inbox(world.inbox, jobs.cut);
  const deps: MixNodeDeps = { ...world, inbox, outbox: vitals.outbox(world.outbox) };
  sending?.watch((outbox) => vitals.outbox(outbox));
  const mixing: FlushDeps = { ...deps, budget: sending === undefined ? deps.budget : sending.allowance };
  const mailboxes: readonly Mailbox[] = [
    { deps, readDocuments: following?.mailbox?.read, name: undefined, address: deps.from },
    ...further.map(({ address, intake, readDocuments, ...one }) => {
      const store = { ...deps.store, ...cursorsOf(deps.store, address) };
      const own = { ...deps, inbox: vitals.inbox(one.inbox, jobs.cut, address), intake, store };
      return { deps: own, readDocuments, name: address, address };
    }),
  ];
  deps.store.resumeOutgoing(clock.now());
  tellBudget(mixing);
  const ended: PostDeps['ended'] = (mail, end, now) => settleDelivery(deps, mail, end, now);
  const post = jobs.finishing((stop, ending) => postDue({ ...deps, ended }, stop, ending));
  const watched = watchedList(deps);
  const phase = (): number => {
    const network = networkAt(deps.directory, clock.now());
    return network === undefined ? 0 : phaseOf(network, deps.self);
  };
  let schedule: string | undefined;
  const sleeping = new Set<AbortController>();
  const lookForSchedule = jobs.everyNow(
    ticker,
    () => {
      const wanted = watched(clock.now())?.parameters.mixSchedule;
      // What waits in the mailbox for the first list is read at once.
      if (schedule === undefined && wanted !== undefined) for (const one of sleeping) one.abort();
      schedule = wanted ?? schedule;
      return schedule;
    },
    () => {
      flushOnce(mixing);
      vitals.flushed();
      post();
    },
    { phase },
  );
  jobs.every(ticker, postSchedule, () => {
    lookForSchedule();
    post();
  });
  const watching = { clock, pollMs, listUntil: (now: number) => networkAt(deps.directory, now)?.validUntil };
  jobs.once(() => vitals.start({ ...watching, further: further.map(({ address }) => address) }));
  jobs.every(ticker, beatSchedule, () => vitals.beat());
  jobs.every(ticker, keySchedule, () => destroyExpiredKeys(deps));
  for (const mailbox of mailboxes) {
    const purging = { ...mailbox.deps, reading: new Reading(deps) };
    jobs.every(ticker, purgeSchedule, (stop) => purgeSent(purging, stop));
  }
  jobs.every(ticker, tellSchedule, () => deps.log.tell());
  jobs.every(ticker, scrubSchedule, () => scrubOnce(deps));
  if (following !== undefined)
    jobs.every(ticker, followSchedule, async (stop) => {
      await following.tick(clock.now(), stop);
      lookForSchedule();
      post();
    });
  const read = async ({ deps: own, readDocuments, name, address }: Mailbox, stop: AbortSignal): Promise<void> => {
    const awake = new AbortController();
    sleeping.add(awake);
    vitals.turned(name);
    try {
      // Some mails of the directory and all packets, in turns: neither keeps the other waiting.
      const documents = { areMore: false };
      const failure =
        readDocuments &&
        (await readOrTell(async () => void (documents.areMore = await readDocuments(own.inbox, stop))));
      if (readDocuments !== undefined) {
        lookForSchedule();
        post();
      }
      if (following === undefined || networkAt(deps.directory, clock.now()) !== undefined) await receiveOnce(own, stop);
      if (failure !== undefined) throw failure;
      if (stop.aborted) return;
      vitals.read(name);
      published?.read(address, clock.now());
      if (documents.areMore) return;
      await own.inbox.waitForMail(pollMs, AbortSignal.any([stop, awake.signal]));
    } finally {
      sleeping.delete(awake);
    }
  };
  for (const mailbox of mailboxes) jobs.loop((stop) => read(mailbox, stop));
  post();
  await jobs.finished();
  deps.log.tell();
};
