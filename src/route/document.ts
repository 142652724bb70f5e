import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { pureBase64 } from '../base/base64.js';
import { ascii, fromHex, latin1, toHex } from '../base/bytes.js';
import { RouteError } from '../base/errors.js';

/**
 * Signed text documents: plain ASCII lines that a mail program, a web server or a floppy disk can carry.
 *
 *   mixmailer-<kind> 1                    first line: what it is, and the version of its form
 *   <keyword> <value> <value> ...         fields; values are separated by one space
 *   data <base64, at most 64 characters>  any number of these lines after a field: bytes that belong to it
 *   mixmailer-<other> 1 ... end mixmailer-<other>      whole documents inside this one
 *   signature <Ed25519 public key, 64 hex digits>      one or more, last
 *   data <base64>                         2 lines: the signature, 64 bytes
 *   end mixmailer-<kind>
 *
 * Canonical form: white space at both ends of a line is not there, nor are empty lines; a line ends with LF. So CRLF,
 * trailing blanks and indentation added on the way change neither value nor signature. Text before the first and after
 * the last line is ignored. Fields with an unknown keyword are ignored but signed, and stay in the text that is passed on.
 */
export interface Document {
  readonly fields: readonly Field[];
  /** Documents inside this one, in canonical form, unread. */
  readonly inner: readonly string[];
  readonly signatures: readonly Signature[];
  /** The canonical text from the first line to the last one before the signatures: what is signed. */
  readonly body: string;
  /** The whole document in canonical form. */
  readonly text: string;
}

export interface Field {
  readonly keyword: string;
  /** Printable ASCII, values separated by one space; may be empty. */
  readonly value: string;
  /** What the `data` lines after it hold; empty if there are none. */
  readonly data: Uint8Array;
}

/** An Ed25519 public key, 32 bytes, in lower-case hex. */
export type PublicKeyHex = string;

export interface Signature {
  readonly by: PublicKeyHex;
  /** Whether it fits the body. Asked for the keys that count only: a stranger's 64 signatures of a large list take a minute. */
  readonly isValid: () => boolean;
}

/** Below the 998 of RFC 5322, with room for a quoting program's additions. */
const longestLine = 900;
const longestDataLine = 64;
const mostSignatures = 64;
/** Keeps a signature from being one over anything else signed with the same key. */
const signedPrefix = 'MixMailer signed document 1\n';

export const badDocument = (what: string): RouteError => new RouteError('route/bad-document', what);

const bytesToSign = (body: string): Uint8Array => ascii(signedPrefix + body);

/** `data` lines for these bytes. */
export const dataLines = (bytes: Uint8Array): string[] => {
  const text = latin1(pureBase64.encode(bytes));
  const lines: string[] = [];
  for (let at = 0; at < text.length; at += longestDataLine) lines.push(`data ${text.slice(at, at + longestDataLine)}`);
  return lines;
};

/** SHA-256 of a canonical text, 64 hex digits: of a body, it names the document whoever signed it. */
export const digestOf = (text: string): string => toHex(sha256(ascii(text)));

/** A signature by itself: made where the document was not at hand as a whole. */
export interface ReadySignature {
  readonly by: PublicKeyHex;
  /** 64 bytes */
  readonly signature: Uint8Array;
}

/** The body of a new document. @param lines what stands between first line and signature, in canonical form */
export const bodyOf = (kind: string, lines: readonly string[]): string =>
  [`mixmailer-${kind} 1`, ...lines, ''].join('\n');

/** The signature over a body, 64 bytes. */
export const signBody = (body: string, secretKey: Uint8Array): Uint8Array => ed25519.sign(bytesToSign(body), secretKey);

/** Whether that signature is one over this body. */
export const fitsBody = (body: string, { by, signature }: ReadySignature): boolean => {
  const publicKey = fromHex(by);
  return publicKey?.length === 32 && signature.length === 64 && verifies(signature, bytesToSign(body), publicKey);
};

/** The document of a body and of signatures over it, as they are. @param kind its name without `mixmailer-` */
export const attachSignatures = (kind: string, body: string, signatures: readonly ReadySignature[]): string =>
  `${body}${[...signatures.flatMap(readySignatureLines), `end mixmailer-${kind}`, ''].join('\n')}`;

const readySignatureLines = ({ by, signature }: ReadySignature): string[] => [
  `signature ${by}`,
  ...dataLines(signature),
];

const signatureLines = (body: string, secretKey: Uint8Array): string[] =>
  readySignatureLines({ by: publicKeyOf(secretKey), signature: signBody(body, secretKey) });

