import { sha256 } from '@noble/hashes/sha2.js';
import { parseAddress } from '../base/address.js';
import { ascii, concat, toHex } from '../base/bytes.js';
import { Bug, unreachable } from '../base/errors.js';
import type { MessageId } from '../base/ids.js';
import { minuteMs } from '../base/units.js';
import { mailDate, mailLines, threadLines, wrapped } from './canonical.js';
import { messageIdDomain } from './delivery.js';
import type { Receipt, Rejection } from './receipt.js';

/** How a message ended, for its sender. */
export type Ending =
  /** What the exit answered last. */
  | Exclude<Receipt, { kind: 'incomplete' }>
  /** No exit ever confirmed it, in that many sendings; in none, when there was no way to send it. */
  | { readonly kind: 'no-answer'; readonly sendings: number }
  /** It was under way in a backup that this client was restored from: what became of it since, nobody knows. */
  | { readonly kind: 'restored' }
  /** An answer to it came in part, and the rest did not come. */
  | { readonly kind: 'reply-incomplete' };

export interface Report {
  /** The user's own address. */
  readonly to: string;
  readonly messageId: MessageId;
  readonly ending: Ending;
  /** Whom the message was for, where the user wants it named in a mail that lies at the provider. */
  readonly recipient: string | undefined;
  /** Of the mail that the user's program handed in, angle brackets included. */
  readonly originalMessageId: string | undefined;
  readonly submittedAt: number;
  readonly now: number;
}

const rejectedFor: Readonly<Record<Rejection, string>> = {
  'message/bad-envelope': 'the node at the end of its way could not read it',
  'message/not-encrypted': 'the node at the end of its way found that it is not encrypted as it should be',
  'message/bad-recipient': "the node at the end of its way can't use the recipient's address",
  'message/too-large': 'it is larger than the node at the end of its way takes',
};

/** What a refusal most often means; its text, which would say more, does not come along. Source: RFC 5321 section 4.2.3. */
const refusedFor: Readonly<Record<number, string>> = {
  550: 'there may be no such mailbox, or it takes no mail from this network',
  551: 'the recipient may have another address by now',
  552: 'the mailbox may be full, or the mail too large',
  553: 'something may be wrong with the address',
  554: 'it may take no mail from this network',
};

/** By the second number of the status. Source: RFC 3463 section 3. */
const bouncedFor: Readonly<Record<number, string>> = {
  1: 'something is wrong with the address',
  2: "the recipient's mailbox does not take it; it may be full or closed",
  3: "the recipient's mail system does not take it; it may be too large",
  4: "the recipient's mail server could not be reached",
  5: 'the mail servers on its way did not understand each other',
  6: "the recipient's mail system can't take a mail of this form",
  7: "the recipient's mail server refuses it by its rules",
};

/** How it ended, in words for a person: one sentence without address or id. */
export const wordsFor = (ending: Ending): string => {
  switch (ending.kind) {
    case 'handed-over':
      return 'It was delivered: a mail server took it for the recipient.';
    case 'refused': {
      const why = refusedFor[ending.code];
      return `It was not delivered: the mail server refused it with the code ${ending.code}${why === undefined ? '' : `; ${why}`}.`;
    }
    case 'rejected':
      return `It was not delivered: ${rejectedFor[ending.reason]}.`;
    case 'gave-up':
      return 'Nobody knows whether it was delivered: the last node on its way tried for two days and no mail server said that it took it, or the exits had no mails left for it; it may have arrived all the same.';
    case 'bounced': {
      const why = bouncedFor[ending.status[1]] ?? "the recipient's mail server gave no clear reason";
      return `It was not delivered: it came back, ${why} (status ${ending.status.join('.')}).`;
    }
    case 'expired':
      return 'It was not delivered: parts of it were lost on the way.';
    case 'no-answer':
      if (ending.sendings === 0) return 'It was not sent: for days there was no safe way through the network for it.';
      return `Nobody knows whether it was delivered: no confirmation came (attempts: ${ending.sendings}); it may have arrived all the same.`;
    case 'restored':
      return 'Nobody knows whether it was delivered: it waited or was under way when the backup was made from which this client was restored, and may have arrived since.';
    case 'reply-incomplete':
      return 'It was delivered, and an answer to it came, but parts of the answer were lost on the way.';
    default:
      return unreachable(ending);
  }
};

