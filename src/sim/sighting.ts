// What a global passive observer sees: who mails whom, when, and how large. It sees into no mail and into no node.

/** A client's mail as it arrives at its first node. */
export interface EntryMail {
  readonly kind: 'entry';
  readonly at: number;
  /** Whose mail it is, by number. */
  readonly sender: number;
  /** The node, by its place in the list. */
  readonly node: number;
  /** Packets it holds, cover included. */
  readonly packets: number;
}

/** Packets of a pool by age: those that came since the last flush, and those that flush passed over. */
export interface AgeCounts {
  readonly fresh: number;
  readonly seasoned: number;
}

/** A mail from node to node. */
export interface NodeMail {
  readonly to: number;
  /** In simulation those of the pool that are in it, padding not included; of recorded mails the bundle's class. */
  readonly packets: number;
  readonly arrivesAt: number;
  /** It closes the ring of layers, so it carries loops and answers only. */
  readonly closing: boolean;
}

/** A message handed to its recipient. */
export interface Delivery {
  readonly recipient: number;
  readonly at: number;
}

/** All that a node sends at one moment. */
export interface Flush {
  readonly kind: 'flush';
  readonly at: number;
  readonly node: number;
  /**
   * What stayed in the pool and what left it. No observer sees that; in simulation it is told, so that it never knows less
   * than it could. Undefined in recorded mails: there it reckons with the strategy's probabilities.
   */
  readonly stayed: AgeCounts | undefined;
  readonly left: AgeCounts | undefined;
  readonly mails: readonly NodeMail[];
  readonly deliveries: readonly Delivery[];
}

/** Sightings come in the order of their time. */
export type Sighting = EntryMail | Flush;
