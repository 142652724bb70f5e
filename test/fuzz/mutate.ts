import { concat } from '../../src/base/bytes.js';
import type { Dice } from './dice.js';

/** What a mutation has to hand beside the input it changes. */
export interface Material {
  /** Valid inputs, to splice with. At least one. */
  readonly samples: readonly Uint8Array[];
  /** Words of the format. At least one. */
  readonly tokens: readonly Uint8Array[];
  /** No result is longer. */
  readonly longestBytes: number;
}

type Mutation = (input: Uint8Array, dice: Dice, material: Material) => Uint8Array;

/** Values at which decoders go wrong, as one, two and four bytes. */
const edgeBytes = [0, 1, 9, 10, 13, 32, 46, 58, 127, 128, 191, 192, 223, 224, 254, 255];
const edgeWords = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x1_0000, 0x7fff_ffff, 0x8000_0000];
const edgeNumbers = [
  '0',
  '-1',
  '1',
  '00',
  '65536',
  '2147483648',
  '4294967296',
  '9007199254740993',
  '1e9',
  '0x10',
  '9'.repeat(30),
];
/** Of which long runs make slow regular expressions show. */
const runBytes = Array.from(' \t\n\r\0a0(<"\\=,;:.-/[{%+@\xff', (character) => character.charCodeAt(0));

/** Heads and ends of inputs are looked at more than their middles. */
const placeIn = (length: number, dice: Dice): number => {
  if (length === 0) return 0;
  if (dice.once(3)) return dice.below(Math.min(length, 256));
  return dice.once(8) ? length - 1 - dice.below(Math.min(length, 128)) : dice.below(length);
};

/** From few to many, small ones more often. */
const sizeUpTo = (most: number, dice: Dice): number => 1 + dice.below(Math.max(1, Math.min(most, 2 ** dice.below(13))));

const withAt = (input: Uint8Array, at: number, bytes: ArrayLike<number>): Uint8Array => {
  const out = input.slice();
  for (let i = 0; i < bytes.length && at + i < out.length; i++) out[at + i] = bytes[i] ?? 0;
  return out;
};

const spliced = (input: Uint8Array, at: number, removed: number, bytes: Uint8Array): Uint8Array =>
  concat(input.subarray(0, at), bytes, input.subarray(Math.min(input.length, at + removed)));

const bigEndian = (value: number, octets: number): number[] =>
  Array.from({ length: octets }, (_, i) => Math.floor(value / 256 ** (octets - 1 - i)) & 255);

const randomBytes = (count: number, dice: Dice): Uint8Array => new Uint8Array(count).map(() => dice.below(256));

const flipBit: Mutation = (input, dice) => {
  const at = placeIn(input.length, dice);
  return withAt(input, at, [(input[at] ?? 0) ^ (1 << dice.below(8))]);
};

const setByte: Mutation = (input, dice) =>
  withAt(input, placeIn(input.length, dice), [dice.once(2) ? dice.of(edgeBytes) : dice.below(256)]);

const addToByte: Mutation = (input, dice) => {
  const at = placeIn(input.length, dice);
  return withAt(input, at, [((input[at] ?? 0) + dice.below(33) - 16) & 255]);
};

/** Where a length may stand: an edge value, or what is left of the input, or nearly. */
const setLength: Mutation = (input, dice) => {
  const octets = dice.of([2, 4]);
  const at = placeIn(input.length, dice);
  const left = Math.max(0, input.length - at - octets + dice.below(5) - 2);
  return withAt(input, at, bigEndian(dice.once(2) ? left : dice.of(edgeWords), octets));
};

const truncate: Mutation = (input, dice) => input.slice(0, placeIn(input.length, dice));

const remove: Mutation = (input, dice) =>
  spliced(input, placeIn(input.length, dice), sizeUpTo(input.length, dice), new Uint8Array());

const duplicate: Mutation = (input, dice) => {
  const from = placeIn(input.length, dice);
  return spliced(input, placeIn(input.length, dice), 0, input.slice(from, from + sizeUpTo(input.length, dice)));
};

