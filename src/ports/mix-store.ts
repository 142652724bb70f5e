import type { MessageId } from '../base/ids.js';
import type { FollowStore } from './follow.js';
import type { MembershipStore } from './membership.js';
import type {
  ClockStore,
  CursorStore,
  LoopStore,
  NoteStore,
  OutgoingStore,
  PoolStore,
  RoomStore,
  ScrubStore,
  Store,
} from './stores.js';

/** Replay tags, which live exactly as long as the mix key they belong to. */
export interface ReplayStore {
  /** Records the tag. @returns false if it was there already */
  readonly addReplayTag: (keyId: string, tag: Uint8Array) => boolean;
  /** Forgets the tags of all keys but these. */
  readonly forgetReplayTagsBut: (keyIds: readonly string[]) => void;
}

/** What is kept of a message whose fragments or reply blocks are arriving, or that has been dealt with. */
export interface MessageRecord {
  readonly count: number;
  /** Indexes of the fragments at hand, ascending. */
  readonly indexes: readonly number[];
  /** Handed over, refused or expired: later fragments are dropped. */
  readonly closed: boolean;
  /** How it ended, in the bytes its sender is told that with; undefined until that is known. */
  readonly answer: Uint8Array | undefined;
}

/** What a reply block that came with a message is for. */
export type BlockPurpose = 'receipt' | 'bounce';

export interface ReassemblyStore {
  readonly message: (id: MessageId) => MessageRecord | undefined;
  readonly openMessages: () => number;
  /** Fragments of all of them. */
  readonly fragmentCount: () => number;
  /** Begins a message of that many fragments; nothing if it is there. */
  readonly openMessage: (id: MessageId, count: number, now: number) => void;
  /** Adds to a message that was begun. */
  readonly addFragment: (id: MessageId, fragment: KeptFragment) => void;
  /** By index. */
  readonly fragments: (id: MessageId) => readonly KeptFragment[];
  /** Drops the fragments; remembers the id, and that its mail goes out under that token (message/delivery). */
  readonly closeMessage: (id: MessageId, token: string, now: number) => void;
  /** The message has ended, and its sender is told so with `answer`; closes it if it was open. */
  readonly settleMessage: (id: MessageId, answer: Uint8Array, now: number) => void;
  /** The message whose mail went out under that token. */
  readonly messageOfToken: (token: string) => MessageId | undefined;
  /** Keeps a reply block of a message that was begun, in place of an earlier one for the same purpose. */
  readonly keepBlock: (id: MessageId, purpose: BlockPurpose, block: Uint8Array, now: number) => void;
  /** Removes that reply block. @returns it, if there is one */
  readonly takeBlock: (id: MessageId, purpose: BlockPurpose) => Uint8Array | undefined;
  /** Open messages whose reply block for the receipt came before `then`. */
  readonly stalledMessages: (then: number) => readonly MessageId[];
  /** Open messages first seen before `then`. */
  readonly overdueMessages: (then: number) => readonly MessageId[];
  /** Forgets the reply blocks of messages that ended before `then`. */
  readonly forgetBlocks: (then: number) => void;
  /** Forgets the messages closed before `then`. */
  readonly forgetMessages: (then: number) => void;
}

export interface KeptFragment {
  readonly index: number;
  readonly data: Uint8Array;
}

/** A reply block of a return address. */
export interface KeptBlock {
  readonly id: number;
  readonly block: Uint8Array;
}

/** Return addresses of delivered mails, each known by the token of its mail (message/delivery). */
export interface ReturnStore {
  /** Keeps a return address, in place of an earlier one of that token. */
  readonly addReturnAddress: (
    address: {
      readonly token: string;
      /** SHA-256 of it. */
      readonly alias: Uint8Array;
      readonly expiresAt: number;
    },
    blocks: readonly Uint8Array[],
  ) => void;
  readonly tokenOfAlias: (alias: Uint8Array) => string | undefined;
  readonly isReturnAddress: (token: string) => boolean;
  /** Its reply blocks that are not used; none once it has expired. */
  readonly replyBlocks: (token: string, now: number) => readonly KeptBlock[];
  readonly removeReplyBlock: (id: number) => void;
  /** Of all return addresses. */
  readonly replyBlockCount: () => number;
  /** Whether that was done for a return address, as `mark` remembers. */
  readonly isMarked: (token: string, mark: string) => boolean;
  readonly mark: (token: string, mark: string) => void;
  /** Forgets the reply blocks of return addresses that have expired at `now`, and all of those that had before `then`. */
  readonly forgetReturnAddresses: (now: number, then: number) => void;
}

export interface MixStore
  extends
    Store,
    CursorStore,
    ReplayStore,
    PoolStore,
    ReassemblyStore,
    ReturnStore,
    OutgoingStore,
    FollowStore,
    MembershipStore,
    NoteStore,
    ClockStore,
    LoopStore,
    RoomStore,
    ScrubStore {}
