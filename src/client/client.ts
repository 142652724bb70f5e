import type { Ticker } from '../ports/ticker.js';
import { Jobs } from '../post/jobs.js';
import { postDue } from '../post/post.js';
import type { PostDeps } from '../post/post.js';
import { sendOnce } from './send.js';
import type { SendDeps } from './send.js';

export interface ClientDeps extends SendDeps, PostDeps {
  readonly store: SendDeps['store'];
  readonly ticker: Ticker;
  /** When the client looks for what is to be sent: a cron expression. */
  readonly schedule: string;
}

/**
 * Runs the user's agent until the signal aborts, then lets every job come to its end.
 *
 * @throws Bug, or whatever our own mistake threw
 */
export const runClient = async (deps: ClientDeps, signal: AbortSignal): Promise<void> => {
  const jobs = new Jobs(deps.log, signal);
  const post = jobs.waking((stop) => postDue(deps, stop));
  jobs.every(deps.ticker, deps.schedule, () => {
    sendOnce(deps);
    post();
  });
  await jobs.finished();
};
