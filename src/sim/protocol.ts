import type { Rng } from '../base/random.js';
import type { Held } from '../mix/strategy.js';
import type { World } from './world.js';

/** What a packet is about. */
export type Content =
  /** A user's message, or its only part. */
  | 'message'
  /** Comes back to the node that made it. */
  | 'loop'
  /** Thrown away by its last hop. */
  | 'drop'
  /** Asks its exit for an answer. */
  | 'question'
  /** An exit's answer to a client, over a reply block. */
  | 'answer';

/** The nodes of a path, by number. The first is where the packet is put in: a client mails it there, a node has it there. */
export type Way = readonly number[];

/** How packets find their ways. Undefined where there is none. */
export interface Routes {
  readonly message: (rng: Rng) => Way;
  /** Begins and ends at that node. */
  readonly loop: (rng: Rng, node: number) => Way | undefined;
  /** Cover from that node, to wherever it is thrown away. */
  readonly drop: (rng: Rng, node: number) => Way | undefined;
  /** Cover from a client: over a whole path, through that entry where one is given. */
  readonly clientDrop: (rng: Rng, entry?: number) => Way | undefined;
  /** From an exit to the mailbox of a client; undefined in networks without answers. */
  readonly answer: ((rng: Rng, exit: number) => Way | undefined) | undefined;
}

/** When packets leave a node. */
export interface Mixing {
  /** Time between two flushes of a node. 0: each packet leaves for itself, as soon as its delay is over. */
  readonly intervalMs: number;
  /** When in its interval a node flushes, as a part of it. */
  readonly phases: readonly number[];
  readonly leaving: <T>(waiting: readonly Held<T>[], rng: Rng) => readonly T[];
  /** With which probability a packet leaves a pool of that many, for observers who can't count what leaves. */
  readonly chance: (count: number, passedOver: boolean) => number;
  /** How long a packet waits at least at a hop; 0 where senders draw no delays. */
  readonly delayMs: (rng: Rng) => number;
}

/** Traffic that means nothing, by who makes it. Each gives the number of packets made at one occasion. */
export interface Cover {
  /** A node makes at a flush. */
  readonly loopsAtFlush: (rng: Rng) => number;
  readonly dropsAtFlush: (rng: Rng) => number;
  /** A node makes for each packet that comes in. */
  readonly dropsOnArrival: (rng: Rng) => number;
  /** A client sends beside a message, each in a mail of its own. */
  readonly dropsBesideMessage: (rng: Rng) => number;
}

/** What all nodes and clients of a network do: ours, or a peer's. */
export interface Protocol {
  readonly name: string;
  readonly world: World;
  /** Of each message; undefined where senders draw them. */
  readonly hops: number | undefined;
  readonly routes: Routes;
  readonly mixing: Mixing;
  readonly cover: Cover;
  /** Whether what goes to one node travels together, padded to its class, or each packet in a mail of its own. */
  readonly mails: 'bundles' | 'one-a-packet';
}

export const noCover: Cover = {
  loopsAtFlush: () => 0,
  dropsAtFlush: () => 0,
  dropsOnArrival: () => 0,
  dropsBesideMessage: () => 0,
};
