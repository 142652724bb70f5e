import type { MailMessage, NodemailerError, SentMessageInfo, Transport, VerifyCallback } from 'nodemailer';
import { MixClient } from './mix-client.js';
import type { OpenOptions, SubmittedMessage } from './mix-client.js';
import { version } from './version.js';

/** What `sendMail` resolves to, once the mail is on the disk. */
export interface MixSentInfo extends SentMessageInfo {
  /** All recipients of the envelope: a mail is taken for every one of them, or not at all. */
  readonly accepted: string[];
  readonly rejected: string[];
  /** The messages that carry the mail, one a recipient; `MixClient.settled` waits for one of them. */
  readonly ids: readonly SubmittedMessage[];
}

/** What `createTransport` of nodemailer takes. */
export interface MixTransport extends Transport<MixSentInfo> {
  /** Whether the client could be opened. */
  readonly verify: (callback?: VerifyCallback) => Promise<true> | undefined;
  /** Closes the client, if the transport opened it. Resolves when its jobs have come to their end; never rejects. */
  readonly close: () => Promise<void>;
  readonly isIdle: () => boolean;
}

/**
 * A transport for nodemailer over a client of the mix network: `createTransport(mixTransport(client))`.
 *
 * With options in place of a client it opens one of its own, at once, so that what an earlier run left is sent; what is
 * wrong with them is told by `verify` and by each `sendMail`. The mail must be encrypted with OpenPGP already;
 * `sendMail` rejects with SubmissionError if it is not, and with RouteError when the network can't carry it now.
 *
 * Not protected: a mail that stays a draft, or is filed as sent, somewhere else.
 */
export const mixTransport = (from: MixClient | OpenOptions): MixTransport => {
  const isOwn = !(from instanceof MixClient);
  const client = isOwn ? MixClient.open(from) : Promise.resolve(from);
  // It is told where somebody waits for it.
  client.catch(() => undefined);
  const handIn = async ({ message }: MailMessage<MixSentInfo>): Promise<MixSentInfo> => {
    const envelope = message.getEnvelope();
    // Before the mail is written: asking for it puts it into the header.
    const messageId = message.messageId();
    // Bcc stays out of it: nodemailer writes that header for sendmail alone.
    const raw = await message.build();
    const ids = await (await client).submit({ raw, recipients: envelope.to });
    return { envelope, messageId, accepted: [...envelope.to], rejected: [], ids };
  };
  return {
    name: 'MixMailer',
    version,
    send: (mail, callback) => {
      handIn(mail).then((info) => callback(null, info), callback);
    },
    verify: (callback) => {
      const opened = client.then(() => true as const);
      if (callback === undefined) return opened;
      opened.then(() => callback(null, true), callback as (error: NodemailerError) => void);
      return undefined;
    },
    close: async () => {
      // nodemailer's callers don't wait for this one, and what it could say each `sendMail` has said.
      if (isOwn) await client.then((opened) => opened.close()).catch(() => undefined);
    },
    isIdle: () => true,
  };
};
