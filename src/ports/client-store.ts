import type { MessageId, NodeId } from '../base/ids.js';
import type { ReplyPiece } from '../message/reply.js';
import type { Ending } from '../message/report.js';
import type { FollowStore } from './follow.js';
import type {
  ClockStore,
  CursorStore,
  LoopStore,
  NoteStore,
  OutgoingStore,
  PoolStore,
  ScrubStore,
  Store,
} from './stores.js';

export type { ReplyPiece } from '../message/reply.js';

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
  /** Until when an answer to the last one, or to the sending where nobody asks, may come; undefined when it has come. */
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
