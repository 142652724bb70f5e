import type { MessageId, NodeId } from '../base/ids.js';
import type { Cursor } from './mail.js';

/**
 * What a process keeps. All of it is synchronous and durable when it returns: `atomically` commits with an fsync, so
 * what comes after it may tell the world. Every method throws StoreError when the disk fails.
 */
export interface Store {
  /** Everything `work` does to the store happens, or nothing of it. Not nested. */
  readonly atomically: <T>(work: () => T) => T;
}

/** How far each folder of the mailbox has been read. */
export interface CursorStore {
  readonly cursor: (folder: string) => Cursor | undefined;
  readonly setCursor: (folder: string, cursor: Cursor) => void;
}

/** Replay tags, which live exactly as long as the mix key they belong to. */
export interface ReplayStore {
  /** Records the tag. @returns false if it was there already */
  readonly addReplayTag: (keyId: string, tag: Uint8Array) => boolean;
  /** Forgets the tags of all keys but these. */
  readonly forgetReplayTagsBut: (keyIds: readonly string[]) => void;
}

/** What waits in the pool. */
export type PoolEntry =
  /** A packet for a next hop. */
  | { readonly kind: 'forward'; readonly nextHop: NodeId; readonly readyAt: number; readonly bytes: Uint8Array }
  /** The end of a reply: a packet for the mailbox of its reply block's maker. */
  | { readonly kind: 'mailbox'; readonly address: string; readonly readyAt: number; readonly bytes: Uint8Array }
  /** At an exit: a payload for it. */
  | { readonly kind: 'exit'; readonly readyAt: number; readonly bytes: Uint8Array };

/** A place in the pool. Drawn at random, so that it tells nothing of the order of arrival. */
export type PoolId = bigint;

export interface Waiting {
  readonly id: PoolId;
  readonly to: Destination;
}

export type Destination =
  | { readonly kind: 'node'; readonly nextHop: NodeId }
  | { readonly kind: 'mailbox'; readonly address: string }
  /** This exit. */
  | { readonly kind: 'here' };

export interface PoolStore {
  readonly addToPool: (entry: PoolEntry) => void;
  /** Entries whose delay is over, in no order. */
  readonly waiting: (now: number) => readonly Waiting[];
  /** Removes the entry. @returns its bytes */
  readonly takeFromPool: (id: PoolId) => Uint8Array;
  /** Removes what should have left before `then` and could not. @returns how many */
  readonly expirePool: (then: number) => number;
}

/** What is kept of a message whose fragments are arriving, or has been dealt with. */
export interface MessageRecord {
  readonly count: number;
  /** Indexes of the fragments at hand, ascending. */
  readonly indexes: readonly number[];
  readonly bytes: number;
  readonly firstSeenAt: number;
  /** Handed over, refused or expired: later fragments are dropped. */
  readonly closed: boolean;
}

export interface ReassemblyStore {
  readonly message: (id: MessageId) => MessageRecord | undefined;
  readonly openMessages: () => number;
  readonly addFragment: (id: MessageId, fragment: KeptFragment, now: number) => void;
  /** By index. */
  readonly fragments: (id: MessageId) => readonly KeptFragment[];
  /** Drops the fragments; remembers the id. */
  readonly closeMessage: (id: MessageId, now: number) => void;
  /** Closes the messages first seen before `then`. @returns how many */
  readonly expireMessages: (then: number, now: number) => number;
  /** Forgets the ids closed before `then`. */
  readonly forgetMessages: (then: number) => void;
}

export interface KeptFragment {
  readonly index: number;
  readonly count: number;
  readonly data: Uint8Array;
}

/** Who a waiting mail is for decides what a refusal means. */
export type OutgoingKind =
  /** Packets for a node's mailbox. */
  | 'packets'
  /** A mail for its recipient, from an exit. */
  | 'delivery';

export interface Outgoing {
  readonly id: number;
  readonly kind: OutgoingKind;
  readonly to: string;
  readonly raw: Uint8Array;
  /** Attempts begun before this one. */
  readonly attempts: number;
  readonly createdAt: number;
}

/** Finished mails on their way to the mail server. */
export interface OutgoingStore {
  readonly addOutgoing: (mail: { kind: OutgoingKind; to: string; raw: Uint8Array }, now: number) => void;
  /** Ids of the mails whose time has come, those first that wait longest for it. */
  readonly dueOutgoing: (now: number) => readonly number[];
  /** Counts an attempt, before it is made, and puts the next one at `retryAt`. @returns the mail, if it is still there */
  readonly beginAttempt: (id: number, retryAt: number) => Outgoing | undefined;
  readonly retryOutgoingAt: (id: number, at: number) => void;
  /** No mail leaves before `until`: the account has reached a limit. */
  readonly pauseOutgoing: (until: number) => void;
  readonly removeOutgoing: (id: number) => void;
  readonly outgoingCount: () => number;
}

export interface MixStore extends Store, CursorStore, ReplayStore, PoolStore, ReassemblyStore, OutgoingStore {}

/** A mail accepted from the user's program, for one recipient, not yet in packets. */
export interface QueuedMessage {
  readonly id: MessageId;
  readonly recipient: string;
  /** The encoded message (message/envelope). */
  readonly message: Uint8Array;
}

export interface QueueStore {
  /**
   * Keeps the message, once: a mail program that did not hear the answer hands the same mail in again.
   *
   * @param fingerprint SHA-256 over the submitted mail and the recipient
   * @returns false if a message with this fingerprint was queued before
   */
  readonly queueMessage: (message: QueuedMessage, fingerprint: Uint8Array, now: number) => boolean;
  readonly queuedMessages: () => readonly QueuedMessage[];
  /** The message is in packets now; only its id and fingerprint stay. */
  readonly unqueueMessage: (id: MessageId) => void;
  readonly forgetFingerprints: (queuedBefore: number) => void;
}

export interface ClientStore extends Store, QueueStore, PoolStore, OutgoingStore {}
