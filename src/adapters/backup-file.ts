import { sha256 } from '@noble/hashes/sha2.js';
import { concat, indexOfBytes, toHex } from '../base/bytes.js';
import { ConfigError } from '../base/errors.js';
import { isSealLine, type Seal } from './seal.js';

export type BackupRole = 'node' | 'client' | 'authority';

/** What is in a backup. */
export interface Backup {
  readonly role: BackupRole;
  /** Epoch ms. */
  readonly madeAt: number;
  /** By name. Keys are in clear here, whatever they are on the disk. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/*
 *   mixmailer-backup 1 <role> <made at, ms since 1970>
 *   clear | scrypt 17 8 1 <salt, 32 hex digits>
 *   sha256 <64 hex digits>                             of the two lines above and the body
 *   <body>
 *
 *   body     clear: the files; sealed: nonce 24 | ciphertext of the files | tag 16, bound to the first line
 *   files    for each: `file <name> <length>\n`, its bytes
 */
const headPattern = /^mixmailer-backup (\d{1,9}) (node|client|authority) (\d{1,15})$/;
const filePattern = /^file ([a-z.-]{1,32}) (\d{1,12})$/;
const longestLine = 200;
const newline = 10;

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A line of ASCII and what is behind it; undefined if there is none. */
const cutLine = (bytes: Uint8Array): { readonly line: string; readonly rest: Uint8Array } | undefined => {
  const end = indexOfBytes(bytes.subarray(0, longestLine), Uint8Array.of(newline));
  if (end < 0) return undefined;
  return { line: String.fromCharCode(...bytes.subarray(0, end)), rest: bytes.subarray(end + 1) };
};

const packFiles = (files: Backup['files']): Uint8Array =>
  concat(...[...files].flatMap(([name, bytes]) => [utf8(`file ${name} ${bytes.length}\n`), bytes]));

const unpackFiles = (packed: Uint8Array): Backup['files'] | undefined => {
  const files = new Map<string, Uint8Array>();
  for (let left = packed; left.length > 0;) {
    const cut = cutLine(left);
    const [, name, length] = filePattern.exec(cut?.line ?? '') ?? [];
    if (cut === undefined || name === undefined || Number(length) > cut.rest.length || files.has(name))
      return undefined;
    files.set(name, cut.rest.slice(0, Number(length)));
    left = cut.rest.subarray(Number(length));
  }
  return files;
};

/** @param seal undefined: it is in clear */
export const packBackup = ({ role, madeAt, files }: Backup, seal: Seal | undefined): Uint8Array => {
  const head = `mixmailer-backup 1 ${role} ${Math.floor(madeAt)}`;
  const packed = packFiles(files);
  const { line, bytes } = seal === undefined ? { line: 'clear', bytes: packed } : seal.close(head, packed);
  const first = utf8(`${head}\n${line}\n`);
  return concat(first, utf8(`sha256 ${toHex(sha256(concat(first, bytes)))}\n`), bytes);
};

/**
 * What a backup file holds.
 *
 * @param name of the file, for errors
 * @throws ConfigError when it is no backup, of a newer version, damaged, cut short, or sealed with another passphrase
 */
export const readBackup = (bytes: Uint8Array, seal: Seal | undefined, name: string): Backup => {
  const head = cutLine(bytes);
  const [, version, role, madeAt] = headPattern.exec(head?.line ?? '') ?? [];
  if (head === undefined || version === undefined) throw new ConfigError(`${name}: is no backup of MixMailer`);
  if (version !== '1') throw new ConfigError(`${name}: was made by a newer MixMailer (version ${version})`);
  const how = cutLine(head.rest);
  const sum = how && cutLine(how.rest);
  const damaged = (): ConfigError =>
    new ConfigError(`${name}: damaged or cut short; nothing was changed. Take another backup`);
  if (how === undefined || sum === undefined) throw damaged();
  const first = bytes.subarray(0, bytes.length - how.rest.length);
  if (sum.line !== `sha256 ${toHex(sha256(concat(first, sum.rest)))}`) throw damaged();
  const files = unpackFiles(openBody(head.line, how.line, sum.rest, { seal, name }));
  if (files === undefined) throw damaged();
  return { role: role as BackupRole, madeAt: Number(madeAt), files };
};

const openBody = (
  head: string,
  line: string,
  bytes: Uint8Array,
  { seal, name }: { readonly seal: Seal | undefined; readonly name: string },
): Uint8Array => {
  if (!isSealLine(line)) return bytes;
  if (seal === undefined)
    throw new ConfigError(`${name}: is sealed: expected its passphrase in [keys] of the configuration, got none`);
  try {
    return seal.open(head, { line, bytes });
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause;
    throw new ConfigError(`${name}: does not open: the passphrase in [keys] is another one than when it was made`, {
      cause,
    });
  }
};
