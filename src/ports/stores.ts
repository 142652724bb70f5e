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

/** What is looked through for remains of what was deleted. */
export type Scrub =
  /** The log of the last changes. */
  | 'log'
  /** The whole file, if it is not too large for that; then the log. */
  | 'file';

/** Deleting is not destroying: what is gone for the program may still lie in its files. */
export interface ScrubStore {
  /** Destroys what remains of it there. @returns false when somebody was reading just then: later, again */
  readonly scrub: (how: Scrub) => boolean;
}

/** Where it is kept. */
export interface RoomStore {
  /** How many bytes can still be kept; Infinity where that can't be known. */
  readonly roomBytes: () => number;
}

/** Times that were kept by a clock that has been set back since. */
export interface ClockStore {
  /**
   * What waits for a moment waits for one that is `byMs` earlier. What is given up when it is old enough keeps its time: if the clock is
   * wrong only now, it must not have aged when that is set right. Mails that are to be the first, by the moment 0, stay so.
   *
   * @param byMs below 0: for one that is later, when the clock is set right
   */
  readonly setBack: (byMs: number) => void;
}

/** Small records by name that outlive the process: how much of an account's budget is left, when the last flush was. */
export interface NoteStore {
  readonly note: (name: string) => string | undefined;
  readonly setNote: (name: string, text: string) => void;
}

/** Loops that are on their way: only who knows an id can bring it home. */
export interface LoopStore {
  /** @param id 16 bytes */
  readonly addLoop: (id: Uint8Array, sentAt: number) => void;
  /** Removes it. @returns when it was sent; undefined if it is none of ours, or home already */
  readonly takeLoop: (id: Uint8Array) => number | undefined;
  /** Forgets those that were sent before `then`. */
  readonly forgetLoops: (then: number) => void;
}

/** How far each folder of the mailbox has been read. */
export interface CursorStore {
  readonly cursor: (folder: string) => Cursor | undefined;
  readonly setCursor: (folder: string, cursor: Cursor) => void;
}

/** What waits in the pool. */
export type PoolEntry =
  /** A packet for a next hop. */
  | {
      readonly kind: 'forward';
      readonly nextHop: NodeId;
      readonly readyAt: number;
      /** It leaves even while the pool is held; false, if nothing is said. */
      readonly throughHold?: boolean;
      readonly bytes: Uint8Array;
    }
  /** The end of a reply: a packet for the mailbox of its reply block's maker. */
  | { readonly kind: 'mailbox'; readonly address: string; readonly readyAt: number; readonly bytes: Uint8Array }
  /** At an exit: a payload for it. */
  | { readonly kind: 'exit'; readonly readyAt: number; readonly bytes: Uint8Array };

/** A place in the pool. Drawn at random, so that it tells nothing of the order of arrival. */
export type PoolId = bigint;

export interface Waiting {
  readonly id: PoolId;
  readonly to: Destination;
  /** When its delay was over, or when it came. */
  readonly readyAt: number;
  /** It leaves even while the pool is held. */
  readonly throughHold: boolean;
}

export type Destination =
  | { readonly kind: 'node'; readonly nextHop: NodeId }
  | { readonly kind: 'mailbox'; readonly address: string }
  /** This exit. */
  | { readonly kind: 'here' };

/** How many entries of the pool there are for what. */
export interface PoolCensus {
  readonly mailboxes: number;
  readonly nodes: ReadonlyMap<NodeId, number>;
}

export interface PoolStore {
  readonly addToPool: (entry: PoolEntry) => void;
  /** All entries, those whose delay isn't over too. */
  readonly poolSize: () => number;
  /** What the entries are for, those too whose delay isn't over. */
  readonly poolCensus: () => PoolCensus;
  /** Entries whose delay is over, in no order. */
  readonly waiting: (now: number) => readonly Waiting[];
  /** Removes the entry. @returns its bytes */
  readonly takeFromPool: (id: PoolId) => Uint8Array;
  /** Removes what should have left before `then` and could not. @returns how many */
  readonly expirePool: (then: number) => number;
}

/** Who a waiting mail is for decides what a refusal means. */
export type OutgoingKind =
  /** Packets for a node's mailbox. */
  | 'packets'
  /** A mail for its recipient, from an exit. */
  | 'delivery'
  /** Word from an exit to somebody whose reply could not be carried. */
  | 'notice'
  /** Documents of the directory, for a program's mailbox. */
  | 'directory';

/** A finished mail that is to go out. */
export type NewOutgoing =
  | { readonly kind: 'packets' | 'notice' | 'directory'; readonly to: string; readonly raw: Uint8Array }
  | { readonly kind: 'delivery'; readonly to: string; readonly raw: Uint8Array; readonly messageId: MessageId };

export interface Outgoing {
  readonly id: number;
  readonly kind: OutgoingKind;
  readonly to: string;
  readonly raw: Uint8Array;
  /** Of a delivery. */
  readonly messageId: MessageId | undefined;
  /** Attempts begun before this one. */
  readonly attempts: number;
  readonly createdAt: number;
}

/** Finished mails on their way to the mail server. */
export interface OutgoingStore {
  readonly addOutgoing: (mail: NewOutgoing, now: number) => void;
  /** Ids of the mails whose time has come, those first that wait longest for it. @param kinds only of these */
  readonly dueOutgoing: (now: number, kinds?: readonly OutgoingKind[]) => readonly number[];
  /** How many there are. */
  readonly dueOutgoingCount: (now: number) => number;
  /** Of those kinds, such as `retryOutgoingAt` has put before all others, by the time 0. */
  readonly firstOutgoing: (kinds: readonly OutgoingKind[]) => readonly number[];
  /** Of those kinds, such as were added before `then` and are due, though the account may be paused. */
  readonly agedOutgoing: (then: number, now: number, kinds: readonly OutgoingKind[]) => readonly number[];
  /** How many mails of that kind no attempt has been made for. */
  readonly untriedOutgoing: (kind: OutgoingKind) => number;
  /** Counts an attempt, before it is made, and puts the next one at `retryAt`. @returns the mail, if it is still there */
  readonly beginAttempt: (id: number, retryAt: number) => Outgoing | undefined;
  readonly retryOutgoingAt: (id: number, at: number) => void;
  /** Mails with packets or documents whose attempt was cut off by the end of the process are due: for its next start. */
  readonly resumeOutgoing: (now: number) => void;
  /** No mail leaves before `until`: the account has reached a limit. */
  readonly pauseOutgoing: (until: number) => void;
  readonly removeOutgoing: (id: number) => void;
  readonly outgoingCount: () => number;
}
