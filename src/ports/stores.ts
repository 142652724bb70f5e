import type { MessageId, NodeId } from '../base/ids.js';
import type { ReplyPiece } from '../message/reply.js';
import type { Ending } from '../message/report.js';
import type { FollowStore } from './follow.js';
import type { Cursor } from './mail.js';
import type { MembershipStore } from './membership.js';

export type { ReplyPiece } from '../message/reply.js';

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
   * wrong only now, it must not have aged when that is set right.
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

/** A mail accepted from the user's program, for one recipient. */
export interface QueuedMessage {
  readonly id: MessageId;
  readonly recipient: string;
  /** The encoded message (message/envelope), without a return address: each exit gets one of its own. */
  readonly message: Uint8Array;
  /** How many reply blocks its return address has. */
  readonly replyBlocks: number;
  /** Message-ID of the submitted mail, angle brackets included. */
  readonly originalMessageId: string | undefined;
}

/** How far a message has come. */
export type MessageState =
  /** In no packet yet. */
  | 'waiting'
  /** In packets, and not confirmed. */
  | 'in-network'
  /** In packets, of a client that hears of nothing: the last that is known. */
  | 'sent'
  | 'delivered'
  | 'failed';

/** What is told of a message. */
export interface MessageStatus {
  readonly id: MessageId;
  /** Undefined when it has been forgotten. */
  readonly recipient: string | undefined;
  readonly originalMessageId: string | undefined;
  readonly state: MessageState;
  readonly submittedAt: number;
  /** How many times it has been sent. */
  readonly sendings: number;
  /** When it is sent again if nothing is heard; only while it is `in-network`. */
  readonly nextAt: number | undefined;
  /** When it came to its last state. */
  readonly settledAt: number | undefined;
  /** Of one that is `delivered` or `failed`. */
  readonly ending: Ending | undefined;
  /** Bits of anonymity that the meter (mix/meter) gave it when it was last sent; undefined if it could not tell. */
  readonly bits: number | undefined;
}

/** What one exit got of a message, and has said about it. */
export interface Sending {
  readonly exit: NodeId;
  /** The encoded message with the return address for this exit: the same bytes in every sending. */
  readonly bytes: Uint8Array;
  /** Indexes of the fragments that it says it has. */
  readonly confirmed: readonly number[];
  /** Sendings since it was last heard of. */
  readonly unanswered: number;
  readonly sentAt: number;
  /** Why it will not hand the message over any more. */
  readonly closed: 'gave-up' | 'expired' | undefined;
  /** When the exit is to be asked what became of it; undefined until all packets have left here, or where nobody asks. */
  readonly askAt: number | undefined;
  /** Questions since then. */
  readonly asked: number;
  /** Until when an answer to the last one may come; undefined when it has come. */
  readonly hearBy: number | undefined;
}

/** A sending of a message that is `in-network`, to an exit that may still hand it over; or what is kept of one that has. */
export interface OpenSending extends Pick<Sending, 'exit' | 'sentAt' | 'askAt' | 'asked'> {
  readonly messageId: MessageId;
  readonly isDelivered: boolean;
}

/** What a client asks its exits. */
export interface QuestionStore {
  readonly openSendings: () => readonly OpenSending[];
  readonly noteQuestion: (
    sending: Pick<OpenSending, 'messageId' | 'exit'>,
    question: Pick<Sending, 'askAt' | 'asked' | 'hearBy'>,
  ) => void;
}

export interface QueueStore {
  /**
   * Keeps the message, once: a mail program that did not hear the answer hands the same mail in again. Anew if the earlier
   * one has failed.
   *
   * @param fingerprint SHA-256 over the submitted mail and the recipient
   * @returns its id, or that of the message that was queued with this fingerprint before; undefined if it is not known any more
   */
  readonly queueMessage: (message: QueuedMessage, fingerprint: Uint8Array, now: number) => MessageId | undefined;
  readonly forgetFingerprints: (queuedBefore: number) => void;
}

