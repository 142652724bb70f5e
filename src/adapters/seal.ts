import { scryptSync } from 'node:crypto';
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js';
import { concat, fromHex, toHex } from '../base/bytes.js';
import { ConfigError } from '../base/errors.js';
import type { Rng } from '../base/random.js';

/** Closes and opens what is secret on the disk, under one passphrase. */
export interface Seal {
  /** @param name what it is for, such as the name of its file: it opens under no other */
  readonly close: (name: string, bytes: Uint8Array) => Sealed;
  /** @throws ConfigError when the passphrase is another one, or a byte of it has changed */
  readonly open: (name: string, sealed: Sealed) => Uint8Array;
  /** For what the operator is told to run. */
  readonly configFile: string;
}

/**
 *   line     scrypt <log2 of N> 8 1 <salt, 32 hex digits>
 *   bytes    nonce 24 | ciphertext, as long as what is in it | tag 16
 */
export interface Sealed {
  readonly line: string;
  readonly bytes: Uint8Array;
}

export interface SealParams {
  /** Asked for once, when it is needed. @throws ConfigError */
  readonly passphrase: () => string;
  readonly rng: Rng;
  readonly configFile: string;
  /** Log2 of scrypt's N. */
  readonly cost?: number;
}

/** 128 MB and half a second for each passphrase that somebody tries. Source: OWASP's cheat sheet, 2^17 with r 8, p 1. */
const usualCost = 17;
/** Others are opened too, within what a small machine has. */
const [leastCost, mostCost] = [14, 18];
const [blockSize, parallel] = [8, 1];
const [saltBytes, keyBytes, nonceBytes, tagBytes] = [16, 32, 24, 16];

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const linePattern = /^scrypt (1[4-8]) 8 1 ([0-9a-f]{32})$/;

/** Whether a line of text is one of a sealed file. */
export const isSealLine = (line: string): boolean => linePattern.test(line);

/**
 * A seal under a passphrase: XChaCha20-Poly1305 under a key of scrypt, with the line and the name as associated data.
 *
 * The key is derived once for a salt, and what is closed takes the salt of what was opened before: a process derives one.
 *
 * Source: RFC 7914 (scrypt); draft-irtf-cfrg-xchacha-03.
 */
export const sealUnder = ({ passphrase, rng, configFile, cost = usualCost }: SealParams): Seal => {
  const keys = new Map<string, Uint8Array>();
  let given: string | undefined;
  const keyFor = (line: string): Uint8Array => {
    const known = keys.get(line);
    if (known !== undefined) return known;
    const [, log2 = '', salt = ''] = linePattern.exec(line) ?? [];
    const N = 2 ** Number(log2);
    given ??= passphrase().normalize('NFC');
    const options = { N, r: blockSize, p: parallel, maxmem: 256 * N * blockSize };
    const key = new Uint8Array(scryptSync(given, fromHex(salt) ?? new Uint8Array(), keyBytes, options));
    keys.set(line, key);
    return key;
  };
  const cipher = (line: string, name: string, nonce: Uint8Array) =>
    xchacha20poly1305(keyFor(line), nonce, utf8(`mixmailer-sealed 1\n${line}\n${name}`));
  return {
    configFile,
    close: (name, bytes) => {
      const log2 = Math.min(mostCost, Math.max(leastCost, cost));
      const [line = `scrypt ${log2} ${blockSize} ${parallel} ${toHex(rng(saltBytes))}`] = keys.keys();
      const nonce = rng(nonceBytes);
      return { line, bytes: concat(nonce, cipher(line, name, nonce).encrypt(bytes)) };
    },
    open: (name, { line, bytes }) => {
      if (!isSealLine(line) || bytes.length < nonceBytes + tagBytes)
        throw new ConfigError(`${name}: damaged: expected what a seal of this version looks like`);
      const key = cipher(line, name, bytes.subarray(0, nonceBytes));
      try {
        return key.decrypt(bytes.subarray(nonceBytes));
      } catch {
        keys.delete(line);
        throw new ConfigError(
          `${name}: does not open: the passphrase in [keys] is another one, or the file is damaged`,
        );
      }
    },
  };
};
