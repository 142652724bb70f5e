import { sha256 } from '@noble/hashes/sha2.js';
import { parseAddress } from '../base/address.js';
import { concat, fromLatin1, latin1, toHex } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import { wrapped } from './canonical.js';
import { deliveredMessageId, messageIdDomain } from './delivery.js';
import { messageIdsIn, readHead, type HeadField } from './head.js';
import { isReplyField } from './incoming.js';

/** What the client knows of a reply that its exit doesn't. */
export interface ReplyContext {
  /** The user's own address. */
  readonly to: string;
  /** Token of the delivered mail. */
  readonly token: string;
  /** Message-ID of the mail that the user's program handed in, angle brackets included; undefined if it had none. */
  readonly originalMessageId: string | undefined;
}

// RFC 5322 section 2.1.1, without the CRLF.
const longestLine = 998;

/** The field, folded before words; nothing for what can't be written so: control characters, endless words, no value. */
const folded = (name: string, value: string): string => {
  // Some reader may take them for the end of a line, or of the mail.
  if (value === '' || /[\x00-\x08\x0a-\x1f\x7f]/.test(value)) return '';
  const lines = wrapped(`${name}: ${value}`, ' ');
  return lines.every(({ length }) => length <= longestLine) ? `${lines.join('\r\n')}\r\n` : '';
};

/** The first field of each name: of two, programs would believe one or the other. */
const firstOfEach = (fields: readonly HeadField[]): ReadonlyMap<string, HeadField> => {
  const first = new Map<string, HeadField>();
  for (const field of fields) if (!first.has(field.name)) first.set(field.name, field);
  return first;
};

const writtenHere = new Set(['to', 'message-id', 'in-reply-to', 'references']);

/**
 * The reply as the user gets it: To is the user, and In-Reply-To and References name the user's own mail where they
 * named the delivered one, so that the mail program puts the answer under it; a reply that names no mail at all is one
 * to the user's. It has a Message-ID: one that follows from its bytes, if it came without.
 *
 * The header is written anew from `isReplyField` fields, each at most once; the body is as it came, without NUL bytes,
 * which no IMAP server takes.
 *
 * Not protected: who wrote it. An exit and a replier can put any name and text into it.
 *
 * @param reply as the exit sent it; anything, since an exit may lie
 */
export const receivedReply = (reply: Uint8Array, context: ReplyContext): Uint8Array => {
  const to = parseAddress(context.to);
  if (to.kind === 'refused') throw new Bug("the user's own address is malformed");
  const { fields, bodyAt } = readHead(reply);
  const known = firstOfEach(fields);
  const delivered = deliveredMessageId(context.token);
  const original = context.originalMessageId ?? delivered;
  const idsIn = (name: string): readonly string[] => messageIdsIn(known.get(name)?.value ?? '');
  const threadIn = (name: string): string =>
    idsIn(name)
      .map((id) => (id.toLowerCase() === delivered ? original : id))
      .join(' ');
  const [messageId = `<reply.${toHex(sha256(reply).subarray(0, 16))}@${messageIdDomain}>`] = idsIn('message-id');
  const [inReplyTo, references] = [threadIn('in-reply-to'), threadIn('references')];
  const namesNone = inReplyTo === '' && references === '';
  const head = [
    ...[...known.values()]
      .filter(({ name }) => isReplyField(name) && !writtenHere.has(name))
      .map(({ name, raw, value }) => folded(latin1(raw.subarray(0, name.length)), value)),
    folded('To', `<${to.address}>`),
    folded('Message-ID', messageId),
    folded('In-Reply-To', namesNone ? original : inReplyTo),
    folded('References', namesNone ? original : references),
  ];
  return concat(
    fromLatin1(`${head.join('')}\r\n`),
    reply.subarray(bodyAt).filter((byte) => byte !== 0),
  );
};
