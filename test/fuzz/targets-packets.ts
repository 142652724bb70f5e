import { nodeCrypto } from '../../src/adapters/node-crypto.js';
import { concat, toHex } from '../../src/base/bytes.js';
import { PacketError } from '../../src/base/errors.js';
import { nodeIdOf } from '../../src/base/ids.js';
import { type Rng, seededRng } from '../../src/base/random.js';
import { bundleClasses, splitBundle } from '../../src/carrier/bundle.js';
import { decodeMessage } from '../../src/message/envelope.js';
import { decodeExitPayload } from '../../src/message/fragment.js';
import { decodeReceipt } from '../../src/message/receipt.js';
import { readPiece } from '../../src/message/reply.js';
import { judge } from '../../src/mix/verdict.js';
import { decodeBlock, encodeForward, encodeLast, type LastCommand } from '../../src/sphinx/commands.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { decapsulate, encapsulate, expandKey, type ExpandedKey } from '../../src/sphinx/kem.js';
import { hopKeys } from '../../src/sphinx/keys.js';
import { createMailboxPacket, readMailboxPacket } from '../../src/sphinx/mailbox.js';
import { createPacket, padPayload, unwrapPacket, type Unwrapped } from '../../src/sphinx/packet.js';
import { isPublicKey } from '../../src/sphinx/public-key.js';
import { decryptWide, encryptWide, type WideBlock } from '../../src/sphinx/sprp.js';
import { createSurb, firstHopOf, openSurb, useSurb } from '../../src/sphinx/surb.js';
import { exitPayloads, receipts, replyPieces } from './samples-messages.js';
import { fitted, mustEqual, mustHold, type TargetSpec } from './target.js';

const crypto = nodeCrypto();
const rngOf = (seed: number): Rng => seededRng(new Uint8Array(32).fill(seed));
const { blockBytes, headerBytes, packetBytes, payloadBytes, routingBytes, surbBytes, userPayloadBytes } = geometry;

const nodes = [1, 2, 3].map((i) => {
  const key = expandKey(crypto, new Uint8Array(32).fill(i));
  return { key, hop: { nodeId: nodeIdOf(new Uint8Array(32).fill(i)), publicKey: key.publicKey, delayMs: 1000 * i } };
});
const [first, second] = nodes as [(typeof nodes)[0], (typeof nodes)[0]];
const hopsOf = (count: number): (typeof first.hop)[] => nodes.slice(0, count).map(({ hop }) => hop);

const lastCommands: readonly LastCommand[] = [
  { kind: 'exit' },
  { kind: 'to-mailbox', surbId: new Uint8Array(16).fill(7), address: 'alice@example.org' },
  { kind: 'loop', loopId: new Uint8Array(16).fill(9) },
  { kind: 'drop' },
];
const [exitPayload = new Uint8Array()] = exitPayloads;

/** What a node does with an unwrapped packet, up to where it stores something. */
const dealtWith = (unwrapped: Unwrapped): string => {
  const verdict = judge(unwrapped, { isExit: true, knows: () => true });
  if (verdict.kind === 'drop') return verdict.reason;
  if (verdict.kind === 'forward') {
    mustHold(verdict.packet.length === packetBytes && verdict.packet[0] === 1, 'a packet that goes on is a packet');
    mustHold(Number.isInteger(verdict.delayMs) && verdict.delayMs >= 0, 'a delay is a whole number');
  }
  if (verdict.kind === 'mailbox') {
    const { surbId, payload } = verdict;
    const packet = createMailboxPacket(crypto, { surbId, payload, decoy: second.hop, rng: rngOf(5) });
    mustEqual(readMailboxPacket(packet).payload, payload, 'a reply keeps its payload');
  }
  if (verdict.kind !== 'exit') return verdict.kind;
  const { fragment, count } = decodeExitPayload(verdict.payload);
  return fragment !== undefined && count === 1 ? `exit ${decodeMessage(fragment.data).form}` : 'exit';
};

