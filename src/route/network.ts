import { sha256 } from '@noble/hashes/sha2.js';
import { ascii, fromHex, toHex } from '../base/bytes.js';
import { Bug, RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { type Descriptor, readDescriptor } from './descriptor.js';
import {
  badDocument,
  cosignDocument,
  type Document,
  Fields,
  publicKeyOf,
  type PublicKeyHex,
  readDocument,
  readTime,
  signDocument,
  timeText,
} from './document.js';

/** The list of all nodes for a time, signed by the authorities: what every client and node must see alike. */
export interface Network {
  readonly validFrom: number;
  /** The first moment in which it is no longer valid. */
  readonly validUntil: number;
  /** `digest` of the list before this one; undefined for the first. */
  readonly previous: string | undefined;
  readonly parameters: NetworkParameters;
  readonly nodes: readonly Descriptor[];
  readonly byId: ReadonlyMap<NodeId, Descriptor>;
  /** SHA-256 over the signed body, 64 hex digits: names this list whoever signed it. */
  readonly digest: string;
  /** The signed document, canonical. */
  readonly text: string;
}

/** What all nodes and clients do alike, so that none stands out. */
export interface NetworkParameters {
  /** Hops of a packet, 1 to 5. */
  readonly pathLength: number;
  /** Cron expression, 5 fields or 6: when a node flushes its pool. */
  readonly mixSchedule: string;
  /** With no more packets than these nothing leaves a pool; of more, these stay on average. */
  readonly poolMinimum: number;
  /** Highest part of the pool that leaves in one flush, above 0 and at most 1. */
  readonly poolRate: number;
}

export const defaultNetworkParameters: NetworkParameters = {
  pathLength: 3,
  mixSchedule: '*/12 * * * *',
  poolMinimum: 2,
  poolRate: 0.9,
};

/** What an authority fills in. Times are whole seconds. */
export interface NetworkDraft {
  readonly validFrom: number;
  readonly validUntil: number;
  readonly previous?: string;
  readonly parameters: NetworkParameters;
  /** Signed descriptors as their nodes made them. */
  readonly descriptors: readonly string[];
}

/** Whose signatures a reader asks for. */
export interface Trust {
  readonly authorities: readonly PublicKeyHex[];
  /** How many of them must have signed, at least 1. */
  readonly threshold: number;
}

/** Who signed a list, as seen by one who trusts certain authorities. */
export interface Support {
  readonly valid: readonly PublicKeyHex[];
  /** Signed, but the signature doesn't fit. */
  readonly bad: readonly PublicKeyHex[];
  readonly missing: readonly PublicKeyHex[];
  /** Keys that aren't among the authorities; their signatures don't count and aren't checked. */
  readonly strangers: readonly PublicKeyHex[];
}

/** About 10,000 nodes. */
export const largestNetworkCharacters = 64 * 1024 * 1024;
export const mostHops = 5;

const inRange = (from: number, to: number) => (value: string) =>
  /^\d{1,9}$/.test(value) && Number(value) >= from && Number(value) <= to ? Number(value) : undefined;
const readRate = (value: string): number | undefined =>
  /^(0\.\d{1,6}|1)$/.test(value) && Number(value) > 0 ? Number(value) : undefined;
const readSchedule = (value: string): string | undefined =>
  /^[\d*/,-]+( [\d*/,-]+){4,5}$/.test(value) && value.length <= 100 ? value : undefined;
const readDigest = (value: string): string | undefined =>
  value.length === 64 && fromHex(value) !== undefined && value === value.toLowerCase() ? value : undefined;

/**
 * The list with the first authority's signature.
 *
 *   mixmailer-network 1
 *   valid-from | valid-until <time>
 *   previous <digest, 64 hex digits>                   not in the first list
 *   path-length | mix-schedule | pool-minimum | pool-rate <...>
 *   mixmailer-descriptor 1 ... end mixmailer-descriptor     each node's, as it signed it
 *   signature <authority> ...
 *   end mixmailer-network
 *
 * @param secretKey the authority's Ed25519 key, 32 bytes
 * @throws RouteError when a descriptor is bad, or two claim one id, name or address
 */
export const signNetwork = (draft: NetworkDraft, secretKey: Uint8Array): string => {
  const { parameters } = draft;
  const lines = [
    `valid-from ${timeText(draft.validFrom)}`,
    `valid-until ${timeText(draft.validUntil)}`,
    ...(draft.previous === undefined ? [] : [`previous ${draft.previous}`]),
    `path-length ${parameters.pathLength}`,
    `mix-schedule ${parameters.mixSchedule}`,
    `pool-minimum ${parameters.poolMinimum}`,
    `pool-rate ${parameters.poolRate}`,
    ...draft.descriptors.flatMap((text) => readDescriptor(text).text.trimEnd().split('\n')),
  ];
  return networkOf(readNetworkDocument(signDocument('network', lines, secretKey))).text;
};

/**
 * The same list with one authority's signature more; the same text if that key has signed already.
 *
 * @throws RouteError when the list is not well-formed or one of its descriptors is bad
 */
export const addSignature = (text: string, secretKey: Uint8Array): string => {
  const document = readNetworkDocument(text);
  const { text: canonical } = networkOf(document);
  const own = document.signatures.find(({ by }) => by === publicKeyOf(secretKey));
  if (own?.isValid() === false)
    throw new RouteError('route/bad-signature', 'the list carries a signature of this key that does not fit');
  return own === undefined ? cosignDocument('network', document, secretKey) : canonical;
};

const readNetworkDocument = (text: string): Document => readDocument('network', text, largestNetworkCharacters);

const networkOf = (document: Document): Network => {
  const fields = new Fields(document.fields);
  const validFrom = fields.one('valid-from', 'a time like 2026-11-22T00:00:00Z', readTime);
  const validUntil = fields.one('valid-until', 'a time like 2026-11-22T00:00:00Z', readTime);
  if (validFrom >= validUntil) throw badDocument('valid-until: expected a time after valid-from');
  const nodes = document.inner.filter((text) => text.startsWith('mixmailer-descriptor ')).map(readDescriptor);
  if (nodes.length === 0) throw badDocument('the list has no nodes');
  refuseDoubles(nodes, 'node', ({ nodeId }) => nodeId);
  refuseDoubles(nodes, 'name', ({ name }) => name);
  // Mail servers take the part before the @ in any case.
  refuseDoubles(nodes, 'address', ({ address }) => address.toLowerCase());
  return {
    validFrom,
    validUntil,
    previous: fields.optional('previous') && fields.one('previous', '64 lower-case hex digits', readDigest),
    parameters: {
      pathLength: fields.one('path-length', `an integer from 1 to ${mostHops}`, inRange(1, mostHops)),
      mixSchedule: fields.one('mix-schedule', 'a cron expression of 5 or 6 fields', readSchedule),
      poolMinimum: fields.one('pool-minimum', 'an integer from 1 to 1000000', inRange(1, 1_000_000)),
      poolRate: fields.one('pool-rate', 'a number above 0, at most 1, with at most 6 digits', readRate),
    },
    nodes,
    byId: new Map(nodes.map((node) => [node.nodeId, node])),
    digest: toHex(sha256(ascii(document.body))),
    text: document.text,
  };
};

const refuseDoubles = (nodes: readonly Descriptor[], what: string, key: (node: Descriptor) => string): void => {
  const holders = new Map<string, string>();
  for (const node of nodes) {
    const other = holders.get(key(node));
    if (other !== undefined)
      throw badDocument(`two nodes of the list have the same ${what}: ${other} and ${node.name}`);
    holders.set(key(node), node.name);
  }
};

const supportOf = (document: Document, authorities: readonly PublicKeyHex[]): Support => {
  const signed = new Map(
    document.signatures.map((signature) => [
      signature.by,
      authorities.includes(signature.by) ? signature.isValid() : undefined,
    ]),
  );
  return {
    valid: authorities.filter((key) => signed.get(key) === true),
    bad: authorities.filter((key) => signed.get(key) === false),
    missing: authorities.filter((key) => !signed.has(key)),
    strangers: [...signed.keys()].filter((key) => !authorities.includes(key)),
  };
};

/**
 * Reads a list without asking who signed it or whether it is its time: to show it, never to send by it.
 *
 * @throws RouteError when it is not well-formed or one of its descriptors is bad
 */
export const inspectNetwork = (
  text: string,
  authorities: readonly PublicKeyHex[],
): { readonly network: Network; readonly support: Support } => {
  const document = readNetworkDocument(text);
  return { network: networkOf(document), support: supportOf(document, authorities) };
};

/** Why a list isn't to be used, or undefined if it is. */
export const objectionTo = (network: Network, support: Support, trust: Trust, now: number): RouteError | undefined => {
  if (support.valid.length < trust.threshold) return tooFew(support, trust);
  if (now < network.validFrom)
    return new RouteError(
      'route/not-yet-valid',
      `the network list is valid from ${timeText(network.validFrom)} on; is this machine's clock right?`,
    );
  if (now >= network.validUntil)
    return new RouteError(
      'route/expired',
      `the network list was valid until ${timeText(network.validUntil)}; get the next one`,
    );
  return undefined;
};

const tooFew = (support: Support, { authorities, threshold }: Trust): RouteError => {
  const parts = [
    ...(support.missing.length > 0 ? [`missing: ${support.missing.join(', ')}`] : []),
    ...(support.bad.length > 0 ? [`not fitting: ${support.bad.join(', ')}`] : []),
  ];
  return new RouteError(
    'route/too-few-signatures',
    `the network list has ${support.valid.length} valid signatures of the ${threshold} needed (${authorities.length} authorities); ${parts.join('; ')}`,
  );
};

/**
 * Reads a list and accepts it only with enough valid signatures and in its time. A wrong signature of one authority
 * counts as none; signatures of keys that aren't authorities don't count.
 *
 * Not protected: authorities that agree to lie, and one that shows different lists to different readers; compare digests.
 *
 * @throws RouteError `route/too-few-signatures`, naming the authorities that are missing
 * @throws RouteError `route/expired`, `route/not-yet-valid`, `route/bad-document`, `route/bad-signature` (of a descriptor)
 */
export const readNetwork = (text: string, trust: Trust, now: number): Network => {
  const authorities = [...new Set(trust.authorities)];
  if (trust.threshold < 1 || trust.threshold > authorities.length)
    throw new Bug('threshold is 1 to the number of authorities');
  const document = readNetworkDocument(text);
  const support = supportOf(document, authorities);
  // Before the descriptors: checking a thousand of their signatures takes a second, and a stranger's list isn't worth it.
  if (support.valid.length < trust.threshold) throw tooFew(support, { ...trust, authorities });
  const network = networkOf(document);
  const objection = objectionTo(network, support, trust, now);
  if (objection !== undefined) throw objection;
  return network;
};
