/** A document that a node has mailed to the authorities. */
export interface Announced {
  /** Its descriptor, or that it leaves. */
  readonly text: string;
  readonly sentAt: number;
}

/** What a node remembers of its place in a network that it has joined. */
export interface MembershipStore {
  /** What it mailed last. */
  readonly announced: () => Announced | undefined;
  readonly setAnnounced: (announced: Announced) => void;
  /** Since when it leaves, because its operator wants it to; undefined: it stays. */
  readonly leavingSince: () => number | undefined;
  readonly setLeaving: (since: number | undefined) => void;
  /** Notes that a challenge of that authority was answered. @returns how many were since `then`, this one included */
  readonly countChallenge: (authority: string, now: number, then: number) => number;
}
