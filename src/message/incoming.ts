import { largestStatusBytes, longestFrom, mostNames } from '../base/bounds.js';
import { detailIn, mailboxIn } from '../base/address.js';
import { ascii, concat, latin1 } from '../base/bytes.js';
import { aliasIn } from './alias.js';
import { deliveryTokensIn } from './delivery.js';
import { messageIdsIn, readHead, valuesOf, type MailHead } from './head.js';

/** What a mail in an exit's mailbox may be, by its header. */
export type Incoming =
  /** A person's answer to a delivered mail. */
  | {
      readonly kind: 'reply';
      /** Aliases it is addressed to, by plus addresses; at most 20. */
      readonly aliases: readonly string[];
      /** Tokens of delivered mails it answers, by In-Reply-To and References; the one it answers first; at most 20. */
      readonly tokens: readonly string[];
      /** Who wrote it: one mail address, if its From holds exactly one that is well-formed. */
      readonly from: string | undefined;
      /** Its Message-ID, angle brackets included. */
      readonly messageId: string | undefined;
    }
  /** A delivery status notification. */
  | { readonly kind: 'report' }
  /** Neither to an alias nor an answer, or automatic (vacation, list, robot): left alone. */
  | { readonly kind: 'other' }
  /** Automatic, and to an alias or an answer: never answered, and of no use to the sender. */
  | { readonly kind: 'automatic' };

// Where providers name whom a mail was for, the last of them when it was forwarded or a blind copy.
const addressedFields = ['to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to', 'x-envelope-to', 'x-forwarded-to'];

const fewOf = (names: Iterable<string>): readonly string[] => [...new Set(names)].slice(0, mostNames);