const checkAddress = "Please check the recipient's address, or reach them in another way.";
const later = 'Please send it again later, or reach the recipient in another way.';
const smallerOrLater = 'Please send it again later or in smaller pieces, or reach the recipient in another way.';
const askFirst = 'Please ask the recipient whether it arrived before you send it again.';

/** What the user can do, in words. */
const adviceFor = (ending: Ending): string => {
  switch (ending.kind) {
    case 'handed-over':
      return 'An earlier message said that it might be lost. You need not do anything.';
    case 'refused':
      return ending.code === 552 ? smallerOrLater : checkAddress;
    case 'bounced': {
      const subject = ending.status[1];
      if (subject === 2 || subject === 3) return smallerOrLater;
      return subject === 4 || subject === 5 ? later : checkAddress;
    }
    case 'rejected':
      if (ending.reason === 'message/bad-recipient') return "Please check the recipient's address.";
      if (ending.reason === 'message/too-large') return 'Please send it in smaller pieces.';
      return 'Please send it again. If that fails too, see whether there is a newer version of MixMailer.';
    case 'gave-up':
      return askFirst;
    case 'expired':
      return 'Please send it again.';
    case 'no-answer':
      if (ending.sendings === 0) return 'Please see what "mixmailer check" says, and send it again.';
      return askFirst;
    case 'restored':
      return `${askFirst} It is not sent again by itself.`;
    case 'reply-incomplete':
      return 'Please ask the writer to send the answer again.';
    default:
      return unreachable(ending);
  }
};

/**
 * Enhanced status code. 4.4.7, delivery time expired, stands for all that was given up after its time, whether an exit
 * gave it up or this client; 4.4.2, bad connection, for what came in part; 4.3.0, something about a mail system, for what a
 * backup made of it. Of a refusal only the SMTP code is known, which
 * says nothing about what is wrong.
 *
 * Source: RFC 3463 section 3.
 */
const statusFor = (ending: Exclude<Ending, { kind: 'reply-incomplete' }>): string => {
  switch (ending.kind) {
    case 'handed-over':
      return '2.0.0';
    case 'refused':
      return '5.0.0';
    case 'rejected':
      return {
        'message/bad-envelope': '5.5.5',
        'message/not-encrypted': '5.7.1',
        'message/bad-recipient': '5.1.3',
        'message/too-large': '5.3.4',
      }[ending.reason];
    case 'bounced':
      return ending.status.join('.');
    case 'gave-up':
    case 'no-answer':
      return '4.4.7';
    case 'expired':
      return '4.4.2';
    case 'restored':
      return '4.3.0';
    default:
      return unreachable(ending);
  }
};

const subjectFor = (ending: Ending): string => {
  switch (ending.kind) {
    case 'handed-over':
      return 'Your mail was delivered after all';
    case 'no-answer':
      if (ending.sendings === 0) return 'Your mail was not sent';
      return 'Your mail may not have been delivered';
    // A server may have taken it and not said so, or not in time.
    case 'gave-up':
    case 'restored':
      return 'Your mail may not have been delivered';
    case 'reply-incomplete':
      return 'An answer to your mail did not arrive whole';
    default:
      return 'Your mail was not delivered';
  }
};

const reportIdLabel = ascii('mixmailer report message-id v1');

