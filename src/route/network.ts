import { Bug, RouteError } from '../base/errors.js';
import type { NodeId } from '../base/ids.js';
import { consensusIn, consensusLines, standingLine, standingsIn } from './consensus.js';
import { type Descriptor, readDescriptor, readVouchedDescriptor } from './descriptor.js';
import {
  attachSignatures,
  badDocument,
  bodyOf,
  cosignDocument,
  digestOf,
  type Document,
  Fields,
  publicKeyOf,
  type PublicKeyHex,
  readDigest,
  readDocument,
  readTime,
  signBody,
  timeText,
} from './document.js';
import { parameterLines, parametersIn } from './parameters.js';
import type { Strategy } from './strategy.js';
import { supportOf, tooFew } from './support.js';

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
  /** What authorities that agree by mail add; undefined in a list signed by hand. */
  readonly consensus: Consensus | undefined;
  /** What the authorities know of a node beside its own word, by node. */
  readonly standings: ReadonlyMap<NodeId, Standing>;
  /** SHA-256 over the signed body, 64 hex digits: names this list whoever signed it. */
  readonly digest: string;
  /** The signed document, canonical. */
  readonly text: string;
}

/** A list as one of a chain that the authorities continue by a timetable. */
export interface Consensus {
  /** Its place in time: it is valid from `number * periodMs` on. */
  readonly number: number;
  readonly periodMs: number;
  /** Random, and known to nobody before the descriptors were fixed: it assigns nodes to layers. 64 hex digits. */
  readonly randomness: string;
  /** Who signs, and where their mail goes. */
  readonly authorities: readonly AuthorityAddress[];
  /** Digests of the lists before this one, newest first, `previous` included; at most 32. */
  readonly history: readonly PastConsensus[];
}

export interface AuthorityAddress {
  readonly key: PublicKeyHex;
  readonly address: string;
}

export interface PastConsensus {
  readonly number: number;
  readonly digest: string;
}

/** What the authorities found out about a node. */
export interface Standing {
  /** Who runs its mailbox, as the mail exchangers of its domain tell. */
  readonly operator: string;
  /** Packets of the authorities that came back through it, of 1000; undefined where nothing is measured. */
  readonly deliveredPerMille: number | undefined;
  /** Time a packet takes through it, mail included: median and 90th percentile. */
  readonly medianMs: number | undefined;
  readonly p90Ms: number | undefined;
  /** It goes: what is under way is carried, and no new path leads over it. */
  readonly leaving: boolean;
}

/** How hops follow one another. */
export type Topology =
  /** Any node after any other. */
  | { readonly kind: 'free' }
  /**
   * As many layers as a path has hops. For each of them, from the first on, how many successors in the next layer each of
   * its nodes has, about; those of the last layer are in the first.
   */
  | { readonly kind: 'layers'; readonly successors: readonly number[] };

/** What all nodes and clients do alike, so that none stands out. */
export interface NetworkParameters {
  /** Hops of a packet, 1 to 5. */
  readonly pathLength: number;
  /** Cron expression, 5 fields or 6: when a node flushes its pool. */
  readonly mixSchedule: string;
  readonly strategy: Strategy;
  readonly topology: Topology;
  /** Nodes of one operator in a layer (of one operator at all in a network without layers); undefined: any number. */
  readonly mostPerOperator: number | undefined;
}

export const defaultNetworkParameters: NetworkParameters = {
  pathLength: 3,
  mixSchedule: '*/12 * * * *',
  strategy: { kind: 'pool', minimum: 2, rate: 0.75 },
  topology: { kind: 'free' },
  mostPerOperator: undefined,
};

