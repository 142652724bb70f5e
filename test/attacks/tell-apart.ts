import { Field, FpIsSquare } from '@noble/curves/abstract/modular.js';
import { deflateRawSync } from 'node:zlib';
import type { Unwrapped } from '../../src/sphinx/packet.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { chiSquareTail, normalTail, sameDistribution, sameShares } from './statistics.js';

// What tries to tell packets of two kinds apart by all that somebody sees of them.

/** A part of what is seen of each packet, as symbols 0 to `alphabet` - 1. */
export interface Strip {
  readonly name: string;
  readonly alphabet: number;
  readonly symbols: Uint8Array | Uint16Array;
}

/** What one hop or observer sees of one packet. */
export interface Sight {
  readonly strips: readonly Strip[];
  /** Everything else, by name: lengths, times, next hop. */
  readonly facts: Readonly<Record<string, string | number>>;
}

/** A difference that equals show less often than the false alarms allowed. */
export interface Finding {
  /** Which test saw it. */
  readonly test: string;
  /** Where it is: a strip or a fact. */
  readonly where: string;
  /** How often equals look as different or more, in this test alone. */
  readonly chance: number;
}

const { at, blockBytes, packetBytes } = geometry;
const bytesOf = (name: string, symbols: Uint8Array): Strip => ({ name, alphabet: 256, symbols });

/** Numbers of that many bits, the lowest first, as ML-KEM packs them (FIPS 203, ByteDecode). */
const unpacked = (bytes: Uint8Array, bits: number): Uint16Array => {
  const numbers = new Uint16Array((bytes.length * 8) / bits);
  let [held, buffer, read] = [0, 0, 0];
  for (let i = 0; i < numbers.length; i++) {
    for (; held < bits; held += 8) buffer |= (bytes[read++] ?? 0) << held;
    numbers[i] = buffer & ((1 << bits) - 1);
    buffer >>>= bits;
    held -= bits;
  }
  return numbers;
};

const field = Field(2n ** 255n - 19n);
const curveA = 486_662n;

/** Which side an X25519 key is of: on curve25519 as every honest one, or on its twist as every second random one. */
const sideOf = (share: Uint8Array): string => {
  let u = 0n;
  for (const byte of share.toReversed()) u = (u << 8n) | BigInt(byte);
  u = field.create(u & (2n ** 255n - 1n));
  return FpIsSquare(field, field.mul(u, field.create(field.sqr(u) + curveA * u + 1n))) ? 'curve' : 'twist';
};

const xor = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const out = new Uint8Array(Math.min(a.length, b.length));
  for (let i = 0; i < out.length; i++) out[i] = (a[i] as number) ^ (b[i] as number);
  return out;
};

/** ML-KEM-768's ciphertext: 3 x 256 numbers of 10 bits, 256 of 4; then X25519's share. */
const vAt = at.ciphertext + 960;
const shareAt = vAt + 128;

const stripsOf = (name: string, packet: Uint8Array): readonly Strip[] => [
  { name: `${name}: ML-KEM u`, alphabet: 1024, symbols: unpacked(packet.subarray(at.ciphertext, vAt), 10) },
  { name: `${name}: ML-KEM v`, alphabet: 16, symbols: unpacked(packet.subarray(vAt, shareAt), 4) },
  bytesOf(`${name}: X25519`, packet.subarray(shareAt, at.mac)),
  bytesOf(`${name}: MAC`, packet.subarray(at.mac, at.routing)),
  bytesOf(`${name}: routing`, packet.subarray(at.routing, at.payload)),
  bytesOf(`${name}: payload`, packet.subarray(at.payload)),
];

/** All that can be seen of a packet in a mail. */
export const packetSight = (packet: Uint8Array): Sight => ({
  strips: stripsOf('in', packet),
  facts: {
    length: packet.length,
    version: packet[0] ?? -1,
    'side of the X25519 share': sideOf(packet.subarray(shareAt, at.mac)),
    'deflated length': deflateRawSync(packet, { level: 1 }).length,
  },
});

