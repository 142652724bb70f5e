import { RouteError } from '../base/errors.js';
import { type NodeId, parseNodeId } from '../base/ids.js';
import { domainOf, mailboxIn, parseDomain } from '../base/address.js';
import {
  badDocument,
  dataLines,
  Fields,
  type Field,
  inRange,
  publicKeyOf,
  readDocument,
  readTime,
  type Signature,
  signDocument,
  timeText,
} from './document.js';
import { isPublicKey } from '../sphinx/public-key.js';

/** What a node says of itself, signed with its identity key. */
export interface Descriptor {
  readonly nodeId: NodeId;
  /** For people: 1 to 32 of a-z, 0-9 and -, beginning with a letter. Proves nothing. */
  readonly name: string;
  /** The mailbox that takes its packets. */
  readonly address: string;
  /** Domain of whoever runs that mailbox; the address's own domain unless the operator says otherwise. */
  readonly provider: string;
  /** Addresses of its further accounts, at the same provider: mails come from them too, and none go there. */
  readonly senders: readonly string[];
  readonly roles: readonly Role[];
  /** At least one; see `mixKeyAt` for the one to use. */
  readonly mixKeys: readonly MixKeyOffer[];
  readonly publishedAt: number;
  readonly software: string | undefined;
  /** What its account may send; undefined where it doesn't say. */
  readonly capacity?: Capacity | undefined;
  /** What it has to do; undefined where it doesn't say. */
  readonly load?: Load | undefined;
  /** The signed document itself, canonical: what a network list holds. */
  readonly text: string;
}

/** A mix relays packets; an exit also hands mail to its recipient. */
export type Role = 'mix' | 'exit';

/** Mails a day, to one significant digit. */
export interface Capacity {
  /** What the account may send. */
  readonly perDay: number;
  /** How many of these it has not sent. */
  readonly free: number;
}

/** Means of up to seven days, to one significant digit. A node's own word: nobody can check it. */
export interface Load {
  /** Packets that leave in a mix interval, cover included, which no node can tell from others. */
  readonly packets: number;
  /** Mails a day that it hands to recipients. */
  readonly deliveries: number;
}

/** A mix key as senders see it. */
export interface MixKeyOffer {
  /** X-Wing, 1216 bytes. */
  readonly publicKey: Uint8Array;
  /** Senders use it from here, */
  readonly notBefore: number;
  /** and up to here, excluded. */
  readonly notAfter: number;
  /** Its node unwraps with it up to here: how long a reply block made for it can be used. */
  readonly expiresAt: number;
}

/** What a node fills in; its id and signature come from the key. Times are whole seconds. */
export interface DescriptorDraft {
  readonly name: string;
  readonly address: string;
  readonly provider?: string;
  readonly senders?: readonly string[];
  readonly roles: readonly Role[];
  readonly mixKeys: readonly MixKeyOffer[];
  readonly publishedAt: number;
  readonly software?: string;
  readonly capacity?: Capacity | undefined;
  readonly load?: Load | undefined;
}

/** About 1.8 KB a mix key. */
export const largestDescriptorCharacters = 32_768;
export const mostMixKeys = 8;
/** Accounts that a node may have beside its first. */
export const mostSenders = 7;

const roleNames: readonly string[] = ['mix', 'exit'] satisfies Role[];

const readName = (text: string): string | undefined => (/^[a-z][a-z0-9-]{0,31}$/.test(text) ? text : undefined);
const readSoftware = (text: string): string | undefined => (/^[\w.+/-]{1,64}$/.test(text) ? text : undefined);
const isRole = (text: string): text is Role => roleNames.includes(text);
const lowerCase =
  (read: (text: string) => string | undefined) =>
  (text: string): string | undefined =>
    read(text) === text ? text : undefined;

/** All accounts that mails of a node come from. */
export const accountsOf = ({ address, senders }: Pick<Descriptor, 'address' | 'senders'>): readonly string[] => [
  address,
  ...senders,
];

/** Whether that is a name a node may carry. */
export const isNodeName = (text: string): boolean => readName(text) !== undefined;

/**
 * The descriptor, signed.
 *
 *   mixmailer-descriptor 1
 *   node <NodeId>
 *   name | address | provider | published | software <...>
 *   sender <address>                                   one line each, may be missing
 *   capacity <mails a day> <free mails a day>          may be missing, as may be
 *   load <packets a mix interval> <deliveries a day>
 *   role <mix or exit>                                 one line each
 *   mix-key <not before> <not after> <expires>         times like 2026-11-22T00:00:00Z
 *   data <base64>                                      the 1216 bytes of the key
 *   signature <NodeId> ...
 *   end mixmailer-descriptor
 *
 * @param secretKey the node's Ed25519 identity, 32 bytes
 * @throws RouteError `route/bad-document` when the draft could not be read back
 */
