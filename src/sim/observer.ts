import type { Target } from './recording.js';
import type { AgeCounts, EntryMail, Flush, Sighting } from './sighting.js';

/* A global passive observer that reckons with every packet it sees leave: where a message that went in there may be by
   now, and from where one that came out here may have come. All targets are followed at once, each with a mass of 1 that
   spreads over nodes and mails as the packets do. */

/** What the observer knows of hops. */
export type HopSight =
  /** The layer of a node is the hop of the packets it gets; those that close the ring carry nobody's message. */
  | { readonly kind: 'layers'; readonly layers: readonly number[] }
  /** Nothing: of what leaves a node each packet, delivered or not, can be any that is in it. */
  | { readonly kind: 'blind' }
  /** How many hops a message has; so it isn't delivered before the last, nor goes on after it. */
  | { readonly kind: 'counting'; readonly hops: number };

export interface Observed {
  readonly nodes: number;
  readonly sight: HopSight;
  /** With which probability a packet leaves, where what stayed and left isn't known. */
  readonly chance: (count: number, passedOver: boolean) => number;
  /** Packets leave each for itself, by memoryless delays: how long one has waited says nothing. */
  readonly ages: 'two' | 'none';
}

/** What it makes of one message. */
export interface Finding {
  /** Uncertainty over which delivery, or which client's mail, belongs to it; in bits. */
  readonly bits: number;
  /** Probability that its best guess is right. */
  readonly success: number;
  /** Mass that is still under way: about 0, else the run was too short for the finding. */
  readonly lost: number;
}

/** Masses of a stretch of targets: those before are found out, those after haven't been sent. */
interface Masses {
  readonly first: number;
  readonly of: Float64Array;
}

/** What an observer's mass is that has all but gone: targets with less left are done. */
const traceOfMass = 1e-7;