const aliasesIn = (head: MailHead, own: string): readonly string[] =>
  fewOf(
    addressedFields
      .flatMap((name) => valuesOf(head, name))
      .flatMap((value) => value.split(/[\s<>,;:"()]+/))
      .map((word) => aliasIn(detailIn(own, word) ?? ''))
      .filter((alias) => alias !== undefined),
  );

const tokensIn = (head: MailHead): readonly string[] =>
  fewOf([
    ...deliveryTokensIn(valuesOf(head, 'in-reply-to').join(' ')),
    ...deliveryTokensIn(valuesOf(head, 'references').join(' ')).toReversed(),
  ]);

/** The one element there is, or undefined. */
const only = <T>(items: readonly T[]): T | undefined => (items.length === 1 ? items[0] : undefined);

// Takes out what may hold anything, addresses too: quoted names and comments.
const authorIn = (from: string): string | undefined => {
  if (from.length > longestFrom) return undefined;
  const bare = from.replaceAll(/"(?:[^"\\]|\\.)*"|\([^()]*\)/g, ' ').trim();
  const inAngles = /^[^<>,"()]*<([^<>]*)>$/.exec(bare);
  return mailboxIn(inAngles?.[1]?.trim() ?? bare);
};

/** Who wrote a mail: one mail address, if it has one From that holds exactly one which is well-formed. Nobody vouches for it. */
export const authorOf = (head: MailHead): string | undefined => authorIn(only(valuesOf(head, 'from')) ?? '');

const reportForm = /^multipart\/report\s*(?:;|$)/i;
const isDeliveryStatus = (contentType: string): boolean =>
  reportForm.test(contentType) && /;\s*report-type\s*=\s*"?delivery-status"?\s*(?:;|$)/i.test(contentType);

/** What only machines write, by field. Values are compared from their beginning, in either case. */
const automaticFields: readonly (readonly [name: string, value: RegExp])[] = [
  ['precedence', /^(?:bulk|junk|list|auto[_-]reply)/i],
  ['return-path', /^<\s*>/],
  ['x-autoreply', /^(?!no)/i],
  ['x-autorespond', /^(?!no)/i],
  ['from', /^(?:[^<]*<)?\s*mailer-daemon@/i],
  ['content-type', reportForm],
];

/**
 * Whether it is a mail that must not be answered even by a program: a bounce, a vacation program's, a list's. One that
 * only says of itself that a program made it (`Auto-Submitted: auto-generated`) is none.
 */
export const isAutomaticAnswer = (head: MailHead): boolean =>
  head.fields.some(({ name }) => name.startsWith('list-')) ||
  valuesOf(head, 'auto-submitted').some((value) => !/^(?:no|auto-generated)(?![a-z-])/i.test(value)) ||
  automaticFields.some(([name, value]) => valuesOf(head, name).some((text) => value.test(text)));

/**
 * Whether a machine wrote it: what RFC 3834 says, and what vacation programs and lists did before and still do. Not by
 * X-Auto-Response-Suppress: it asks for no automatic answer, and stands in mails of persons too.
 */
const isAutomatic = (head: MailHead): boolean =>
  valuesOf(head, 'auto-submitted').some((value) => /^(?!no(?![a-z-]))/i.test(value)) || isAutomaticAnswer(head);

/**
 * What a mail is to the exit whose mailbox it is in.
 *
 * @param own the exit's own address
 *
 * Source: RFC 3834 sections 2 and 5, RFC 3464 section 2, RFC 2369, RFC 2919.
 */
export const readIncoming = (head: MailHead, own: string): Incoming => {
  if (valuesOf(head, 'content-type').some(isDeliveryStatus)) return { kind: 'report' };
  const aliases = aliasesIn(head, own);
  const tokens = tokensIn(head);
  if (aliases.length === 0 && tokens.length === 0) return { kind: 'other' };
  if (isAutomatic(head)) return { kind: 'automatic' };
  return {
    kind: 'reply',
    aliases,
    tokens,
    from: authorOf(head),
    messageId: only(valuesOf(head, 'message-id').flatMap(messageIdsIn)),
  };
};

/** The sender is told no more of a bounce than this. */
export interface Bounce {
  /** Token of the delivered mail that came back. */
  readonly token: string;
  /** Enhanced status code (RFC 3463) of class 4 or 5; 5.0.0 where the notification has none. */
  readonly status: readonly [number, number, number];
}

/** The groups of fields in a message/delivery-status: of the mail first, then one for each recipient. */
const statusGroups = (content: Uint8Array): readonly MailHead[] => {
  const groups: MailHead[] = [];
  for (let rest = content.subarray(0, largestStatusBytes); rest.length > 0;) {
    const group = readHead(rest);
    groups.push(group);
    rest = rest.subarray(group.bodyAt);
  }
  return groups;
};

const statusForm = /^([45])\.(\d{1,3})\.(\d{1,3})(?!\d)/;
// `smtp; 550 5.1.1 No such user`: what the other server said, where Exim's own status is 5.0.0 whatever it was.
const diagnosticForm = /^smtp;\s*[45]\d\d[ -]([45])\.(\d{1,3})\.(\d{1,3})(?![\d.])/i;

const statusOf = (group: MailHead): Bounce['status'] => {
  const stated = statusForm.exec(valuesOf(group, 'status')[0] ?? '');
  const isVague = stated === null || stated[0].endsWith('.0.0');
  const diagnosed = isVague ? diagnosticForm.exec(valuesOf(group, 'diagnostic-code')[0] ?? '') : null;
  const [, of = 5, subject = 0, detail = 0] = (diagnosed ?? stated ?? []).map(Number);
  return [of, subject, detail];
};

/** The token that went with the mail as its envelope id, perhaps still in xtext (RFC 3461 section 4). */
const namedToken = (groups: readonly MailHead[]): string | undefined => {
  const ids = groups.flatMap((group) => valuesOf(group, 'original-envelope-id'));
  const plain = ids.map((id) =>
    id.replaceAll(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  );
  return plain.find((id) => /^[0-9a-f]{32}$/i.test(id))?.toLowerCase();
};

const firstToken = (texts: readonly Uint8Array[]): string | undefined => {
  for (const text of texts) {
    const [token] = deliveryTokensIn(latin1(text));
    if (token !== undefined) return token;
  }
  return undefined;
};

/**
 * The final failures in a delivery status notification (Action `failed`), one for each mail of ours: none for delays and
 * successes, or where no mail of ours is named. It is named by the envelope id, or else by the first Message-ID of a
 * delivered mail that stands anywhere: in the returned header, or in what the notification refers to.
 *
 * Not protected: whoever knows a delivered mail's Message-ID can write a notification about it.
 *
 * @param parts the leaves of the mail
 * @param raw the whole mail, where the returned header with its Message-ID is searched for
 *
 * Source: RFC 3464 sections 2.2 and 2.3, RFC 3463.
 */
export const bouncesIn = (
  parts: readonly { readonly contentType: string; readonly content: Uint8Array }[],
  raw: Uint8Array,
): readonly Bounce[] => {
  const bounces = new Map<string, Bounce>();
  for (const part of parts.filter(({ contentType }) => contentType === 'message/delivery-status')) {
    const groups = statusGroups(part.content);
    const failed = groups.find((group) => valuesOf(group, 'action').some((action) => /^failed(?![a-z])/i.test(action)));
    if (failed === undefined) continue;
    const token = namedToken(groups) ?? firstToken([raw, ...parts.map(({ content }) => content)]);
    if (token !== undefined && !bounces.has(token)) bounces.set(token, { token, status: statusOf(failed) });
  }
  return [...bounces.values()];
};

const replyFields = new Set([
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'subject',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'autocrypt',
]);

/**
 * Whether a field of a reply goes to the sender: what mail programs show and need, and what pEp adds. Not what would
 * make a program act, as a request for a read receipt does, which would leave by the ordinary way.
 *
 * @param name in lower case
 */
export const isReplyField = (name: string): boolean => replyFields.has(name) || /^(?:content|pep|x-pep)-/.test(name);

const emptyLine = ascii('\r\n');

/**
 * What of a reply goes to the sender: its body as it is, and of its header what `isReplyField` lets through, as it
 * stands. The rest (trace, signatures and findings of servers) takes room.
 */
export const replyContent = (raw: Uint8Array): Uint8Array => {
  const { fields, bodyAt } = readHead(raw);
  const kept = fields.filter(({ name }) => isReplyField(name)).map((field) => field.raw);
  const needsLineEnd = (kept.at(-1)?.at(-1) ?? 10) !== 10;
  return concat(...kept, needsLineEnd ? emptyLine : new Uint8Array(), emptyLine, raw.subarray(bodyAt));
};