/** The Message-ID of that notification, angle brackets included. */
export const reportMessageId = ({ messageId, ending }: Pick<Report, 'messageId' | 'ending'>): string => {
  const name = sha256(concat(reportIdLabel, ascii(messageId), ascii(ending.kind)));
  return `<report.${toHex(name.subarray(0, 16))}@${messageIdDomain}>`;
};

// Can't stand in the text before it: that has no equals sign.
const boundary = '=_report';

const textLines = ({ ending, recipient, submittedAt }: Report): readonly string[] => [
  ...wrapped(
    `This message was written by MixMailer on your own computer. It is about the mail${recipient === undefined ? '' : ` to ${recipient}`} that you sent on ${mailDate(submittedAt, minuteMs).replace(':00 +0000', ' UTC')}.`,
    '',
  ),
  '',
  ...wrapped(wordsFor(ending), ''),
  '',
  ...wrapped(adviceFor(ending), ''),
  ...(recipient === undefined
    ? [
        '',
        ...wrapped(
          'The recipient is not named here, because this message lies at your mail provider. The command "mixmailer queue" on your computer shows who it was.',
          '',
        ),
      ]
    : []),
];

/** Source: RFC 3464 sections 2.2 and 2.3. */
const statusLines = (report: Report, ending: Exclude<Ending, { kind: 'reply-incomplete' }>): readonly string[] => [
  'Reporting-MTA: dns; localhost',
  `Arrival-Date: ${mailDate(report.submittedAt, minuteMs)}`,
  '',
  `Final-Recipient: ${report.recipient === undefined ? 'unknown; hidden' : `rfc822; ${report.recipient}`}`,
  `Action: ${ending.kind === 'handed-over' ? 'delivered' : 'failed'}`,
  `Status: ${statusFor(ending)}`,
  ...(ending.kind === 'refused' ? [`Diagnostic-Code: smtp; ${ending.code}`] : []),
];

const bodyLines = (report: Report): readonly string[] => {
  const { ending } = report;
  const textHead = ['Content-Type: text/plain; charset=us-ascii', ''];
  if (ending.kind === 'reply-incomplete') return [...textHead, ...textLines(report)];
  return [
    `Content-Type: multipart/report; report-type=delivery-status;`,
    ` boundary="${boundary}"`,
    '',
    `--${boundary}`,
    ...textHead,
    ...textLines(report),
    '',
    `--${boundary}`,
    'Content-Type: message/delivery-status',
    '',
    ...statusLines(report, ending),
    '',
    `--${boundary}--`,
  ];
};

/**
 * The delivery status notification that the client puts into the user's own inbox: `Action: failed`, or `delivered` when
 * a message arrived after all that had been reported lost. Of an answer that came in part it tells in a plain mail, for
 * the message itself was delivered. docs/spec-mail.md has it line by line.
 *
 * Its Message-ID follows from the message and the ending, so that it can be looked for before it is put there again.
 *
 * It lies at the user's provider, so it has no Original-Envelope-Id: from the message id follows the Message-ID of the
 * delivered mail, which may lie at the same provider.
 *
 * @throws Bug for addresses that `parseAddress` refuses
 *
 * Source: RFC 3464; RFC 3834 section 5 for Auto-Submitted, which may be auto-replied in a notification, and nothing else.
 */
export const composeReport = (report: Report): Uint8Array => {
  const { to, recipient, originalMessageId, ending, now } = report;
  const owner = parseAddress(to);
  if (owner.kind === 'refused' || (recipient !== undefined && parseAddress(recipient).kind === 'refused'))
    throw new Bug('a report is about mail addresses');
  return mailLines([
    `From: MixMailer <${owner.address}>`,
    `To: <${owner.address}>`,
    `Subject: ${subjectFor(ending)}`,
    `Date: ${mailDate(now, minuteMs)}`,
    `Message-ID: ${reportMessageId(report)}`,
    ...threadLines(originalMessageId),
    'MIME-Version: 1.0',
    'Auto-Submitted: auto-replied',
    ...bodyLines(report),
  ]);
};