/**
 * Signs a new document.
 *
 * @param kind its name without `mixmailer-`
 * @param lines what stands between first line and signature, in canonical form
 * @param secretKey Ed25519, 32 bytes
 */
export const signDocument = (kind: string, lines: readonly string[], secretKey: Uint8Array): string => {
  const body = bodyOf(kind, lines);
  return `${body}${[...signatureLines(body, secretKey), `end mixmailer-${kind}`, ''].join('\n')}`;
};

/** The same document with one signature more, over the same body. @param kind its name without `mixmailer-` */
export const cosignDocument = (kind: string, document: Document, secretKey: Uint8Array): string => {
  const end = `end mixmailer-${kind}\n`;
  return `${document.text.slice(0, -end.length)}${[...signatureLines(document.body, secretKey), end].join('\n')}`;
};

/** The public key of a secret key of 32 bytes. */
export const publicKeyOf = (secretKey: Uint8Array): PublicKeyHex => toHex(ed25519.getPublicKey(secretKey));

// No regular expression: `[ \t]+$` takes quadratic time over a line of blanks with a letter behind.
const trimmed = (line: string): string => {
  const isBlank = (at: number): boolean => ' \t\r'.includes(line.charAt(at));
  let from = 0;
  let to = line.length;
  while (from < to && isBlank(from)) from++;
  while (from < to && isBlank(to - 1)) to--;
  return line.slice(from, to);
};

/** The lines of a text in canonical form. */
export const canonicalLines = (text: string): string[] =>
  text
    .split('\n')
    .map(trimmed)
    .filter((line) => line !== '');

/** Takes lines off the front; every refusal says which line it was. */
class Reader {
  readonly #lines: readonly string[];
  #at = 0;
  constructor(lines: readonly string[]) {
    this.#lines = lines;
  }
  get at(): number {
    return this.#at;
  }
  peek(): string | undefined {
    return this.#lines[this.#at];
  }
  take(): string {
    const line = this.peek();
    if (line === undefined) throw badDocument('the document is cut short: its end line is missing');
    this.#at++;
    if (line.length > longestLine || !/^[\x20-\x7e]*$/.test(line))
      throw badDocument(`line ${this.#at}: expected at most ${longestLine} printable ASCII characters`);
    return line;
  }
  field(): Field {
    const line = this.take();
    const match = /^([a-z][a-z0-9-]*)(?: (\S+(?: \S+)*))?$/.exec(line);
    if (match?.[1] === undefined)
      throw badDocument(`line ${this.#at}: expected a keyword and values with one space between`);
    const encoded: string[] = [];
    while (this.peek()?.startsWith('data ') === true) {
      const piece = this.take().slice('data '.length);
      if (piece.length > longestDataLine)
        throw badDocument(`line ${this.#at}: expected at most ${longestDataLine} base64 characters`);
      encoded.push(piece);
    }
    const joined = encoded.join('');
    const data = pureBase64.decode(ascii(joined));
    // Exactly what an encoder writes, so that one value has one text.
    if (data === undefined || latin1(pureBase64.encode(data)) !== joined)
      throw badDocument(`line ${this.#at}: expected base64 (RFC 4648, padded)`);
    return { keyword: match[1], value: match[2] ?? '', data };
  }
  /** A whole inner document, unread. */
  inner(): string {
    const from = this.#at;
    const end = `end ${this.take().split(' ')[0] ?? ''}`;
    while (this.take() !== end);
    return `${this.#lines.slice(from, this.#at).join('\n')}\n`;
  }
}

/**
 * Reads a document. Its signatures are found, not checked: which keys count is the caller's matter.
 *
 * @param kind its name without `mixmailer-`
 * @param largestCharacters a longer text is refused unread
 * @throws RouteError `route/bad-document` when the text has not this form
 */
export const readDocument = (kind: string, text: string, largestCharacters: number): Document => {
  refuseLarger(text, largestCharacters);
  const name = `mixmailer-${kind}`;
  const lines = linesFrom(name, text);
  const reader = new Reader(lines);
  reader.take();
  const fields: Field[] = [];
  const inner: string[] = [];
  while (!/^(?:signature|end) /.test(reader.peek() ?? '')) {
    if (/^mixmailer-/.test(reader.peek() ?? '')) inner.push(reader.inner());
    else fields.push(reader.field());
  }
  const body = `${lines.slice(0, reader.at).join('\n')}\n`;
  const signed = bytesToSign(body);
  const signatures: Signature[] = [];
  while (reader.peek() !== `end ${name}`) {
    if (signatures.length === mostSignatures) throw badDocument(`expected at most ${mostSignatures} signatures`);
    signatures.push(readSignature(reader.field(), signed));
  }
  reader.take();
  if (signatures.length === 0) throw badDocument('no signature found');
  if (new Set(signatures.map(({ by }) => by)).size < signatures.length) throw badDocument('one key signed twice');
  return { fields, inner, signatures, body, text: `${lines.slice(0, reader.at).join('\n')}\n` };
};

