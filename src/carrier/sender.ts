import { domainOf } from '../base/address.js';
import { ascii, concat, fromLatin1, indexOfBytes, latin1 } from '../base/bytes.js';
import { Bug } from '../base/errors.js';

/** Between the header and the body. */
const headEnd = ascii('\r\n\r\n');

const fromForm = /^From: <([^<> ]+)>$/;

/** Where the header ends, and its lines; none if there is no end. */
const headOf = (raw: Uint8Array): readonly [end: number, lines: readonly string[]] => {
  const end = indexOfBytes(raw, headEnd);
  return [end, end < 0 ? [] : latin1(raw.subarray(0, end)).split('\r\n')];
};

/** The address that a finished mail is written from; undefined: its header has no `From: <...>` as this program writes it, or several. */
export const writtenFrom = (raw: Uint8Array): string | undefined => {
  const [, lines] = headOf(raw);
  const found = lines.flatMap((line) => fromForm.exec(line)?.[1] ?? []);
  return found.length === 1 ? found[0] : undefined;
};

/**
 * The same mail as it leaves from that account of its node, whichever address it was written from: another account's, or
 * one that the node had before. Its From is that account's, and so is the domain of its Message-ID where it was that of
 * the address it was written from. It has no Reply-To then: an address of an account that perhaps can't be used just now.
 * An answer goes to From, and is known by what it answers.
 *
 * @param raw a finished mail of this program
 * @throws Bug when it is `writtenFrom` none
 */
export const asFrom = (raw: Uint8Array, account: string): Uint8Array => {
  const from = writtenFrom(raw);
  if (from === undefined) throw new Bug('a mail that is not written from one address');
  if (from === account) return raw;
  const [end, lines] = headOf(raw);
  const domain = `@${domainOf(from)}>`;
  const changed = lines
    .filter((line) => !line.startsWith('Reply-To: '))
    .map((line) => {
      if (fromForm.test(line)) return `From: <${account}>`;
      const isNamedSo = line.startsWith('Message-ID: <') && line.endsWith(domain);
      return isNamedSo ? `${line.slice(0, -domain.length)}@${domainOf(account)}>` : line;
    });
  return concat(fromLatin1(changed.join('\r\n')), raw.subarray(end));
};
