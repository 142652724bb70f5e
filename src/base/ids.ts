import { fromHex, toHex } from './bytes.js';

declare const brand: unique symbol;

/** A node: its Ed25519 identity public key (32 bytes) in lower-case hex, so that a name can't be taken by another. */
export type NodeId = string & { readonly [brand]: 'NodeId' };

/** A message crossing the network: 16 random bytes in lower-case hex. Known to its sender and its exit only. */
export type MessageId = string & { readonly [brand]: 'MessageId' };

export const nodeIdBytes = 32;
export const messageIdBytes = 16;

/** The node id in that hex text, or undefined if it isn't 64 hex digits. */
export const parseNodeId = (text: string): NodeId | undefined => {
  const bytes = fromHex(text);
  return bytes?.length === nodeIdBytes ? (toHex(bytes) as NodeId) : undefined;
};

/** @param bytes exactly 32 */
export const nodeIdOf = (bytes: Uint8Array): NodeId => toHex(bytes) as NodeId;

/** @param bytes exactly 16 */
export const messageIdOf = (bytes: Uint8Array): MessageId => toHex(bytes) as MessageId;