export const refuseLarger = (text: string, mostCharacters: number): void => {
  if (text.length > mostCharacters)
    throw badDocument(`expected at most ${mostCharacters} characters, got ${text.length}`);
};

/** From the first line of a document of that name on. */
const linesFrom = (name: string, text: string): string[] => {
  const all = canonicalLines(text);
  const start = all.findIndex((line) => line.startsWith(`${name} `));
  if (start < 0) throw badDocument(`no line "${name} 1" found`);
  if (all[start] !== `${name} 1`) throw badDocument(`another version of ${name} found; this program reads version 1`);
  return all.slice(start);
};

/** A document nobody signs: of fields only. @param kind its name without `mixmailer-` */
export const unsignedDocument = (kind: string, lines: readonly string[]): string =>
  `${bodyOf(kind, lines)}end mixmailer-${kind}\n`;

/**
 * Reads a document that nobody signs.
 *
 * @param largestCharacters a longer text is refused unread
 * @throws RouteError `route/bad-document` when the text has not this form
 */
export const readUnsigned = (kind: string, text: string, largestCharacters: number): Fields => {
  refuseLarger(text, largestCharacters);
  const name = `mixmailer-${kind}`;
  const reader = new Reader(linesFrom(name, text));
  reader.take();
  const fields: Field[] = [];
  while (reader.peek() !== `end ${name}`) fields.push(reader.field());
  return new Fields(fields);
};

const readSignature = (field: Field, signed: Uint8Array): Signature => {
  if (field.keyword !== 'signature')
    throw badDocument('expected only signatures between the first signature and the end line');
  const publicKey = fromHex(field.value);
  if (publicKey?.length !== 32 || field.value !== toHex(publicKey))
    throw badDocument('signature: expected a public key of 64 lower-case hex digits');
  return { by: field.value, isValid: () => field.data.length === 64 && verifies(field.data, signed, publicKey) };
};

/** Strict RFC 8032 (no ZIP 215), so that every implementation agrees on what is signed. */
const verifies = (signature: Uint8Array, signed: Uint8Array, publicKey: Uint8Array): boolean => {
  try {
    return ed25519.verify(signature, signed, publicKey, { zip215: false });
  } catch {
    return false; // not a point of the curve
  }
};

/** The fields of a document by keyword. */
export class Fields {
  readonly #fields: readonly Field[];
  constructor(fields: readonly Field[]) {
    this.#fields = fields;
  }
  many(keyword: string): readonly Field[] {
    return this.#fields.filter((field) => field.keyword === keyword);
  }
  /** @throws RouteError `route/bad-document` when it is there twice */
  optional(keyword: string): Field | undefined {
    const found = this.many(keyword);
    if (found.length > 1) throw badDocument(`${keyword}: expected once, got ${found.length}`);
    return found[0];
  }
  /** @throws RouteError `route/bad-document` when it is missing, there twice, or not as `read` wants it (undefined) */
  one<T>(keyword: string, expected: string, read: (value: string) => T | undefined): T {
    const field = this.optional(keyword);
    const value = field === undefined ? undefined : read(field.value);
    if (value === undefined)
      throw badDocument(`${keyword}: expected ${expected}, got ${field === undefined ? 'nothing' : 'something else'}`);
    return value;
  }
}

/** Reads an integer in that range, in decimal digits. */
export const inRange =
  (from: number, to: number) =>
  (value: string): number | undefined =>
    /^\d{1,9}$/.test(value) && Number(value) >= from && Number(value) <= to ? Number(value) : undefined;

/** Reads 32 bytes in lower-case hex: a digest, a key, a random value. */
export const readDigest = (value: string): string | undefined => (/^[0-9a-f]{64}$/.test(value) ? value : undefined);

/** `2026-11-22T00:00:00Z`. @param at whole seconds, in milliseconds since 1970, before the year 10000 */
export const timeText = (at: number): string => `${new Date(at).toISOString().slice(0, 19)}Z`;

/** Milliseconds since 1970 of `2026-11-22T00:00:00Z`, or undefined if it isn't such a time. */
export const readTime = (text: string): number | undefined => {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text)) return undefined;
  const at = new Date(text).getTime();
  // new Date() takes some days that don't exist (30 February) for others.
  return Number.isFinite(at) && at >= 0 && timeText(at) === text ? at : undefined;
};