export interface MessageStore {
  /** The messages that are `waiting`, those first that came first. */
  readonly queuedMessages: () => readonly QueuedMessage[];
  /** The messages `in-network` whose `nextAt` is not after `at`. */
  readonly overdueMessages: (at: number) => readonly QueuedMessage[];
  /** Ids of the messages that were submitted at `at` or before and are `waiting` or `in-network`. */
  readonly unsettledMessages: (at: number) => readonly MessageId[];
  readonly messageStatus: (id: MessageId) => MessageStatus | undefined;
  /** All messages whose recipients are known, those first that came first. */
  readonly messageStatuses: () => readonly MessageStatus[];
  /** What each exit got of it, that one first that got it last. */
  readonly sendings: (id: MessageId) => readonly Sending[];
  /** Keeps it in place of what is kept of that exit. */
  readonly putSending: (id: MessageId, sending: Sending) => void;
  /** Forgets them. */
  readonly removeSendings: (id: MessageId) => void;
  /** Counts a sending: the message is `in-network`. @param bits as `MessageStatus.bits` */
  readonly countSending: (id: MessageId, nextAt: number, bits: number | undefined) => void;
  readonly setNextAt: (id: MessageId, nextAt: number) => void;
  /** The message is at its end; only its status stays. */
  readonly settleMessage: (
    id: MessageId,
    end: { readonly state: MessageState; readonly ending: Ending | undefined },
    now: number,
  ) => void;
  /** Forgets the recipients of messages settled before `then`, and all of those to which no answer can come any more. */
  readonly forgetMessages: (then: number) => void;
}

/** A reply block that this client made and can open. */
export interface Surb {
  /** 16 bytes. */
  readonly id: Uint8Array;
  readonly opener: Uint8Array;
  readonly purpose: 'receipt' | 'bounce' | 'reply';
  readonly messageId: MessageId;
  /** Who has it. */
  readonly exit: NodeId;
  readonly expiresAt: number;
}

export interface SurbStore {
  readonly addSurb: (surb: Surb) => void;
  readonly surb: (id: Uint8Array) => Surb | undefined;
  readonly removeSurb: (id: Uint8Array) => void;
  /** Forgets those that expired before `then`. */
  readonly forgetSurbs: (then: number) => void;
}

/** A reply to a message, as its pieces arrive. */
export interface ReplyRecord {
  readonly count: number;
  /** Joined, or given up: further pieces are copies. */
  readonly closed: boolean;
  /** Of the pieces at hand, ascending. */
  readonly indexes: readonly number[];
}

export interface ReplyStore {
  readonly reply: (messageId: MessageId, replyId: Uint8Array) => ReplyRecord | undefined;
  /** Adds a piece that is not there yet. */
  readonly addPiece: (messageId: MessageId, piece: ReplyPiece, now: number) => void;
  /** By index. */
  readonly pieces: (messageId: MessageId, replyId: Uint8Array) => readonly Pick<ReplyPiece, 'index' | 'data'>[];
  /** Drops the pieces; remembers the reply. */
  readonly closeReply: (messageId: MessageId, replyId: Uint8Array) => void;
  /** Replies begun before `then` of which pieces are missing. */
  readonly staleReplies: (then: number) => readonly { readonly messageId: MessageId; readonly replyId: Uint8Array }[];
}

/** A finished mail for the user. */
export interface InboundMail {
  readonly kind: 'reply' | 'report';
  /** The message it is about. */
  readonly about: MessageId;
  /** Its own Message-ID, angle brackets included. */
  readonly mailId: string;
  /** Header and body with CRLF line ends. */
  readonly raw: Uint8Array;
}

export interface InboundStore {
  readonly addInbound: (mail: InboundMail) => void;
  /** Those first that were tried least, then in the order in which they were added. */
  readonly inboundIds: () => readonly number[];
  /** Counts an attempt, before it is made. @returns the mail and the attempts begun before this one */
  readonly beginInbound: (id: number) => (InboundMail & { readonly attempts: number }) | undefined;
  readonly removeInbound: (id: number) => void;
}

export interface ClientStore
  extends
    Store,
    CursorStore,
    QueueStore,
    PoolStore,
    OutgoingStore,
    MessageStore,
    SurbStore,
    ReplyStore,
    InboundStore,
    QuestionStore,
    FollowStore,
    NoteStore,
    LoopStore,
    ClockStore,
    ScrubStore {}
