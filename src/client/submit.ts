import { sha256 } from '@noble/hashes/sha2.js';
import type { Base64 } from '../base/base64.js';
import { ascii, concat } from '../base/bytes.js';
import { SubmissionError } from '../base/errors.js';
import { messageIdBytes, messageIdOf } from '../base/ids.js';
import type { MessageId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { recipientAddress } from '../message/address.js';
import { encodeMessage, mostReplyBlocks, returnAddressBytes } from '../message/envelope.js';
import { maxMessageBytes } from '../message/fragment.js';
import { messageIdIn, readHead, valuesOf } from '../message/head.js';
import type { MailHead } from '../message/head.js';
import { sealable } from '../message/hygiene.js';
import type { KeyIds, KeyNames } from '../message/openpgp.js';
import type { Clock } from '../ports/clock.js';
import type { MimeParser } from '../ports/mail.js';
import type { QueueStore } from '../ports/client-store.js';
import type { Store } from '../ports/stores.js';

export interface SubmitDeps {
  readonly store: Pick<Store, 'atomically'> & Pick<QueueStore, 'queueMessage'>;
  readonly parse: MimeParser;
  readonly base64: Base64;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly keyIds: KeyIds;
  /** The user's own keys: no session key for them leaves. */
  readonly ownKeys: KeyNames;
  /** How many reply blocks a mail carries that does not say so itself; undefined if no reply can come back. */
  readonly replyBlocks: number | undefined;
  /** Throws RouteError if no path leads to this recipient now, so that the user hears it at once. */
  readonly mustReach: (recipient: string, now: number) => void;
}

export interface Submission {
  /** Everybody who is to get it; Bcc recipients are here and nowhere else. */
  readonly recipients: readonly string[];
  readonly raw: Uint8Array;
}

/** A mail in the queue, for one recipient. */
export interface Submitted {
  readonly recipient: string;
  /** Undefined if the same mail was handed in before and its id is not known any more. */
  readonly id: MessageId | undefined;
}

/** Reply blocks of a mail that asks for a return address and doesn't say how large: a reply of up to 200 KB. */
const usualReplyBlocks = 8;

const refuseWish = (why: string): never => {
  throw new SubmissionError('submission/bad-reply-wish', why);
};

/** How many reply blocks the mail is to carry. Its header `MixMailer-Reply` goes before the configuration. */
const wishedBlocks = (head: MailHead, configured: number | undefined): number => {
  const [wish, ...more] = valuesOf(head, 'mixmailer-reply').map((value) => value.toLowerCase());
  if (wish === undefined) return configured ?? 0;
  if (wish === 'no' && more.length === 0) return 0;
  const usual = configured === undefined || configured === 0 ? usualReplyBlocks : configured;
  const blocks = wish === 'yes' ? usual : /^[1-9][0-9]?$/.test(wish) ? Number(wish) : Infinity;
  if (blocks > mostReplyBlocks || more.length > 0)
    return refuseWish(`MixMailer-Reply is yes, no or a number from 1 to ${mostReplyBlocks}, and stands there once`);
  return configured === undefined
    ? refuseWish('This mail asks for a return address, and receipts and replies are off (client.receipts = false)')
    : blocks;
};

/**
 * Takes a finished mail from the user's program into the queue: durable when this resolves, one message a recipient.
 *
 * Of the mail only the encrypted part travels (message/hygiene). Its Message-ID stays here, for notices and replies to
 * name it. The same mail handed in twice for the same recipient is queued once, unless it has failed meanwhile.
 *
 * @throws SubmissionError with words for the user; RouteError when the network can't carry it now; nothing is queued then
 */
export const submitMail = async (deps: SubmitDeps, { recipients, raw }: Submission): Promise<readonly Submitted[]> => {
  const { store, parse, base64, clock, rng, keyIds, ownKeys, mustReach } = deps;
  const addresses = new Set(recipients.map(recipientAddress));
  if (addresses.size === 0) throw new SubmissionError('submission/no-recipient', 'The mail has no recipient');
  const sealed = sealable(await parse(raw), keyIds, base64, ownKeys);
  const head = readHead(raw);
  const originalMessageId = messageIdIn(head);
  const replyBlocks = wishedBlocks(head, deps.replyBlocks);
  const mostBytes = maxMessageBytes - returnAddressBytes(replyBlocks);
  const now = clock.now();
  const queued = [...addresses].map((recipient) => {
    const message = encodeMessage({ recipient, ...sealed });
    if (message.length > mostBytes) {
      throw new SubmissionError(
        'submission/too-large',
        `An encrypted mail may have at most ${Math.floor(mostBytes / 1024)} KiB${replyBlocks > 0 ? ' beside its return address' : ''}: send it in parts`,
      );
    }
    mustReach(recipient, now);
    const fingerprint = sha256(concat(ascii(recipient), Uint8Array.of(0), raw));
    const id = messageIdOf(rng(messageIdBytes));
    return { fingerprint, recipient, message, id, replyBlocks, originalMessageId };
  });
  return store.atomically(() =>
    queued.map(({ fingerprint, ...message }) => ({
      recipient: message.recipient,
      id: store.queueMessage(message, fingerprint, now),
    })),
  );
};