const insertToken: Mutation = (input, dice, { tokens }) =>
  spliced(input, placeIn(input.length, dice), 0, dice.of(tokens));

const setToken: Mutation = (input, dice, { tokens }) => {
  const token = dice.of(tokens);
  return spliced(input, placeIn(input.length, dice), token.length, token);
};

const insertNoise: Mutation = (input, dice) =>
  spliced(input, placeIn(input.length, dice), 0, randomBytes(sizeUpTo(64, dice), dice));

const lengthOfRun = (dice: Dice, longestBytes: number): number =>
  dice.once(64) ? longestBytes : sizeUpTo(Math.min(longestBytes, 4096), dice);

const insertRun: Mutation = (input, dice, { longestBytes }) =>
  spliced(
    input,
    placeIn(input.length, dice),
    0,
    new Uint8Array(lengthOfRun(dice, longestBytes)).fill(dice.of(runBytes)),
  );

/** A short piece over and over, such as `<<<` or `a,a,a`. */
const repeat: Mutation = (input, dice, { longestBytes }) => {
  const at = placeIn(input.length, dice);
  const piece = input.slice(at, at + 1 + dice.below(16));
  if (piece.length === 0) return input;
  const run = new Uint8Array(lengthOfRun(dice, longestBytes)).map((_, i) => piece[i % piece.length] ?? 0);
  return spliced(input, at, 0, run);
};

/** The head of this one and the end of another. */
const splice: Mutation = (input, dice, { samples }) => {
  const other = dice.of(samples);
  const at = placeIn(input.length, dice);
  return concat(input.subarray(0, at), other.subarray(dice.once(2) ? at : placeIn(other.length, dice)));
};

const linesOf = (input: Uint8Array): Uint8Array[] => {
  const lines: Uint8Array[] = [];
  for (let at = 0; at < input.length;) {
    const end = input.indexOf(10, at);
    const next = end < 0 ? input.length : end + 1;
    lines.push(input.subarray(at, next));
    at = next;
  }
  return lines;
};

/** A line away, twice, or in another place; one of another sample in between. */
const moveLine: Mutation = (input, dice, { samples }) => {
  const lines = linesOf(input);
  if (lines.length < 2) return input;
  const [line] = dice.once(4) ? [dice.of([...linesOf(dice.of(samples)), input])] : [dice.of(lines)];
  if (dice.once(2)) lines.splice(dice.below(lines.length), 1);
  if (dice.once(2)) lines.splice(dice.below(lines.length + 1), 0, line);
  return concat(...lines);
};

/** A number in decimal digits becomes another one. */
const setNumber: Mutation = (input, dice) => {
  const start = placeIn(input.length, dice);
  const isDigit = (byte = 0): boolean => byte >= 48 && byte <= 57;
  let at = start;
  while (at < input.length && !isDigit(input[at])) at++;
  let end = at;
  while (end < input.length && isDigit(input[end])) end++;
  const text = dice.once(2) ? dice.of(edgeNumbers) : `${dice.below(2 ** dice.below(32))}`;
  return spliced(
    input,
    at,
    end - at,
    Uint8Array.from(text, (character) => character.charCodeAt(0)),
  );
};

const otherCase: Mutation = (input, dice) => {
  const at = placeIn(input.length, dice);
  return withAt(input, at, [(input[at] ?? 0) ^ 32]);
};

const mutations: readonly Mutation[] = [
  ...[flipBit, setByte, addToByte, setLength, truncate, remove, duplicate],
  ...[insertToken, insertToken, setToken, setToken, insertNoise, insertRun, repeat],
  ...[splice, moveLine, setNumber, otherCase],
];

/** One time in this many an input is nothing but random bytes. */
const noiseOnceIn = 64;

/** The input changed in one to some places: a view into nothing that was there before. */
export const mutated = (input: Uint8Array, dice: Dice, material: Material): Uint8Array => {
  if (dice.once(noiseOnceIn)) return randomBytes(dice.below(Math.min(material.longestBytes, 4096) + 1), dice);
  let out = input;
  do out = dice.of(mutations)(out, dice, material).subarray(0, material.longestBytes);
  while (dice.once(2));
  return out.slice();
};
