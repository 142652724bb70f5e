import { concat } from '../base/bytes.js';
import { Bug } from '../base/errors.js';
import { geometry } from '../sphinx/geometry.js';
import { shuffled, type Rng } from '../base/random.js';

const { packetBytes, version } = geometry;

/**
 * How many packets a mail can hold. Few classes, so that neither count nor size of a mail tells how much it carries;
 * 64 packets are 2.9 MB as base64, far below what the strictest providers take.
 */
export const bundleClasses = [1, 4, 16, 64] as const;
export type BundleClass = (typeof bundleClasses)[number];

const largestClass = 64;

/** The smallest class that holds `count` packets, 1 to 64. */
export const bundleClassFor = (count: number): BundleClass => {
  const found = bundleClasses.find((size) => size >= count);
  if (found === undefined || !Number.isInteger(count) || count < 1) throw new Bug('a bundle holds 1 to 64 packets');
  return found;
};

/**
 * The classes of the mails that carry `count` packets (0 or more): the fewest mails, and among those the least filling,
 * because mails a day are what an account has too few of.
 */
export const planBundles = (count: number): readonly BundleClass[] => {
  if (!Number.isInteger(count) || count < 0) throw new Bug('a count of packets is a whole number');
  const rest = count % largestClass;
  const full = Array.from({ length: (count - rest) / largestClass }, (): BundleClass => largestClass);
  return rest === 0 ? full : [...full, bundleClassFor(rest)];
};

const isPacket = (bytes: Uint8Array): boolean => bytes.length === packetBytes && bytes[0] === version;

/**
 * The bundle that carries these packets: filled to its class with drop packets and shuffled, so that the place in the
 * bundle says nothing.
 *
 *   bundle = packet 32768 x class
 *
 * @param packets 1 to 64, each exactly `packetBytes`
 * @param makeDrop a fresh drop packet, exactly `packetBytes`
 */
export const joinBundle = (packets: readonly Uint8Array[], makeDrop: () => Uint8Array, rng: Rng): Uint8Array => {
  const filling = bundleClassFor(packets.length) - packets.length;
  const all = [...packets, ...Array.from({ length: filling }, makeDrop)];
  if (!all.every(isPacket)) throw new Bug('a bundle is made of packets');
  const [only] = all;
  return all.length === 1 && only !== undefined ? only : concat(...shuffled(rng, all));
};

/**
 * The packets of a bundle, views into its bytes, or undefined if the bytes are none: not a class times `packetBytes` long, or not a packet
 * version at the head of each. The second check is why nobody's private attachment is taken for packets (and removed)
 * only because of its size.
 */
export const splitBundle = (bytes: Uint8Array): readonly Uint8Array[] | undefined => {
  const count = bytes.length / packetBytes;
  if (!bundleClasses.some((size) => size === count)) return undefined;
  const packets = Array.from({ length: count }, (_, i) => bytes.subarray(i * packetBytes, (i + 1) * packetBytes));
  return packets.every(isPacket) ? packets : undefined;
};