export const signDescriptor = (draft: DescriptorDraft, secretKey: Uint8Array): string => {
  const lines = [
    `node ${publicKeyOf(secretKey)}`,
    `name ${draft.name}`,
    `address ${draft.address}`,
    `provider ${draft.provider ?? domainOf(draft.address)}`,
    ...(draft.senders ?? []).map((address) => `sender ${address}`),
    ...draft.roles.map((role) => `role ${role}`),
    `published ${timeText(draft.publishedAt)}`,
    ...(draft.software === undefined ? [] : [`software ${draft.software}`]),
    ...(draft.capacity === undefined ? [] : [`capacity ${draft.capacity.perDay} ${draft.capacity.free}`]),
    ...(draft.load === undefined ? [] : [`load ${draft.load.packets} ${draft.load.deliveries}`]),
    ...draft.mixKeys.flatMap((key) => [
      `mix-key ${timeText(key.notBefore)} ${timeText(key.notAfter)} ${timeText(key.expiresAt)}`,
      ...dataLines(key.publicKey),
    ]),
  ];
  return readDescriptor(signDocument('descriptor', lines, secretKey)).text;
};

const readPair = (value: string): readonly [number, number] | undefined => {
  const [one, other, ...rest] = value.split(' ').map(inRange(0, 999_999_999));
  return one === undefined || other === undefined || rest.length > 0 ? undefined : [one, other];
};

const pairIn = (fields: Fields, keyword: string): readonly [number, number] | undefined =>
  fields.optional(keyword) && fields.one(keyword, 'two integers from 0 to 999999999', readPair);

const capacityIn = (fields: Fields): Capacity | undefined => {
  const [perDay, free] = pairIn(fields, 'capacity') ?? [];
  return perDay === undefined || free === undefined ? undefined : { perDay, free };
};

const loadIn = (fields: Fields): Load | undefined => {
  const [packets, deliveries] = pairIn(fields, 'load') ?? [];
  return packets === undefined || deliveries === undefined ? undefined : { packets, deliveries };
};

const readAddress = lowerCase(mailboxIn);

const sendersIn = (fields: Fields, address: string): readonly string[] => {
  const senders = fields.many('sender').map(({ value }) => readAddress(value));
  const known = senders.filter((one) => one !== undefined);
  const names = new Set([address, ...known].map((one) => one.toLowerCase()));
  if (known.length < senders.length || names.size <= known.length || known.length > mostSenders)
    throw badDocument(`sender: expected at most ${mostSenders} mailboxes with their domains in lower case, each once`);
  return known;
};

const readMixKey = ({ value, data }: Field): MixKeyOffer => {
  const [from, to, end, ...rest] = value.split(' ').map(readTime);
  if (from === undefined || to === undefined || end === undefined || from >= to || to > end || rest.length > 0)
    throw badDocument('mix-key: expected three times, earlier ones first');
  if (!isPublicKey(data)) throw badDocument('mix-key: expected an X-Wing public key of 1216 bytes');
  return { publicKey: data, notBefore: from, notAfter: to, expiresAt: end };
};

/**
 * Reads a descriptor, checks every field and the node's own signature. Whether to trust the node is the network list's
 * matter: anybody can sign a descriptor for a key of their own.
 *
 * @throws RouteError `route/bad-document` when a field is missing, wrong or twice
 * @throws RouteError `route/bad-signature` when the node's key did not sign it
 */
export const readDescriptor = (text: string): Descriptor => {
  const { descriptor, signature } = parseDescriptor(text);
  if (!signature.isValid())
    throw new RouteError('route/bad-signature', "the node's signature does not fit the descriptor");
  return descriptor;
};

/**
 * Reads a descriptor in a list whose signers have checked its node's signature: every field is checked, and that the
 * signature is one of the node's key, but not whether it fits.
 *
 * @throws RouteError as `readDescriptor`
 */
export const readVouchedDescriptor = (text: string): Descriptor => parseDescriptor(text).descriptor;

const parseDescriptor = (text: string): { readonly descriptor: Descriptor; readonly signature: Signature } => {
  const document = readDocument('descriptor', text, largestDescriptorCharacters);
  if (document.inner.length > 0) throw badDocument('a descriptor holds no other document');
  const fields = new Fields(document.fields);
  const nodeId = fields.one('node', '64 lower-case hex digits', (value) =>
    parseNodeId(value) === value ? parseNodeId(value) : undefined,
  );
  const [signature] = document.signatures;
  if (document.signatures.length !== 1 || signature?.by !== nodeId)
    throw new RouteError('route/bad-signature', 'the descriptor is not signed by its own node, and nobody else');

  const roles = fields.many('role').map(({ value }) => value);
  if (roles.length === 0 || new Set(roles).size < roles.length)
    throw badDocument('role: expected one or more, each once');
  const mixKeys = fields.many('mix-key').map(readMixKey);
  if (mixKeys.length === 0 || mixKeys.length > mostMixKeys)
    throw badDocument(`mix-key: expected 1 to ${mostMixKeys}, got ${mixKeys.length}`);
  const address = fields.one('address', 'a mailbox with its domain in lower case', readAddress);
  const descriptor: Descriptor = {
    nodeId,
    name: fields.one('name', '1 to 32 of a-z, 0-9 and -, a letter first', readName),
    address,
    provider: fields.one('provider', 'a domain in lower case', lowerCase(parseDomain)),
    senders: sendersIn(fields, address),
    // A role this program doesn't know is one it doesn't use.
    roles: roles.filter(isRole),
    mixKeys,
    publishedAt: fields.one('published', 'a time like 2026-11-22T00:00:00Z', readTime),
    software:
      fields.optional('software') && fields.one('software', '1 to 64 letters, digits and _ . + / -', readSoftware),
    capacity: capacityIn(fields),
    load: loadIn(fields),
    text: document.text,
  };
  return { descriptor, signature };
};
