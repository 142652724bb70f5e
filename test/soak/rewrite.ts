/** How gateways change the mails of others. */
export type Rewriting = 'footer' | 'lines' | 'boundary';

export const rewritings: readonly Rewriting[] = ['footer', 'lines', 'boundary'];

const footerLines = ['-- ', 'This mail was scanned. Please consider the environment before you print it.', ''];

const boundaryOf = (text: string): string | undefined => /boundary="([^"]+)"/i.exec(text)?.[1];

const withFooter = (text: string, boundary: string): string => {
  const part = ['', `--${boundary}`, 'Content-Type: text/plain; charset=us-ascii', '', ...footerLines];
  return text.replace(`\r\n--${boundary}--`, `${part.join('\r\n')}\r\n--${boundary}--`);
};

/** Base64 in lines of 60 characters; armor, which has lines of 64, is left as it is. */
const withOtherLines = (text: string): string =>
  text.replace(/(?:\r\n[A-Za-z0-9+/=]{76})+\r\n[A-Za-z0-9+/=]+\r\n/g, (lines) => {
    const digits = lines.replaceAll('\r\n', '');
    return `\r\n${digits.replace(/.{60}/g, '$&\r\n').replace(/\r\n$/, '')}\r\n`;
  });

/**
 * The mail as it comes out of such a gateway. One that is no packet mail gets no footer: a third part in an encrypted mail is
 * what receivers' programs refuse.
 */
export const rewritten = (raw: Buffer, how: Rewriting): Buffer => {
  const text = raw.toString('latin1');
  const boundary = boundaryOf(text);
  if (boundary === undefined) return raw;
  switch (how) {
    case 'footer':
      return /^Content-Type: multipart\/mixed/im.test(text) ? Buffer.from(withFooter(text, boundary), 'latin1') : raw;
    case 'lines':
      return Buffer.from(withOtherLines(text), 'latin1');
    case 'boundary':
      return Buffer.from(text.replaceAll(boundary, `----=_NextPart_${boundary.length}_0001`), 'latin1');
  }
};
