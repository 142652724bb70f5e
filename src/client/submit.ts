import { sha256 } from '@noble/hashes/sha2.js';
import type { Base64 } from '../base/base64.js';
import { ascii, concat } from '../base/bytes.js';
import { SubmissionError } from '../base/errors.js';
import { messageIdBytes, messageIdOf } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { recipientAddress } from '../message/address.js';
import { encodeMessage } from '../message/envelope.js';
import { maxMessageBytes } from '../message/fragment.js';
import { sealable } from '../message/hygiene.js';
import type { KeyIds } from '../message/openpgp.js';
import type { Clock } from '../ports/clock.js';
import type { MimeParser } from '../ports/mail.js';
import type { QueueStore, Store } from '../ports/stores.js';

export interface SubmitDeps {
  readonly store: Store & QueueStore;
  readonly parse: MimeParser;
  readonly base64: Base64;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly keyIds: KeyIds;
  /** Throws RouteError if no path leads to this recipient now, so that the user hears it at once. */
  readonly mustReach: (recipient: string, now: number) => void;
}

export interface Submission {
  /** Everybody who is to get it; Bcc recipients are here and nowhere else. */
  readonly recipients: readonly string[];
  readonly raw: Uint8Array;
}

/**
 * Takes a finished mail from the user's program into the queue: durable when this resolves, one message a recipient.
 *
 * Of the mail only the encrypted part travels (message/hygiene). The same mail handed in twice for the same recipient
 * is queued once.
 *
 * @throws SubmissionError with words for the user; RouteError when the network can't carry it now; nothing is queued then
 */
export const submitMail = async (deps: SubmitDeps, { recipients, raw }: Submission): Promise<void> => {
  const { store, parse, base64, clock, rng, keyIds, mustReach } = deps;
  const addresses = new Set(recipients.map(recipientAddress));
  if (addresses.size === 0) throw new SubmissionError('submission/no-recipient', 'The mail has no recipient');
  const sealed = sealable(await parse(raw), keyIds, base64);
  const now = clock.now();
  const queued = [...addresses].map((recipient) => {
    const message = encodeMessage({ recipient, ...sealed });
    if (message.length > maxMessageBytes) {
      const most = Math.floor(maxMessageBytes / 1024);
      throw new SubmissionError(
        'submission/too-large',
        `An encrypted mail may have at most ${most} KiB: send it in parts`,
      );
    }
    mustReach(recipient, now);
    const fingerprint = sha256(concat(ascii(recipient), Uint8Array.of(0), raw));
    return { fingerprint, recipient, message, id: messageIdOf(rng(messageIdBytes)) };
  });
  store.atomically(() => {
    for (const { fingerprint, ...message } of queued) store.queueMessage(message, fingerprint, now);
  });
};