/** What a hop that sends a packet on sees of it: it as it comes and as it goes, and how the two differ. */
export const hopSight = (before: Uint8Array, step: Unwrapped): Sight => {
  if (step.kind !== 'forward') throw new Error(`a ${step.kind} where a hop sends on`);
  const { packet: after, delayMs, nextHop } = step;
  const { strips, facts } = packetSight(before);
  const routing = before.subarray(at.routing, at.payload);
  const nextRouting = after.subarray(at.routing, at.payload);
  return {
    strips: [
      ...strips,
      ...stripsOf('out', after),
      bytesOf('in ^ out: routing', xor(routing, nextRouting)),
      // A hop takes a block off the front: what is left, where it was before and where it is now.
      bytesOf('in ^ out: routing, a block on', xor(routing.subarray(blockBytes), nextRouting)),
      bytesOf('in ^ out: payload', xor(before.subarray(at.payload), after.subarray(at.payload))),
    ],
    facts: { ...facts, 'length out': after.length, 'version out': after[0] ?? -1, delayMs, nextHop },
  };
};

/** What a last hop sees behind its own routing block: it tells nothing of the path before, nor of its length. */
export const restSight = (rest: Uint8Array): Sight => ({
  strips: [bytesOf('rest', rest)],
  facts: { length: rest.length },
});

/** What is counted of one strip over many packets. */
interface Counted {
  readonly packets: number;
  /** How often each symbol is there. */
  readonly shares: Float64Array;
  /** Sums, place by place, of the distance from the middle of the alphabet: itself, its square, its fourth power. */
  readonly powers: Readonly<Record<1 | 2 | 4, Float64Array>>;
}

const middleOf = ({ alphabet }: Strip): number => (alphabet - 1) / 2;

const count = (strips: readonly Strip[]): Counted => {
  const [first] = strips;
  if (first === undefined) throw new Error('nothing to count');
  const middle = middleOf(first);
  // A strip that is shorter in one packet is a fact about its length, and found there.
  const places = Math.min(...strips.map(({ symbols }) => symbols.length));
  const shares = new Float64Array(first.alphabet);
  const powers = { 1: new Float64Array(places), 2: new Float64Array(places), 4: new Float64Array(places) };
  for (const { symbols } of strips)
    for (let i = 0; i < places; i++) {
      const symbol = symbols[i] as number;
      const off = symbol - middle;
      const square = off * off;
      (shares[symbol] as number)++;
      (powers[1][i] as number) += off;
      (powers[2][i] as number) += square;
      (powers[4][i] as number) += square * square;
    }
  return { packets: strips.length, shares, powers };
};

const bitsIn = Uint8Array.from({ length: 1024 }, (_, symbol) => symbol.toString(2).replaceAll('0', '').length);

const sumOf = (a: Float64Array, b: Float64Array): Float64Array =>
  a.slice(0, b.length).map((one, i) => one + (b[i] as number));

const both = (a: Counted, b: Counted): Counted => ({
  packets: a.packets + b.packets,
  shares: sumOf(a.shares, b.shares),
  powers: {
    1: sumOf(a.powers[1], b.powers[1]),
    2: sumOf(a.powers[2], b.powers[2]),
    4: sumOf(a.powers[4], b.powers[4]),
  },
});

/** What each packet has by itself: bits set, neighbors that are equal, its longest run of one symbol. */
const ownFigures = ({ symbols, alphabet }: Strip): Readonly<Record<'bits' | 'pairs' | 'runs', number>> => {
  let [bits, pairs, run, runs] = [0, 0, 0, 0];
  let last = alphabet;
  for (let i = 0; i < symbols.length; i++) {
    const symbol = symbols[i] as number;
    bits += bitsIn[symbol] as number;
    run = symbol === last ? run + 1 : 0;
    if (run > 0) pairs++;
    if (run > runs) runs = run;
    last = symbol;
  }
  return { bits, pairs, runs };
};
const figures = ['bits', 'pairs', 'runs'] as const;

