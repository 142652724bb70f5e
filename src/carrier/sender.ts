import { domainOf } from '../base/address.js';
import { ascii, concat, fromLatin1, indexOfBytes, latin1 } from '../base/bytes.js';
import { Bug } from '../base/errors.js';

/** Between the header and the body. */
const headEnd = ascii('\r\n\r\n');

/**
 * The same mail as it leaves from another account of its node. Its From is that account's, and so is the domain of its
 * Message-ID where it was that of the address it was written from. It has no Reply-To: an address of an account that
 * perhaps can't be used just now. An answer goes to From, and is known by what it answers.
 *
 * @param raw a finished mail of this program
 * @param from the address it was written from
 */
export const asFrom = (raw: Uint8Array, from: string, account: string): Uint8Array => {
  const end = indexOfBytes(raw, headEnd);
  const lines = latin1(raw.subarray(0, end)).split('\r\n');
  if (end < 0 || !lines.includes(`From: <${from}>`)) throw new Bug('a mail that is not written from there');
  const domain = `@${domainOf(from)}>`;
  const changed = lines
    .filter((line) => !line.startsWith('Reply-To: '))
    .map((line) => {
      if (line === `From: <${from}>`) return `From: <${account}>`;
      const isNamedSo = line.startsWith('Message-ID: <') && line.endsWith(domain);
      return isNamedSo ? `${line.slice(0, -domain.length)}@${domainOf(account)}>` : line;
    });
  return concat(fromLatin1(changed.join('\r\n')), raw.subarray(end));
};