/** A sum of x and of x log x, for the entropy of x that add up to any total. */
class Entropies {
  readonly sum: Float64Array;
  readonly #logs: Float64Array;
  constructor(count: number) {
    this.sum = new Float64Array(count);
    this.#logs = new Float64Array(count);
  }
  /** So many things of that mass each. */
  add(target: number, mass: number, things: number): void {
    if (!(mass > 0)) return;
    this.sum[target] = (this.sum[target] as number) + mass * things;
    this.#logs[target] = (this.#logs[target] as number) + mass * things * Math.log2(mass);
  }
  bits(target: number): number {
    const sum = this.sum[target] as number;
    return sum > 0 ? Math.log2(sum) - (this.#logs[target] as number) / sum : 0;
  }
}

interface Arrival {
  readonly at: number;
  readonly packets: number;
  /** By hop on which the packets left. */
  readonly masses: readonly Masses[];
}

interface Shares {
  readonly fresh: number;
  readonly seasoned: number;
}

const packetsOf = (mails: Flush['mails']): number => mails.reduce((sum, { packets }) => sum + packets, 0);
const countOf = ({ fresh, seasoned }: AgeCounts): number => fresh + seasoned;
const share = (part: number, rest: number): number => (part + rest > 0 ? part / (part + rest) : 0);

/** Which part of each age leaves at that flush. */
const leavingShares = ({ stayed, left, mails, deliveries }: Flush, { chance, ages }: Observed): Shares => {
  if (stayed === undefined || left === undefined) {
    const seen = packetsOf(mails) + deliveries.length;
    // Of n packets about n times that chance left, so n is about what left over the chance.
    const count = seen === 0 ? 0 : Math.max(seen, seen / Math.max(0.05, chance(seen + 2, false)));
    return seen === 0 ? { fresh: 0, seasoned: 0 } : { fresh: chance(count, false), seasoned: chance(count, true) };
  }
  if (ages === 'none') {
    const all = share(countOf(left), countOf(stayed));
    return { fresh: all, seasoned: all };
  }
  return { fresh: share(left.fresh, stayed.fresh), seasoned: share(left.seasoned, stayed.seasoned) };
};

/** How many hops the observer keeps apart at a node. */
const hopsApart = (sight: HopSight): number => (sight.kind === 'counting' ? sight.hops : 1);

/**
 * Where messages may have come out: for each target what the observer makes of all deliveries it saw.
 *
 * What leaves the last layer and is not handed over was nobody's message, and takes its part of the suspicion away with it.
 * An observer who shared that out among the deliveries of the same node would suspect them too much, and where little is
 * delivered be wrong for want of a better suspect: at a hundredth of the load the truth would surprise it by 4.8 bits, this
 * one by 2.5.
 */
export const findRecipients = (
  sightings: readonly Sighting[],
  targets: readonly Target[],
  observed: Observed,
): readonly Finding[] => {
  const { sight } = observed;
  const count = targets.length;
  const hops = hopsApart(sight);
  const lastLayer = sight.kind === 'layers' ? Math.max(...sight.layers) : 0;
  const found = new Entropies(count);
  // Mass on what left the last layer and was no message.
  const ruledOut = new Float64Array(count);
  const best = targets.map(() => ({ mass: 0, success: 0 }));
  const byEntry = new Map<EntryMail, number[]>();
  targets.forEach(({ entry }, target) => byEntry.set(entry, [...(byEntry.get(entry) ?? []), target]));
  const order = [...targets.keys()];
  // Targets are in the order of their sending, so those that are under way are a stretch of them.
  let [first, end] = [0, 0];
  const pools = Array.from({ length: observed.nodes }, () =>
    Array.from({ length: hops }, () => ({ fresh: new Float64Array(count), seasoned: new Float64Array(count) })),
  );
  const coming: Arrival[][] = Array.from({ length: observed.nodes }, () => []);

  const arrive = (node: number, at: number): void => {
    const later: Arrival[] = [];
    for (const arrival of coming[node] ?? []) {
      if (arrival.at > at) {
        later.push(arrival);
        continue;
      }
      arrival.masses.forEach(({ first: from, of }, left) => {
        const pool = pools[node]?.[sight.kind === 'counting' ? left + 1 : 0]?.fresh;
        if (pool === undefined) return;
        for (let i = 0; i < of.length; i++)
          pool[from + i] = (pool[from + i] as number) + (of[i] as number) * arrival.packets;
      });
    }
    coming[node] = later;
  };

  const deliver = (flush: Flush, target: number, mass: number): void => {
    const things = flush.deliveries.length;
    found.add(target, mass, things);
    const guess = best[target];
    if (guess !== undefined && mass > guess.mass) {
      guess.mass = mass;
      guess.success = targets[target]?.exit === flush ? 1 / things : 0;
    }
  };
  const massLeft = (target: number): number => 1 - (found.sum[target] as number) - (ruledOut[target] as number);
  /** Whether a message ends at that hop, or layer. */
  const endsAt = (hop: number, layer: number | undefined): boolean =>
    sight.kind === 'layers' ? layer === lastLayer : hop === hops - 1;

  for (const sighting of sightings) {
    if (sighting.kind === 'entry') {
      for (const target of byEntry.get(sighting) ?? []) {
        const pool = pools[sighting.node]?.[0]?.fresh;
        if (pool !== undefined) pool[target] = 1;
        end = Math.max(end, target + 1);
      }
      continue;
    }
    const { node, at, mails, deliveries, left: leaving } = sighting;
    while (first < end && massLeft(first) < traceOfMass) first++;
    arrive(node, at);
    if (end === first) continue;
    const shares = leavingShares(sighting, observed);
    const going = mails.filter(({ closing }) => !closing || sight.kind !== 'layers');
    const forwards = packetsOf(going);
    const size = end - first;
    const layer = sight.kind === 'layers' ? sight.layers[node] : undefined;
    const nobodys =
      layer !== lastLayer ? 0 : leaving === undefined ? packetsOf(mails) : countOf(leaving) - deliveries.length;
    const out = Array.from({ length: hops }, (_, hop): Masses => {
      const handed = sight.kind === 'blind' || endsAt(hop, layer) ? deliveries.length : 0;
      const things = handed + nobodys + (sight.kind === 'blind' || !endsAt(hop, layer) ? forwards : 0);
      const pool = pools[node]?.[hop];
      const each = new Float64Array(size);
      for (let i = 0; pool !== undefined && i < size; i++) {
        const target = first + i;
        const [fresh, seasoned] = [pool.fresh[target] as number, pool.seasoned[target] as number];
        if (fresh === 0 && seasoned === 0) continue;
        pool.fresh[target] = 0;
        // Where nothing left that it can be, it has stayed.
        const left = things === 0 ? 0 : fresh * shares.fresh + seasoned * shares.seasoned;
        pool.seasoned[target] = fresh + seasoned - left;
        each[i] = left / Math.max(1, things);
        if (handed > 0 && left > 0) deliver(sighting, target, left / things);
        if (nobodys > 0) ruledOut[target] = (ruledOut[target] as number) + (left * nobodys) / things;
      }
      return { first, of: each };
    });
    for (const { to, packets, arrivesAt } of going) coming[to]?.push({ at: arrivesAt, packets, masses: out });
  }
  return order.map((target) => ({
    bits: found.bits(target),
    success: best[target]?.success ?? 0,
    lost: massLeft(target),
  }));
};

/** A mail from which packets came: a client's, or one of a flush. */
type Source = EntryMail | FlushedMail;

interface FlushedMail {
  readonly kind: 'flushed';
  readonly at: number;
  readonly packets: number;
  readonly closing: boolean;
  /** The flush that sent it, by its place among the flushes. */
  readonly from: number;
}

/** Where messages may have come from: for each target what the observer makes of all clients' mails it saw. */
export const findSenders = (
  sightings: readonly Sighting[],
  targets: readonly Target[],
  observed: Observed,
): readonly Finding[] => {
  const { sight } = observed;
  const count = targets.length;
  const hops = hopsApart(sight);
  const flushes = sightings.filter((sighting): sighting is Flush => sighting.kind === 'flush');
  const sources: Source[][] = Array.from({ length: observed.nodes }, () => []);
  flushes.forEach(({ mails }, from) => {
    for (const { to, packets, arrivesAt, closing } of mails)
      sources[to]?.push({ kind: 'flushed', at: arrivesAt, packets, closing, from });
  });
  for (const sighting of sightings) if (sighting.kind === 'entry') sources[sighting.node]?.push(sighting);
  for (const list of sources) list.sort((a, b) => a.at - b.at);

  const byExit = new Map<Flush, number[]>();
  targets.forEach(({ exit }, target) => byExit.set(exit, [...(byExit.get(exit) ?? []), target]));
  const found = new Entropies(count);
  const best = targets.map(() => ({ mass: 0, success: 0 }));
  // Mass on what left in a flush; made when something that left in it is suspected.
  const needed: (Float64Array[] | undefined)[] = [];
  // Arrays that are done with: a long run would else make one for each of its flushes.
  const spare: Float64Array[][] = [];
  const empty = (): Float64Array[] => spare.pop() ?? Array.from({ length: hops }, () => new Float64Array(count));
  const pools = Array.from({ length: observed.nodes }, () =>
    Array.from({ length: hops }, () => new Float64Array(count)),
  );
  // Where a node's flush before this one is, so that what came in between is known.
  const flushesOf: number[][] = Array.from({ length: observed.nodes }, () => []);
  flushes.forEach(({ node }, place) => flushesOf[node]?.push(place));
  // Going back in time, those whose delivery has been seen are the last of them: roughly, so all from the lowest on.
  let [low, high] = [count, count];

  for (let place = flushes.length - 1; place >= 0; place--) {
    const flush = flushes[place] as Flush;
    const { node, at } = flush;
    const own = flushesOf[node] ?? [];
    own.pop();
    const before = own.length === 0 ? -Infinity : (flushes[own[own.length - 1] as number] as Flush).at;
    const need = needed[place] ?? empty();
    needed[place] = undefined;
    for (const target of byExit.get(flush) ?? []) {
      const masses = need[sight.kind === 'counting' ? hops - 1 : 0];
      if (masses !== undefined) masses[target] = (masses[target] as number) + 1;
      low = Math.min(low, target);
    }
    while (low < high && (found.sum[high - 1] as number) > 1 - traceOfMass) high--;
    const shares = freshShares(flush, observed);
    const list = sources[node] ?? [];
    const came: Source[] = [];
    while (list.length > 0 && (list[list.length - 1] as Source).at > at) list.pop();
    while (list.length > 0 && (list[list.length - 1] as Source).at > before) came.push(list.pop() as Source);
    const layer = sight.kind === 'layers' ? sight.layers[node] : undefined;
    for (let hop = 0; hop < hops; hop++) {
      const isFirst = sight.kind === 'layers' ? layer === 1 : sight.kind === 'counting' && hop === 0;
      const able = came.filter((one) =>
        sight.kind === 'blind' ? true : isFirst ? one.kind === 'entry' : one.kind === 'flushed' && !one.closing,
      );
      const packets = able.reduce((sum, one) => sum + one.packets, 0);
      const masses = need[hop] as Float64Array;
      const pool = pools[node]?.[hop] as Float64Array;
      const fresh = new Float64Array(high - low);
      let any = false;
      for (let target = low; target < high; target++) {
        const [left, stayed] = [masses[target] as number, pool[target] as number];
        if (left === 0 && stayed === 0) continue;
        // With nothing to have come from it has waited longer.
        const share = packets === 0 ? 0 : left * shares.left + stayed * shares.stayed;
        pool[target] = left + stayed - share;
        if (share > 0) {
          fresh[target - low] = share / packets;
          any = true;
        }
      }
      if (!any) continue;
      for (const source of able) {
        const held = source.packets;
        if (source.kind === 'flushed') {
          const earlier = (needed[source.from] ??= empty());
          const sum = earlier[sight.kind === 'counting' ? hop - 1 : 0] as Float64Array;
          for (let i = 0; i < fresh.length; i++)
            if (fresh[i] !== 0) sum[low + i] = (sum[low + i] as number) + (fresh[i] as number) * held;
          continue;
        }
        for (let i = 0; i < fresh.length; i++) {
          const mass = (fresh[i] as number) * held;
          if (mass === 0) continue;
          const target = low + i;
          found.add(target, mass, 1);
          const guess = best[target];
          if (guess !== undefined && mass > guess.mass) {
            guess.mass = mass;
            guess.success = targets[target]?.entry === source ? 1 : 0;
          }
        }
      }
    }
    for (const masses of need) masses.fill(0);
    spare.push(need);
  }
  return targets.map((_, target) => ({
    bits: found.bits(target),
    success: best[target]?.success ?? 0,
    lost: 1 - (found.sum[target] as number),
  }));
};

/** Of what left a flush, and of what stayed behind, the part that had come since the flush before. */
const freshShares = (flush: Flush, { chance, ages }: Observed): { readonly left: number; readonly stayed: number } => {
  const { left, stayed } = flush;
  if (left !== undefined && stayed !== undefined && ages === 'two')
    return { left: share(left.fresh, left.seasoned), stayed: share(stayed.fresh, stayed.seasoned) };
  if (left !== undefined && stayed !== undefined) {
    const all = share(left.fresh + stayed.fresh, left.seasoned + stayed.seasoned);
    return { left: all, stayed: all };
  }
  // In a steady flow: a packet stays with probability 1 - p at its first flush, and leaves with q at each later one.
  const size = 100;
  const [first, later] = [chance(size, false), chance(size, true)];
  const seasoned = (1 - first) / Math.max(0.01, later);
  return {
    left: share(first, seasoned * later),
    stayed: share(1 - first, seasoned * (1 - later)),
  };
};
