import type { Rng } from '../base/random.js';
import type { BundleClass } from '../carrier/bundle.js';
import type { Held } from '../mix/strategy.js';
import type { Content, Protocol, Way } from './protocol.js';
import type { Sighting } from './sighting.js';

/** A user's message, and what became of it. */
export interface Message {
  readonly number: number;
  readonly sender: number;
  readonly recipient: number;
  readonly submittedAt: number;
  /** When its client mailed it; undefined while it waits for its turn. */
  mailedAt: number | undefined;
  deliveredAt: number | undefined;
}

/** Mails of a client at drawn times, whether or not a message waits. */
export interface Pace {
  /** Time from one mail to the next on average. */
  readonly meanMs: number;
  /** Packets in each. */
  readonly packets: BundleClass;
  /**
   * The share of them in which a question leaves instead of what waits, where exits answer. 0: exits answer when they have
   * handed a message over.
   */
  readonly questions: number;
}

/** What users do. */
export interface Traffic {
  readonly messagesPerMinute: number;
  readonly clients: number;
  /** Undefined: a client mails a message at once, and nothing else. */
  readonly pace: Pace | undefined;
  /** Who writes the next message; all clients alike unless said otherwise. */
  readonly senderOf?: (rng: Rng) => number;
  /** To whom; by default each message has a recipient of its own. */
  readonly recipientOf?: (rng: Rng, sender: number) => number;
}

/** A mail on its way, before it arrives: what an attacker can hold back. */
export interface Underway {
  /** The node that sent it; undefined if a client did. */
  readonly from: number | undefined;
  readonly to: number;
  readonly at: number;
  readonly packets: readonly Packet[];
}

export interface Scenario {
  readonly protocol: Protocol;
  readonly traffic: Traffic;
  readonly seed: number;
  /** How long messages are counted, after the network has warmed up. */
  readonly measuredMs: number;
  readonly warmUpMs: number;
  /** How long it goes on afterwards, so that what is under way arrives. */
  readonly drainMs: number;
  /** How long a mail takes. */
  readonly transportMs: (rng: Rng) => number;
  /** Everything the observer sees, with the messages behind it: those in a client's mail, and those of `deliveries`. */
  readonly see?: (sighting: Sighting, messages: readonly Message[]) => void;
  /** False: the mail never arrives. */
  readonly letsPass?: (mail: Underway) => boolean;
  /** Whether a node keeps its pool to itself at this flush. */
  readonly holds?: (node: number, at: number) => boolean;
  /** Of the packets chosen to leave at a flush, those for which the node's account has mails left. */
  readonly affords?: (node: number, at: number, chosen: readonly Packet[]) => readonly Packet[];
  /** A loop was made by a node, or has come home to it. */
  readonly onLoop?: (node: number, at: number, event: 'sent' | 'home') => void;
}

/** What a run amounts to; of messages and mails those sent in the measured time. */
export interface Outcome {
  /** From the client's mail to the recipient, ascending. */
  readonly latenciesMs: Float64Array;
  /** From the user's sending to the client's mail, ascending. */
  readonly paceWaitsMs: Float64Array;
  readonly messages: number;
  /** Not delivered when the run ended. */
  readonly undelivered: number;
  /** From node to node, by the node that sent them. */
  readonly relayMails: Float64Array;
  /** Packets that those mails hold, padding included. */
  readonly relayPackets: number;
  readonly clientMails: number;
  /** Mails of exits to recipients, and of last nodes to those who get an answer. */
  readonly lastMails: number;
  /** Packets that came to nodes, by node: their load, cover included. */
  readonly handled: Float64Array;
  readonly measuredDays: number;
  /** Over the whole run: each time one packet went through one node. */
  readonly packetHops: number;
}

/** A packet without bytes. It is its own entry of the pool it waits in. */
export class Packet implements Held<Packet> {
  readonly content: Content;
  readonly way: Way;
  readonly message: Message | undefined;
  /** Index in the way of the node it is at, or goes to. */
  hop = 0;
  readyAt = 0;
  passedOver = false;
  /** A loop of a node that holds its pool: it passes the pools that are held. */
  throughHold = false;
  /** It has been chosen at this flush. */
  leaves = false;
  constructor(content: Content, way: Way, message?: Message) {
    this.content = content;
    this.way = way;
    this.message = message;
  }
  get entry(): this {
    return this;
  }
  get isAtEnd(): boolean {
    return this.hop === this.way.length - 1;
  }
}