const packet: TargetSpec = {
  name: 'packet',
  weight: 2,
  make: () => ({
    samples: [1, 2, 3].flatMap((count) =>
      lastCommands.map((last) =>
        createPacket(crypto, { hops: hopsOf(count), last, payload: exitPayload, rng: rngOf(count) }),
      ),
    ),
    tokens: [],
    longestBytes: packetBytes + 64,
    errors: ['PacketError'],
    // Most have the length of a packet: others are refused before anything else.
    run: (input) =>
      dealtWith(unwrapPacket(crypto, first.key, input.length < packetBytes / 2 ? input : fitted(input, packetBytes))),
  }),
};

/**
 * A node whose KEM gives the same secret for any ciphertext, at once: what is fuzzed lies behind it, and it takes most of
 * the time of a packet.
 */
const constant = new Uint8Array(32).fill(3);
const constantKey: ExpandedKey = {
  publicKey: first.key.publicKey,
  mlKem: { publicKey: first.key.mlKem.publicKey, decapsulate: () => constant },
  x25519: { publicKey: first.key.x25519.publicKey, shared: () => constant },
};
const ciphertext = new Uint8Array(geometry.ciphertextBytes).fill(4);
const keys = hopKeys(crypto, decapsulate(crypto, constantKey, ciphertext) ?? constant);

/** A packet whose MAC fits, with any routing block and payload in it, as a malicious sender makes one. */
const maliciousPacket = (opened: Uint8Array, payload: WideBlock): Uint8Array => {
  const routing = crypto.stream(keys.routing, opened);
  const mac = crypto.hmac(keys.headerMac, Uint8Array.of(geometry.version), ciphertext, routing);
  return concat(Uint8Array.of(geometry.version), ciphertext, mac, routing, ...payload);
};

const forwardBlock = encodeForward({
  delayMs: 1000,
  nextHop: second.hop.nodeId,
  mac: new Uint8Array(32).fill(1),
  ciphertext: new Uint8Array(geometry.ciphertextBytes).fill(2),
});
const blocks = [forwardBlock, ...lastCommands.map(encodeLast)];

/** Input: how the payload is meant 1 (even: as the hop is to read it; odd: as it is sent) | routing block 1189 | payload. */
const maliciousPackets: TargetSpec = {
  name: 'malicious-packet',
  weight: 2,
  make: () => ({
    samples: [
      ...blocks.map((block) => concat(Uint8Array.of(0), block)),
      ...exitPayloads.map((payload) => concat(Uint8Array.of(0), encodeLast({ kind: 'exit' }), payload)),
    ],
    tokens: ['\x01', '\x02', '\x03', '\x04', '\x05', 'alice@example.org', '@', '\xfe'],
    longestBytes: 1 + blockBytes + payloadBytes,
    errors: ['PacketError'],
    run: (input) => {
      const opened = fitted(fitted(input, blockBytes, 1), routingBytes);
      const given = input.subarray(1 + blockBytes);
      const isSent = (input[0] ?? 0) % 2 === 1;
      const payload: WideBlock = isSent
        ? [fitted(given, geometry.integrityBytes), fitted(given, userPayloadBytes, geometry.integrityBytes)]
        : encryptWide(crypto, keys.payload, padPayload(fitted(given, userPayloadBytes)));
      return dealtWith(unwrapPacket(crypto, constantKey, maliciousPacket(opened, payload)));
    },
  }),
};

const routingBlock: TargetSpec = {
  name: 'routing-block',
  weight: 110,
  make: () => ({
    samples: blocks,
    tokens: ['\x01', '\x02', '\x03', '\x04', '\x05', 'alice@example.org', '@', '\xfe'],
    longestBytes: blockBytes,
    errors: ['PacketError'],
    run: (input) => {
      const block = fitted(input, blockBytes);
      const command = decodeBlock(block);
      const again = command.kind === 'forward' ? encodeForward(command) : encodeLast(command);
      mustEqual(again, block, 'one command has one encoding');
      return command.kind;
    },
  }),
};

