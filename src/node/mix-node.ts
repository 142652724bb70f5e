import type { KeyStore } from '../ports/keys.js';
import type { Ticker } from '../ports/ticker.js';
import { Jobs } from '../post/jobs.js';
import { postDue } from '../post/post.js';
import type { PostDeps } from '../post/post.js';
import { flushOnce } from './flush.js';
import type { FlushDeps } from './flush.js';
import { receiveOnce } from './receive.js';
import type { ReceiveDeps } from './receive.js';

export interface MixNodeDeps extends ReceiveDeps, FlushDeps, PostDeps {
  readonly store: FlushDeps['store'];
  readonly keyStore: KeyStore;
  readonly ticker: Ticker;
  /** When the mix interval ends: a cron expression. */
  readonly schedule: string;
  /** How often the mailbox is asked without a notice from its server. */
  readonly pollMs: number;
}

/** How often mails whose retry has come are looked for. */
const postSchedule = '*/5 * * * * *';
const keySchedule = '7 * * * *';

/** Destroys the keys whose time is over, and then the replay tags that guarded them. */
export const destroyExpiredKeys = ({ keyStore, store, clock }: MixNodeDeps): void => {
  const destroyed = keyStore.destroyExpired(clock.now());
  if (destroyed.length > 0) store.atomically(() => store.forgetReplayTags(destroyed));
};

/**
 * Runs a mix until the signal aborts, then lets every job come to its end.
 *
 * @throws Bug, or whatever our own mistake threw
 */
export const runMixNode = async (deps: MixNodeDeps, signal: AbortSignal): Promise<void> => {
  const { inbox, ticker, log } = deps;
  const jobs = new Jobs(log, signal);
  const post = jobs.waking((stop) => postDue(deps, stop));
  jobs.every(ticker, deps.schedule, () => {
    flushOnce(deps);
    post();
  });
  jobs.every(ticker, postSchedule, post);
  jobs.every(ticker, keySchedule, () => destroyExpiredKeys(deps));
  jobs.loop(async (stop) => {
    await receiveOnce(deps, stop);
    await inbox.waitForMail(deps.pollMs, stop);
  });
  post();
  await jobs.finished();
};
