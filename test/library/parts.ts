import { messageIdOf } from '../../src/base/ids.js';
import type { Submission } from '../../src/client/submit.js';
import type { ClientParts, MixStatus } from '../../src/mix-client.js';

/** A client whose jobs are moved by hand. */
export interface MovedParts extends ClientParts {
  readonly taken: readonly Submission[];
  /** A job changes the message of that number, counted from 0. */
  readonly move: (number: number, change: Partial<MixStatus>) => void;
  /** A job meets a mistake of ours. */
  readonly breakWith: (bug: Error) => void;
  /** From now on, handing in waits for the function returned. */
  readonly holdUp: () => () => void;
  readonly isClosed: () => boolean;
}

export const movedParts = (): MovedParts => {
  const taken: Submission[] = [];
  const statuses: MixStatus[] = [];
  let tell: (status: MixStatus) => void = () => undefined;
  let breakWith: (bug: Error) => void = () => undefined;
  let mayTake = Promise.resolve();
  let isClosed = false;
  return {
    taken,
    messages: () => statuses,
    isReady: () => true,
    submit: async (mail) => {
      await mayTake;
      if (isClosed) throw new Error('the store is closed');
      taken.push(mail);
      return mail.recipients.map((recipient) => {
        const id = messageIdOf(new Uint8Array(16).fill(statuses.length));
        statuses.push({
          id,
          recipient,
          state: 'waiting',
          originalMessageId: undefined,
          submittedAt: 1000,
          sendings: 0,
          nextAt: undefined,
          settledAt: undefined,
          ending: undefined,
          bits: undefined,
          reason: undefined,
        });
        return { id, recipient };
      });
    },
    run: (onStatus, signal) => {
      tell = onStatus;
      return new Promise((resolve, reject) => {
        breakWith = reject;
        signal.addEventListener('abort', () => resolve());
      });
    },
    close: () => {
      isClosed = true;
      return Promise.resolve();
    },
    move: (number, change) => {
      const status = statuses[number];
      if (status === undefined) throw new Error('no message of that number');
      statuses[number] = { ...status, ...change };
      tell(statuses[number]);
    },
    breakWith: (bug) => breakWith(bug),
    holdUp: () => {
      let letGo: () => void = () => undefined;
      mayTake = new Promise((resolve) => (letGo = resolve));
      return letGo;
    },
    isClosed: () => isClosed,
  };
};