const surb = createSurb(crypto, {
  hops: hopsOf(2),
  surbId: new Uint8Array(16).fill(4),
  address: 'alice@example.org',
  rng: rngOf(8),
});
/** What the last hop delivers when that content was written into the reply block. */
const delivered = (content: Uint8Array): Uint8Array => {
  let block = encryptWide(crypto, surb.opener.subarray(0, 32), padPayload(content));
  for (let hop = 1; hop <= 2; hop++) block = decryptWide(crypto, surb.opener.subarray(32 * hop, 32 * (hop + 1)), block);
  return concat(...block);
};

/** The first that doesn't refuse it says what it is. */
const contentLabel = (content: Uint8Array): string => {
  try {
    return `receipt ${decodeReceipt(content).kind}`;
  } catch (error) {
    if (!(error instanceof PacketError)) throw error;
    return readPiece(content).count > 1 ? 'one piece of several' : 'a piece';
  }
};

/** Input: 0 | what is written into a reply block; 1 | a packet in a mailbox; 2 | a reply block, to be used. */
const replyBlock: TargetSpec = {
  name: 'reply-block',
  weight: 2,
  make: () => ({
    samples: [
      ...[...receipts, ...replyPieces].map((content) => concat(Uint8Array.of(0), content)),
      concat(
        Uint8Array.of(1),
        new Uint8Array([1]),
        new Uint8Array(headerBytes - 1),
        delivered(receipts[0] ?? new Uint8Array()),
      ),
      concat(Uint8Array.of(2), surb.surb),
    ],
    tokens: ['\x01', '\x02'],
    longestBytes: packetBytes + 2,
    errors: ['PacketError'],
    run: (input) => {
      const rest = input.subarray(1);
      switch ((input[0] ?? 0) % 3) {
        case 0:
          return contentLabel(openSurb(crypto, surb.opener, delivered(rest.subarray(0, userPayloadBytes))));
        case 1:
          return contentLabel(openSurb(crypto, surb.opener, readMailboxPacket(rest).payload));
        default: {
          const block = fitted(rest, rest.length > surbBytes ? rest.length : surbBytes);
          mustHold(
            (firstHopOf(block) === undefined) === (block.length !== surbBytes || block[32] !== 1),
            'firstHopOf says what a reply block is',
          );
          const made = useSurb(crypto, block, new Uint8Array(100));
          mustHold(
            made.packet.length === packetBytes && made.firstHop === toHex(block.subarray(0, 32)),
            'a reply is a packet',
          );
          return 'a reply';
        }
      }
    },
  }),
};

const publicKey: TargetSpec = {
  name: 'public-key',
  weight: 6,
  make: () => ({
    samples: nodes.map(({ hop }) => hop.publicKey),
    tokens: ['\xed\xff\xff\xff', '\xff\x7f', '\x00\x0d', '\x01\xd0', '\0'.repeat(32)],
    longestBytes: geometry.publicKeyBytes,
    errors: [],
    run: (input) => {
      if (!isPublicKey(input)) return 'no key';
      mustHold(
        encapsulate(crypto, input, new Uint8Array(64).fill(1)) !== undefined,
        'a key that was let in can be used',
      );
      return 'key';
    },
  }),
};

const bundle: TargetSpec = {
  name: 'bundle',
  weight: 2,
  make: () => {
    const one = new Uint8Array(packetBytes).fill(1, 0, 1);
    return {
      samples: [one, concat(one, one, one, one)],
      tokens: ['\x01'],
      longestBytes: 4 * packetBytes,
      errors: [],
      run: (input) => {
        // The bytes of a bundle of 1 or 4 packets come by length only: their middles are nobody's business here.
        const whole =
          input.length > packetBytes / 2 ? fitted(input, Math.ceil(input.length / packetBytes) * packetBytes) : input;
        const packets = splitBundle(whole);
        if (packets === undefined) return 'no bundle';
        mustHold(
          bundleClasses.some((size) => size === packets.length),
          'a bundle has a class',
        );
        mustEqual(concat(...packets), whole, 'a bundle is its packets');
        return `${packets.length} packets`;
      },
    };
  },
};

export const packetTargets: readonly TargetSpec[] = [
  packet,
  maliciousPackets,
  routingBlock,
  replyBlock,
  publicKey,
  bundle,
];
