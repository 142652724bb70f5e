import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';

/** What a TLS server shows, as PEM. */
export interface Identity {
  readonly key: string;
  readonly cert: string;
}

/** Somebody who vouches for names. */
export interface Authority extends Identity {
  /** A certificate for that name, or that IPv4 address, of this authority. */
  readonly issue: (name: string, span?: Span) => Identity;
}

export interface Span {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

const tlv = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...head]), body]);
};
const sequence = (...parts: readonly Uint8Array[]): Buffer => tlv(0x30, ...parts);
const oid = (hex: string): Buffer => tlv(6, Buffer.from(hex, 'hex'));
const ecdsaWithSha256 = sequence(oid('2a8648ce3d040302'));
const nameOf = (name: string): Buffer => sequence(tlv(0x31, sequence(oid('550403'), tlv(0x0c, Buffer.from(name)))));
const time = (at: Date): Buffer => tlv(0x18, Buffer.from(at.toISOString().replaceAll(/[-:T]|\.\d+/g, '')));
const isTrue = tlv(1, Buffer.from([255]));
const forAuthority = sequence(oid('551d13'), isTrue, tlv(4, sequence(isTrue)));
const forName = (name: string): Buffer => {
  const isAddress = /^[\d.]+$/.test(name);
  const general = isAddress ? tlv(0x87, Buffer.from(name.split('.').map(Number))) : tlv(0x82, Buffer.from(name));
  return sequence(oid('551d11'), tlv(4, sequence(general)));
};

interface Signer {
  readonly name: string;
  readonly key: KeyObject;
}

let serial = 0;

const certificate = (
  subject: string,
  publicKey: KeyObject,
  signer: Signer,
  { extension, span }: { readonly extension: Buffer; readonly span: Span },
): string => {
  const body = sequence(
    tlv(0xa0, tlv(2, Buffer.from([2]))),
    tlv(2, Buffer.from([1, ++serial & 127])),
    ecdsaWithSha256,
    nameOf(signer.name),
    sequence(time(span.notBefore), time(span.notAfter)),
    nameOf(subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(extension)),
  );
  const signature = tlv(3, Buffer.from([0]), sign('sha256', body, signer.key));
  const text = sequence(body, ecdsaWithSha256, signature)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`;
};

const keyPair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const always: Span = { notBefore: new Date('2020-01-01'), notAfter: new Date('2120-01-01') };

/**
 * A certificate authority that nobody trusts who isn't told to.
 *
 * Source: RFC 5280 section 4.1, X.690 (DER).
 */
export const makeAuthority = (name: string): Authority => {
  const own = keyPair();
  const signer = { name, key: own.privateKey };
  return {
    key: pem(own.privateKey),
    cert: certificate(name, own.publicKey, signer, { extension: forAuthority, span: always }),
    issue: (subject, span = always) => {
      const { privateKey, publicKey } = keyPair();
      const cert = certificate(subject, publicKey, signer, { extension: forName(subject), span });
      return { key: pem(privateKey), cert };
    },
  };
};
