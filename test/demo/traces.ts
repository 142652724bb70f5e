import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** The characters of a word's base64 that say nothing of what stands before and behind it, wherever it begins. */
const base64Forms = (word: string): readonly string[] =>
  [0, 1, 2].flatMap((shift) => {
    const text = Buffer.from(`${'\0'.repeat(shift)}${word}`).toString('base64');
    const form = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + word.length) * 8) / 6));
    return [form, form.replaceAll('+', '-').replaceAll('/', '_')];
  });

const decodeQuotedPrintable = (text: string): string =>
  text
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/**
 * The words (ASCII, 8 characters or more, so that none is there by chance) that bytes show in any encoding usual in
 * mails and programs: as they are in either case, UTF-16, hex, quoted-printable, base64; over line ends too.
 */
export const tracesIn = (bytes: Uint8Array, words: readonly string[]): readonly string[] => {
  const text = Buffer.from(bytes).toString('latin1');
  const joined = text.replace(/\s+/g, '');
  const anyCase = [text, joined, decodeQuotedPrintable(text)].map((one) => one.toLowerCase()).join('\n');
  return words.filter((word) => {
    const inUtf16 = Buffer.from(word.toLowerCase(), 'utf16le').toString('latin1');
    return (
      // Big-endian is little-endian one byte further.
      [word.toLowerCase(), inUtf16.slice(0, -1), Buffer.from(word).toString('hex')].some((form) =>
        anyCase.includes(form),
      ) || base64Forms(word).some((form) => joined.includes(form))
    );
  });
};

/** The files below a folder, and what they hold at this moment. One that is gone before it is read is left out. */
export const filesBelow = (folder: string): readonly { readonly file: string; readonly bytes: Uint8Array }[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true }).flatMap((entry) => {
    if (!entry.isFile()) return [];
    const file = path.join(entry.parentPath, entry.name);
    try {
      return [{ file, bytes: readFileSync(file) }];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
