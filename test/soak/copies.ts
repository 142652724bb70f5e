/** How often a letter came to its recipient. */
export interface Arrivals {
  readonly name: string;
  /** The letter's own, angle brackets included. */
  readonly messageId: string;
  /** For each Message-ID of the mails in which it came: how many of them. */
  readonly counts: readonly number[];
}

/** What brings copies though every process does what it should: docs/threat-model.md, "Twice". */
export interface Excuses {
  /** By the letter's Message-ID: how many exits took it upon them. Each may hand it over once. */
  readonly exits: ReadonlyMap<string, number>;
  /**
   * Mails of which an exit could not know, or could not write down, that a server had taken them, and mails that were doubled behind
   * that server: each brings one copy at most.
   */
  readonly doubts: number;
}

/** What is to be said about copies. */
export interface Copies {
  /** Beside the first, under one Message-ID: mail programs fold them. */
  readonly folded: number;
  /** Those of them that no second exit explains. */
  readonly unexplained: number;
  /** Letters that came under two Message-IDs; and, where more copies are unexplained than doubts are there, all that have such a copy. */
  readonly doubled: readonly string[];
}

const foldedOf = ({ counts }: Arrivals): number => counts.reduce((sum, count) => sum + count - 1, 0);
const total = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

/** Tells copies that may be from those that may not. */
export const judgeCopies = (all: readonly Arrivals[], { exits, doubts }: Excuses): Copies => {
  const unexplainedOf = (one: Arrivals): number =>
    Math.max(0, foldedOf(one) - Math.max(0, (exits.get(one.messageId) ?? 1) - 1));
  const unexplained = total(all.map(unexplainedOf));
  const isDoubled = (one: Arrivals): boolean =>
    one.counts.length > 1 || (unexplained > doubts && unexplainedOf(one) > 0);
  return {
    folded: total(all.map(foldedOf)),
    unexplained,
    doubled: all.filter(isDoubled).map(({ name }) => name),
  };
};
