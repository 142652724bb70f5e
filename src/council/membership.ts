import { mailboxIn } from '../base/address.js';
import { type NodeId, parseNodeId } from '../base/ids.js';
import { type PublicKeyHex, readDigest, readTime, timeText } from '../route/document.js';
import { type OwnDocument, readOwn, signOwn } from './documents.js';

/** An authority asks whether the mailbox of a descriptor is its node's: mailed to that address. */
export interface Challenge {
  readonly authority: PublicKeyHex;
  readonly nodeId: NodeId;
  /** The one that is asked about, as the descriptor gives it. */
  readonly address: string;
  /** 32 random bytes as 64 hex digits: who can name them has read the mail. */
  readonly nonce: string;
  readonly text: string;
}

/** A node shows that it read a challenge: mailed to the authority's address as the node's own configuration gives it. */
export interface Answer {
  readonly nodeId: NodeId;
  readonly authority: PublicKeyHex;
  readonly nonce: string;
  readonly text: string;
}

/** A node goes. */
export interface Leave {
  readonly nodeId: NodeId;
  /** Its word for all descriptors that were published before. */
  readonly publishedAt: number;
  readonly text: string;
}

const largestCharacters = 4096;

const readNodeId = (value: string): NodeId | undefined => {
  const nodeId = parseNodeId(value);
  return nodeId === value ? nodeId : undefined;
};
// A digest's form is that of a node id: 64 lower-case hex digits.
const signerNode = ({ by }: OwnDocument): NodeId => by as NodeId;

/**
 * `mixmailer-challenge 1` by an authority: `node <id>`, `address <mailbox>`, `nonce <64 hex digits>`.
 *
 * @throws RouteError `route/bad-document` when the draft could not be read back
 */
export const signChallenge = (
  { nodeId, address, nonce }: Pick<Challenge, 'nodeId' | 'address' | 'nonce'>,
  secretKey: Uint8Array,
): string =>
  readChallenge(signOwn('challenge', [`node ${nodeId}`, `address ${address}`, `nonce ${nonce}`], secretKey)).text;

/** @throws RouteError `route/bad-document`, `route/bad-signature` */
export const readChallenge = (text: string): Challenge => {
  const own = readOwn('challenge', text, largestCharacters);
  return {
    authority: own.by,
    nodeId: own.fields.one('node', '64 lower-case hex digits', readNodeId),
    address: own.fields.one('address', 'a mailbox with its domain in lower case', (value) =>
      mailboxIn(value) === value ? value : undefined,
    ),
    nonce: own.fields.one('nonce', '64 lower-case hex digits', readDigest),
    text: own.text,
  };
};

/**
 * `mixmailer-answer 1` by a node: `authority <key>`, `nonce <64 hex digits>` of the challenge.
 *
 * @throws RouteError `route/bad-document` when the draft could not be read back
 */
export const signAnswer = ({ authority, nonce }: Pick<Answer, 'authority' | 'nonce'>, secretKey: Uint8Array): string =>
  readAnswer(signOwn('answer', [`authority ${authority}`, `nonce ${nonce}`], secretKey)).text;

/** @throws RouteError `route/bad-document`, `route/bad-signature` */
export const readAnswer = (text: string): Answer => {
  const own = readOwn('answer', text, largestCharacters);
  return {
    nodeId: signerNode(own),
    authority: own.fields.one('authority', '64 lower-case hex digits', readDigest),
    nonce: own.fields.one('nonce', '64 lower-case hex digits', readDigest),
    text: own.text,
  };
};

/** `mixmailer-leave 1` by a node: `published <time>`. @param publishedAt whole seconds */
export const signLeave = ({ publishedAt }: Pick<Leave, 'publishedAt'>, secretKey: Uint8Array): string =>
  readLeave(signOwn('leave', [`published ${timeText(publishedAt)}`], secretKey)).text;

/** @throws RouteError `route/bad-document`, `route/bad-signature` */
export const readLeave = (text: string): Leave => {
  const own = readOwn('leave', text, largestCharacters);
  return {
    nodeId: signerNode(own),
    publishedAt: own.fields.one('published', 'a time like 2026-11-22T00:00:00Z', readTime),
    text: own.text,
  };
};
