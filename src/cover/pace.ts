import type { NodeId } from '../base/ids.js';
import { exponential, shuffled } from '../base/random.js';
import type { Rng } from '../base/random.js';
import { dayMs } from '../base/units.js';

/** How a client sends: at times that chance alone draws, one mail of always the same size, whatever waits. */
export interface Pace {
  /** Mean of the time between two mails. */
  readonly meanMs: number;
  /** Packets in each mail: a bundle class. */
  readonly packets: number;
  /** Whether a mail leaves in which no packet means anything, when nothing waits. Without, a mail tells that one did. */
  readonly cover: boolean;
  /** The share of the slots in which a question to an exit leaves (client/questions), from 0 to below 1. */
  readonly questions: number;
}

/**
 * When the next mail leaves: after an exponentially distributed time, so that mails are a Poisson process, in which no
 * time tells anything of another one. What waits is no argument. Not capped: a cap biases the mean.
 */
export const drawSlot = (rng: Rng, meanMs: number, now: number): number => now + exponential(rng, meanMs);

/** No draw in 10^13 is longer than this many means. */
const longestInMeans = 30;

/**
 * The next slot as it was kept; undefined where one has to be drawn: when none is kept, or one that this pace doesn't
 * draw, because the clock was set back or the pace is another one.
 *
 * A slot that has passed is one slot, however long ago it was: those that a sleeping machine missed are not made up.
 */
export const keptSlot = (kept: string | undefined, meanMs: number, now: number): number | undefined => {
  const at = kept === undefined ? NaN : Number(kept);
  return at <= now + longestInMeans * meanMs ? at : undefined;
};

/** A mail every 20 minutes, of one packet: 72 a day, which most accounts stand; each third is a question. */
export const usualPace = { meanMinutes: 20, packets: 1, questions: 0.33 } as const;

/** What is kept of a slot. */
export const slotText = (at: number): string => `${at}`;

/** The part of an account's mails that the pace may take; the rest is for the directory, and for mails sent again. */
const shareOfAccount = 2 / 3;

/**
 * The mean time between two mails on an account that takes so many a day: never shorter than the account allows. It is a
 * matter of the account alone: a pace that knew what waits would tell.
 */
export const meanOn = (meanMs: number, mailsPerDay: number): number =>
  Math.max(meanMs, dayMs / (shareOfAccount * mailsPerDay));

/** A packet that waits for its first hop. */
export interface PacketWaiting {
  readonly nextHop: NodeId;
  readonly readyAt: number;
}

/** What may leave in one mail. */
export interface Load<T> {
  readonly nextHop: NodeId;
  /** At least one, and no more than a mail has room for. */
  readonly packets: readonly T[];
}

/**
 * The mails that could leave now, one for each first hop, that one first in which a packet waits longest; among those
 * that wait equally long chance decides. In each are the packets that wait longest.
 *
 * @param room packets that a mail holds
 */
export const loadsOf = <T extends PacketWaiting>(rng: Rng, waiting: readonly T[], room: number): readonly Load<T>[] => {
  const byHop = new Map<NodeId, T[]>();
  for (const packet of shuffled(rng, waiting).toSorted((a, b) => a.readyAt - b.readyAt)) {
    const same = byHop.get(packet.nextHop);
    if (same === undefined) byHop.set(packet.nextHop, [packet]);
    else same.push(packet);
  }
  return [...byHop].map(([nextHop, packets]) => ({ nextHop, packets: packets.slice(0, room) }));
};

/** The first hops to which a mail goes in any case that has room for one packet more. @param waiting how many for each */
export const hopsWithRoom = (waiting: ReadonlyMap<NodeId, number>, room: number): readonly NodeId[] =>
  [...waiting].flatMap(([nextHop, count]) => (count % room === 0 ? [] : [nextHop]));
