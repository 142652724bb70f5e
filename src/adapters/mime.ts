import { deepestForward, largestHeaderBytes, largestParsedMailBytes, mostMimeNodes } from '../base/bounds.js';
import { domainToASCII } from 'node:url';
import {
  MailParser,
  type AddressObject,
  type AttachmentStream,
  type EmailAddress,
  type Headers,
  type MessageText,
  type StructuredHeader,
} from 'mailparser';
import { concat } from '../base/bytes.js';
import { SubmissionError } from '../base/errors.js';
import type { MimeParser, MimePart, ParsedMail } from '../ports/mail.js';

/** One level of a mail: the header's fields that matter, and the leaves with forwarded messages still closed. */
interface Level {
  readonly headers: Headers;
  readonly parts: readonly MimePart[];
}

const malformed = (options?: ErrorOptions): SubmissionError =>
  new SubmissionError('submission/malformed', 'the mail is malformed, too large or has too many parts', options);

const isStructured = (value: unknown): value is StructuredHeader =>
  typeof value === 'object' && value !== null && 'params' in value;

/** RFC 2045 section 5.2: what has no content type is plain text. */
const contentTypeOf = (headers: Headers): StructuredHeader => {
  const value = headers.get('content-type');
  const type = isStructured(value) ? value.value.trim().toLowerCase() : '';
  return { value: type === '' ? 'text/plain' : type, params: isStructured(value) ? value.params : {} };
};

const contentOf = (attachment: AttachmentStream): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    attachment.content.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    attachment.content.on('end', () => resolve(concat(...chunks)));
    attachment.content.on('error', reject);
  });

/** Takes one level apart. The parser is told to change nothing: no HTML, no links, no character sets. */
const parseLevel = (raw: Uint8Array): Promise<Level> =>
  new Promise((resolve, reject) => {
    const parts: MimePart[] = [];
    let headers: Headers = new Map();
    const bounds = { maxChildNodes: mostMimeNodes, maxHeadSize: largestHeaderBytes, ignoreEmbedded: true };
    const parser = new MailParser(Object.assign(bounds, { checksumAlgo: 'sha1' }));
    // Otherwise text leaves are decoded, converted and glued together; like this every leaf comes as it is.
    Object.assign(parser, { textTypes: [] });
    parser.on('headers', (of) => (headers = of));
    parser.on('data', (data: AttachmentStream | MessageText) => {
      if (data.type === 'text') return;
      contentOf(data).then((content) => {
        parts.push({ contentType: contentTypeOf(data.headers).value, content });
        data.release();
      }, reject);
    });
    parser.on('end', () => resolve({ headers, parts }));
    parser.on('error', reject);
    parser.end(raw);
  });

/** The leaves of a mail, with those of forwarded messages in place of them. */
const openForwarded = async (parts: readonly MimePart[], depth: number): Promise<readonly MimePart[]> => {
  const opened: MimePart[] = [];
  for (const part of parts) {
    const isForwarded = part.contentType === 'message/rfc822' && depth < deepestForward;
    const inside = isForwarded ? (await parseLevel(part.content)).parts : undefined;
    opened.push(...(inside === undefined ? [part] : await openForwarded(inside, depth + 1)));
    if (opened.length > mostMimeNodes) throw malformed();
  }
  return opened;
};

const isAddressObject = (value: unknown): value is AddressObject =>
  typeof value === 'object' && value !== null && 'value' in value && Array.isArray(value.value);

/** The parser turns `xn--` labels into Unicode; mail servers want them back. */
const withAsciiDomain = (address: string): string => {
  const at = address.lastIndexOf('@') + 1;
  return address.slice(0, at) + (domainToASCII(address.slice(at)) || address.slice(at));
};

const addressesOf = (entry: EmailAddress): readonly string[] => [
  ...(entry.address ? [withAsciiDomain(entry.address)] : []),
  ...(entry.group ?? []).flatMap(addressesOf),
];

const recipientsOf = (headers: Headers): readonly string[] =>
  ['to', 'cc', 'bcc']
    .flatMap((name): unknown[] => [headers.get(name)].flat())
    .filter(isAddressObject)
    .flatMap((list) => list.value.flatMap(addressesOf));

/**
 * Takes a mail apart with mailparser, every leaf as its own part with nothing but the transfer encoding removed.
 * Forwarded messages are opened three levels deep; one deeper stays a leaf. At most 16 MiB, 100 MIME nodes a level
 * and 256 KiB of headers a node; a mail that is over, or damaged so that it can't be read, rejects with
 * SubmissionError `submission/malformed`. Nothing in a mail is compressed, so it can't grow by being taken apart.
 */
export const parseMail: MimeParser = async (raw): Promise<ParsedMail> => {
  if (raw.length > largestParsedMailBytes) throw malformed();
  try {
    const { headers, parts } = await parseLevel(raw);
    const contentType = contentTypeOf(headers);
    return {
      contentType: contentType.value,
      contentTypeParameters: new Map(
        Object.entries(contentType.params).map(([name, value]) => [name.toLowerCase(), value]),
      ),
      parts: await openForwarded(parts, 0),
      recipients: recipientsOf(headers),
      autoConsume: headers.get('pep-auto-consume') === 'yes',
    };
  } catch (error) {
    throw error instanceof SubmissionError ? error : malformed({ cause: error });
  }
};
