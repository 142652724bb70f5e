import { parseAddress } from '../base/address.js';
import { Bug } from '../base/errors.js';
import { minuteMs } from '../base/units.js';
import { mailDate, mailLines, threadLines } from './canonical.js';
import { deliveredMessageId } from './delivery.js';

/** Why a reply does not reach its reader. */
export type NoticeReason =
  /** The return address has expired, or its reply blocks are used up. */
  | 'expired'
  /** It needs more reply blocks than are left. */
  | 'too-large'
  /** It is not encrypted. */
  | 'not-encrypted';

export interface Notice {
  /** The exit's own address. */
  readonly from: string;
  readonly to: string;
  readonly reason: NoticeReason;
  /** Message-ID of the reply, angle brackets included. */
  readonly inReplyTo: string | undefined;
  /** For `too-large`: how many bytes a reply may have now. */
  readonly roomBytes: number;
  /** 32 hex digits, random: the left part of the notice's Message-ID. */
  readonly id: string;
  readonly now: number;
}

// What a byte of an attachment takes in a mail: base64 in lines of 76.
const mailBytesPerByte = 1.37;

const explained: Readonly<Record<NoticeReason, (roomBytes: number) => readonly string[]>> = {
  expired: () => [
    'The mail you answered came to you through a network that protects its',
    'sender. The way back through it stays open only for some days, and only',
    'for a few answers. It is closed by now.',
    '',
    'What you can do: answer a newer mail from the same person, or write to',
    'them in another way, if you know one.',
  ],
  'too-large': (roomBytes) => [
    'Your answer is too large. The way back to the sender now takes mails of',
    `about ${Math.floor(roomBytes / mailBytesPerByte / 1000)} KB, everything in them counted.`,
    '',
    'What you can do: send a shorter answer, without attachments and without',
    'the mails that were written before; or write to the person in another',
    'way, if you know one.',
  ],
  'not-encrypted': () => [
    'Your answer was not encrypted. This address takes only encrypted mails,',
    'so that nobody on the way can read them.',
    '',
    'What you can do: encrypt your answer with OpenPGP (Thunderbird, pEp and',
    'many other mail programs can) and send it once more; or write to the',
    'person in another way, if you know one.',
  ],
};

/**
 * The mail in which an exit tells a replier that the answer did not get through: `Auto-Submitted: auto-replied`, plain
 * words, nothing of who was to read it. docs/spec-mail.md has it line by line.
 *
 * Its Message-ID has the form of a delivered mail's, so that a copy in the folder of sent mails is known as the exit's.
 *
 * @throws Bug for addresses that `parseAddress` refuses
 *
 * Source: RFC 3834 section 3.1.
 */
export const composeNotice = ({ from, to, reason, inReplyTo, roomBytes, id, now }: Notice): Uint8Array => {
  const [sender, replier] = [parseAddress(from), parseAddress(to)];
  if (sender.kind === 'refused' || replier.kind === 'refused') throw new Bug('a notice goes between mail addresses');
  return mailLines([
    `From: <${sender.address}>`,
    `To: <${replier.address}>`,
    'Subject: Your answer was not delivered',
    `Date: ${mailDate(now, minuteMs)}`,
    `Message-ID: ${deliveredMessageId(id)}`,
    ...threadLines(inReplyTo),
    'MIME-Version: 1.0',
    'Auto-Submitted: auto-replied',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is an automatic message. Your answer could not be delivered.',
    '',
    ...explained[reason](roomBytes),
    '',
    'Please do not answer this message: nobody reads it.',
  ]);
};