interface StudiedStrip {
  readonly all: Counted;
  /** The packets a classifier learns from, and those it is tried on. */
  readonly learned: Counted;
  readonly tried: readonly Strip[];
  readonly own: Readonly<Record<(typeof figures)[number], readonly number[]>>;
}

type Fact = string | number;

/** Packets of one kind, ready to be compared. */
export interface Studied {
  readonly strips: ReadonlyMap<string, StudiedStrip>;
  readonly facts: ReadonlyMap<string, readonly Fact[]>;
}

/** @param sights all of one kind, seen from one place */
export const study = (sights: readonly Sight[]): Studied => {
  const half = sights.length >> 1;
  const strips = (sights[0]?.strips ?? []).map(({ name }, i): [string, StudiedStrip] => {
    const all = sights.map((sight) => sight.strips[i] as Strip);
    const own = all.map(ownFigures);
    const learned = count(all.slice(0, half));
    return [
      name,
      {
        all: both(learned, count(all.slice(half))),
        learned,
        tried: all.slice(half),
        own: {
          bits: own.map(({ bits }) => bits),
          pairs: own.map(({ pairs }) => pairs),
          runs: own.map(({ runs }) => runs),
        },
      },
    ];
  });
  const facts = Object.keys(sights[0]?.facts ?? {}).map((name): [string, readonly Fact[]] => [
    name,
    sights.map((sight) => sight.facts[name] ?? ''),
  ]);
  return { strips: new Map(strips), facts: new Map(facts) };
};

const sameFacts = (a: readonly Fact[], b: readonly Fact[]): number => {
  const values = [...new Set([...a, ...b])];
  // What never varies in one kind and does in the other, or is another thing there, needs no statistics.
  if (values.length > 1 && [a, b].some((all) => new Set(all).size === 1)) return 0;
  const countsOf = (all: readonly Fact[]): number[] => values.map((value) => all.filter((one) => one === value).length);
  return sameShares(countsOf(a), countsOf(b));
};

/** Chance that no place of the strip differs more in the mean of that power; times the number of places. */
const samePlaces = (a: Counted, b: Counted, power: 1 | 2): number => {
  const twice = power === 1 ? 2 : 4;
  const places = Math.min(a.powers[1].length, b.powers[1].length);
  const at = ({ powers, packets }: Counted, i: number): readonly [number, number] => {
    const mean = (powers[power][i] as number) / packets;
    return [mean, ((powers[twice][i] as number) / packets - mean * mean) / packets];
  };
  let most = 0;
  for (let i = 0; i < places; i++) {
    const [[meanA, errorA], [meanB, errorB]] = [at(a, i), at(b, i)];
    if (meanA !== meanB) most = Math.max(most, (meanA - meanB) ** 2 / (errorA + errorB));
  }
  // The variances are estimated from the same packets: Student's distribution, brought to the normal one (Wallace 1959).
  const degrees = a.packets + b.packets - 2;
  return Math.min(1, places * chiSquareTail(degrees * Math.log1p(most / degrees), 1));
};

/** For each packet above 0 if it looks like one of the first kind; by what symbols it has (naive Bayes). */
const bayes = ({ shares: a }: Counted, { shares: b }: Counted): ((strip: Strip) => number) => {
  const sum = (shares: Float64Array): number => shares.reduce((all, one) => all + one + 1, 0);
  const shift = Math.log(sum(b) / sum(a));
  const weights = a.map((inA, symbol) => Math.log((inA + 1) / ((b[symbol] as number) + 1)) + shift);
  return ({ symbols }) => {
    let score = 0;
    // Not `for of`, which takes several times as long over typed arrays.
    for (let i = 0; i < symbols.length; i++) score += weights[symbols[i] as number] as number;
    return score;
  };
};