/** What an authority fills in. Times are whole seconds. */
export interface NetworkDraft {
  readonly validFrom: number;
  readonly validUntil: number;
  readonly previous?: string;
  readonly parameters: NetworkParameters;
  /** Signed descriptors as their nodes made them. */
  readonly descriptors: readonly string[];
  readonly consensus?: Consensus;
  readonly standings?: ReadonlyMap<NodeId, Standing>;
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

/**
 * The list with the first authority's signature.
 *
 *   mixmailer-network 1
 *   valid-from | valid-until <time>
 *   previous <digest, 64 hex digits>                   not in the first list
 *   path-length | mix-schedule <...>
 *   pool-minimum | pool-rate <...>                     of a pool; or
 *   mix-strategy <poisson and seconds, or threshold and packets>
 *   topology <free, or layers and the numbers of successors>    free, if it is missing
 *   most-per-operator <n>                              any number, if it is missing
 *   number | period | randomness <...>                 of a consensus, and
 *   authority <key> <address>, history <number> <digest>
 *   standing <node id> <operator> <per mille> <median s> <p90 s> [leaving]
 *   mixmailer-descriptor 1 ... end mixmailer-descriptor     each node's, as it signed it
 *   signature <authority> ...
 *   end mixmailer-network
 *
 * @param secretKey the authority's Ed25519 key, 32 bytes
 * @throws RouteError when a descriptor is bad, or two claim one id, name or address
 */
export const signNetwork = (draft: NetworkDraft, secretKey: Uint8Array): string => {
  const descriptors = draft.descriptors.map((text) => readDescriptor(text).text);
  const body = networkBody({ ...draft, descriptors });
  const by = publicKeyOf(secretKey);
  const text = attachSignatures('network', body, [{ by, signature: signBody(body, secretKey) }]);
  return networkOf(readNetworkDocument(text)).text;
};

/**
 * What is signed of such a list.
 *
 * @param draft its descriptors are canonical, and their signatures have been checked
 */
export const networkBody = (draft: NetworkDraft): string =>
  bodyOf('network', [
    `valid-from ${timeText(draft.validFrom)}`,
    `valid-until ${timeText(draft.validUntil)}`,
    ...(draft.previous === undefined ? [] : [`previous ${draft.previous}`]),
    ...parameterLines(draft.parameters),
    ...(draft.consensus === undefined ? [] : consensusLines(draft.consensus)),
    ...[...(draft.standings ?? [])].map(([nodeId, standing]) => standingLine(nodeId, standing)),
    ...draft.descriptors.map((text) => text.slice(0, -1)),
  ]);

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

const networkOf = (document: Document, readNode = readDescriptor): Network => {
  const fields = new Fields(document.fields);
  const validFrom = fields.one('valid-from', 'a time like 2026-11-22T00:00:00Z', readTime);
  const validUntil = fields.one('valid-until', 'a time like 2026-11-22T00:00:00Z', readTime);
  if (validFrom >= validUntil) throw badDocument('valid-until: expected a time after valid-from');
  const nodes = document.inner.filter((text) => text.startsWith('mixmailer-descriptor ')).map(readNode);
  if (nodes.length === 0) throw badDocument('the list has no nodes');
  refuseDoubles(nodes, 'node', ({ nodeId }) => nodeId);
  refuseDoubles(nodes, 'name', ({ name }) => name);
  // Mail servers take the part before the @ in any case.
  refuseDoubles(nodes, 'address', ({ address }) => address.toLowerCase());
  return {
    validFrom,
    validUntil,
    previous: fields.optional('previous') && fields.one('previous', '64 lower-case hex digits', readDigest),
    parameters: parametersIn(fields),
    consensus: consensusIn(fields),
    standings: standingsIn(fields),
    nodes,
    byId: new Map(nodes.map((node) => [node.nodeId, node])),
    digest: digestOf(document.body),
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

/**
 * Reads a list without asking who signed it or whether it is its time: to show it, never to send by it. The nodes' own
 * signatures are checked.
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

/** Why it isn't the time of a list, or undefined if it is. */
export const untimely = (network: Network, now: number): RouteError | undefined => {
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

/** Why a list isn't to be used, or undefined if it is. */
export const objectionTo = (network: Network, support: Support, trust: Trust, now: number): RouteError | undefined =>
  support.valid.length < trust.threshold ? tooFew(support, trust) : untimely(network, now);

/**
 * Reads a list that enough authorities have signed, whenever it is valid. A wrong signature of one authority counts as
 * none; signatures of keys that aren't authorities don't count.
 *
 * The nodes' own signatures are not checked again: authorities check them before they sign, and who could make enough
 * authorities sign could make nodes as well. A thousand of them take a second.
 *
 * Not protected: authorities that agree to lie, and one that shows different lists to different readers; compare digests.
 *
 * @throws RouteError `route/too-few-signatures`, naming the authorities that are missing
 * @throws RouteError `route/bad-document`, `route/bad-signature` (of a descriptor that another key signed)
 */
export const readSignedNetwork = (text: string, trust: Trust): Network => {
  const authorities = [...new Set(trust.authorities)];
  if (trust.threshold < 1 || trust.threshold > authorities.length)
    throw new Bug('threshold is 1 to the number of authorities');
  const document = readNetworkDocument(text);
  const support = supportOf(document, authorities);
  // Before the descriptors: a stranger's list isn't worth reading a thousand of them.
  if (support.valid.length < trust.threshold) throw tooFew(support, { ...trust, authorities });
  return networkOf(document, readVouchedDescriptor);
};

/**
 * Reads a list as `readSignedNetwork` does, and accepts it only in its time.
 *
 * @throws RouteError as that, and `route/expired`, `route/not-yet-valid`
 */
export const readNetwork = (text: string, trust: Trust, now: number): Network => {
  const network = readSignedNetwork(text, trust);
  const objection = untimely(network, now);
  if (objection !== undefined) throw objection;
  return network;
};