/** The same by what symbol is where (the nearer of the two centers). */
const centers = (a: Counted, b: Counted): ((strip: Strip) => number) => {
  const places = Math.min(a.powers[1].length, b.powers[1].length);
  const meansOf = ({ powers, packets }: Counted): Float64Array => powers[1].map((sum) => sum / packets);
  const [meansA, meansB] = [meansOf(a), meansOf(b)];
  const apart = meansA.slice(0, places).map((inA, i) => inA - (meansB[i] as number));
  const between = apart.reduce((sum, by, i) => sum + by * ((meansA[i] as number) - by / 2), 0);
  return (strip) => {
    const middle = middleOf(strip);
    let score = -between;
    for (let i = 0; i < places; i++) score += ((strip.symbols[i] as number) - middle) * (apart[i] as number);
    return score;
  };
};

/** Chance that a coin is right as often about packets that are half of one kind, half of the other. */
const byCoin = (scoresA: readonly number[], scoresB: readonly number[]): number => {
  const right = scoresA.filter((score) => score > 0).length + scoresB.filter((score) => score <= 0).length;
  const tried = scoresA.length + scoresB.length;
  const deviations = (right - tried / 2) / Math.sqrt(tried / 4);
  return deviations <= 0 ? 1 : normalTail(deviations) / 2;
};

const compare = (a: Studied, b: Studied): readonly Finding[] => {
  const found: Finding[] = [];
  for (const [name, facts] of a.facts)
    found.push({ test: 'fact', where: name, chance: sameFacts(facts, b.facts.get(name) ?? []) });
  const sums: [number[], number[]] = [[], []];
  for (const [where, inA] of a.strips) {
    const inB = b.strips.get(where);
    if (inB === undefined) throw new Error(`nothing to compare ${where} with`);
    const saw = (test: string, chance: number): void => void found.push({ test, where, chance });
    saw('symbols', sameShares(inA.all.shares, inB.all.shares));
    saw('mean at a place', samePlaces(inA.all, inB.all, 1));
    saw('spread at a place', samePlaces(inA.all, inB.all, 2));
    for (const figure of figures) saw(figure, sameDistribution(inA.own[figure], inB.own[figure]));
    for (const [test, learn] of Object.entries({ bayes, centers })) {
      const scoreOf = learn(inA.learned, inB.learned);
      const scores = [inA, inB].map(({ tried }) => tried.map(scoreOf)) as [number[], number[]];
      saw(test, byCoin(...scores));
      if (test === 'bayes')
        scores.forEach((list, kind) =>
          list.forEach((score, i) => (sums[kind as 0 | 1][i] = (sums[kind as 0 | 1][i] ?? 0) + score)),
        );
    }
  }
  return [...found, { test: 'bayes', where: 'all strips', chance: byCoin(...sums) }];
};

/**
 * By what the two can be told apart; nothing, if that fails.
 *
 * @param falseAlarms how often, at most, packets of one kind may be found different from each other: the chance of each
 * test is held against this divided by the number of tests (Bonferroni)
 */
export const tellApart = (a: Studied, b: Studied, falseAlarms: number): readonly Finding[] => {
  const found = compare(a, b);
  return found.filter(({ chance }) => chance < falseAlarms / found.length);
};

const gridBytes = 256;
const sampleBytes = 8;

/**
 * How many samples of 8 bytes, one at the beginning of each part and one every 256 bytes, are in more than one place of
 * these packets. By chance none: in 5000 packets they meet in one case of fifty million.
 */
export const repeats = (packets: readonly Uint8Array[]): number => {
  const seen = new Set<bigint>();
  let samples = 0;
  const starts = [at.ciphertext, shareAt, at.mac, at.routing, at.payload, packetBytes];
  for (const packet of packets) {
    const view = new DataView(packet.buffer, packet.byteOffset, packet.length);
    for (const [i, start] of starts.slice(0, -1).entries()) {
      const end = Math.min(starts[i + 1] ?? 0, packet.length);
      for (let place = start; place + sampleBytes <= end; place += gridBytes) {
        seen.add(view.getBigUint64(place));
        samples++;
      }
    }
  }
  return samples - seen.size;
};
