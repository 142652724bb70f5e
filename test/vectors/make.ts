import { concat, toHex } from '../../src/base/bytes.js';
import { Bug } from '../../src/base/errors.js';
import { nodeIdOf } from '../../src/base/ids.js';
import { seededRng, type Rng } from '../../src/base/random.js';
import { encodeForward, encodeLast, type LastCommand } from '../../src/sphinx/commands.js';
import type { SphinxCrypto } from '../../src/sphinx/crypto.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { createHeader, type Hop } from '../../src/sphinx/header.js';
import { decapsulate, expandKey, type ExpandedKey } from '../../src/sphinx/kem.js';
import { hopKeys } from '../../src/sphinx/keys.js';
import { createDrop, createPacket, unwrapPacket, type Unwrapped } from '../../src/sphinx/packet.js';
import { createSurb, openSurb, useSurb } from '../../src/sphinx/surb.js';

/* Makes sphinx.json; test/sphinx/vectors.test.ts compares it with the file. docs/spec.md says how to read it. */

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const rngOf = (byte: number): Rng => seededRng(new Uint8Array(32).fill(byte));
const filled = (lengthBytes: number, byte: number): Uint8Array => new Uint8Array(lengthBytes).fill(byte);

interface Node {
  readonly hop: Hop;
  readonly key: ExpandedKey;
  readonly seed: Uint8Array;
}

const nodeOf = (crypto: SphinxCrypto, i: number): Node => {
  const seed = filled(32, i + 1);
  const key = expandKey(crypto, seed);
  return {
    seed,
    key,
    hop: { nodeId: nodeIdOf(filled(32, 0xa1 + i)), publicKey: key.publicKey, delayMs: 1000 * (i + 1) },
  };
};

const lastText = (last: LastCommand): object => ({
  kind: last.kind,
  ...('surbId' in last ? { surbId: toHex(last.surbId), address: last.address } : {}),
  ...('loopId' in last ? { loopId: toHex(last.loopId) } : {}),
});

/** One packet at every hop: secrets, keys, what the hop finds, hashes of what is large. */
const journey = (crypto: SphinxCrypto, nodes: readonly Node[], packet: Uint8Array): object[] => {
  const hash = (bytes: Uint8Array): string => toHex(crypto.sha256(bytes));
  const steps: object[] = [];
  let current: Uint8Array | undefined = packet;
  for (const { key } of nodes) {
    if (!current) break;
    const { at } = geometry;
    const secret = decapsulate(crypto, key, current.subarray(at.ciphertext, at.mac));
    if (!secret) throw new Bug('no secret');
    const keys = hopKeys(crypto, secret);
    const step: Unwrapped = unwrapPacket(crypto, key, current);
    steps.push({
      packetSha256: hash(current),
      headerSha256: hash(current.subarray(0, geometry.headerBytes)),
      sharedSecret: toHex(secret),
      headerMacKey: toHex(keys.headerMac),
      routingKey: toHex(keys.routing),
      payloadKey: toHex(keys.payload),
      replayTag: toHex(step.replayTag),
      finds: {
        kind: step.kind,
        ...(step.kind === 'forward' ? { nextHop: step.nextHop, delayMs: step.delayMs } : {}),
        ...(step.kind === 'loop' ? { loopId: toHex(step.loopId) } : {}),
        ...(step.kind === 'to-mailbox' ? { surbId: toHex(step.surbId), address: step.address } : {}),
        ...('payload' in step ? { payloadSha256: hash(step.payload) } : {}),
      },
    });
    current = step.kind === 'forward' ? step.packet : undefined;
  }
  return steps;
};

const lasts: readonly LastCommand[] = [
  { kind: 'exit' },
  { kind: 'loop', loopId: filled(16, 0x10) },
  { kind: 'to-mailbox', surbId: filled(16, 0x51), address: 'alice@example.org' },
  { kind: 'drop' },
];

/** A last block made by hand, so that it can be wrong. */
const rawBlock = (code: number, ...area: readonly Uint8Array[]): Uint8Array => {
  const block = new Uint8Array(geometry.blockBytes);
  block.set(concat(Uint8Array.of(code), ...area));
  return block;
};
const mailbox = (address: Uint8Array): Uint8Array =>
  rawBlock(3, filled(16, 0x51), Uint8Array.of(address.length), address);
const textBytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'utf8'));

const badBlocks: readonly (readonly [name: string, block: Uint8Array])[] = [
  ['command 0', rawBlock(0)],
  ['command 6', rawBlock(6)],
  ['command 255', rawBlock(255)],
  ['exit with a byte behind it', rawBlock(2, Uint8Array.of(1))],
  ['drop with a byte at the end', rawBlock(5, filled(1187, 0), Uint8Array.of(1))],
  ['loop with a byte behind its id', rawBlock(4, filled(16, 0x10), Uint8Array.of(1))],
  ['to-mailbox with an empty address', mailbox(new Uint8Array(0))],
  ['to-mailbox with an address of 255 bytes', mailbox(filled(255, 0x61))],
  ['to-mailbox with a space in its address', mailbox(textBytes('a b@example.org'))],
  ['to-mailbox with a line break in its address', mailbox(textBytes('a@example.org\r\nDATA'))],
  ['to-mailbox with an address that is not ASCII', mailbox(textBytes('ä@example.org'))],
  ['to-mailbox with a byte behind its address', concat(mailbox(textBytes('a@b')).subarray(0, 1188), Uint8Array.of(1))],
];

/** Changes of one byte to the packet `sound`: one hop, node 0, exit. */
const changes: readonly (readonly [name: string, at: number, xor: string, reason: string])[] = [
  ['version 0', 0, '01', 'packet/bad-version'],
  ['version 2', 0, '03', 'packet/bad-version'],
  ['first bit of the ML-KEM ciphertext', 1, '80', 'packet/bad-mac'],
  ['last bit of the ML-KEM ciphertext', 1088, '01', 'packet/bad-mac'],
  ['first bit of the X25519 ciphertext', 1089, '80', 'packet/bad-mac'],
  ['highest bit of the X25519 ciphertext, which X25519 itself ignores', 1120, '80', 'packet/bad-mac'],
  ['first bit of the MAC', 1121, '80', 'packet/bad-mac'],
  ['last bit of the MAC', 1152, '01', 'packet/bad-mac'],
  ['first bit of the routing blocks', 1153, '80', 'packet/bad-mac'],
  ['last bit of the routing blocks', 7097, '01', 'packet/bad-mac'],
  ['first bit of the payload', 7098, '80', 'packet/bad-payload'],
  ['a bit in the middle of the payload', 20_000, '10', 'packet/bad-payload'],
  ['last bit of the payload', 32_767, '01', 'packet/bad-payload'],
];

export const makeVectors = (crypto: SphinxCrypto): object => {
  const hash = (bytes: Uint8Array): string => toHex(crypto.sha256(bytes));
  const nodes = [0, 1, 2, 3, 4].map((i) => nodeOf(crypto, i));
  const hops = nodes.map(({ hop }) => hop);
  const first = hops.slice(0, 1);
  const payload = textBytes('ordinary mail');

  const packets = lasts.flatMap((last, l) =>
    [1, 3, 5].map((hopCount) => {
      const rngSeed = 16 * (l + 1) + hopCount;
      const packet = createPacket(crypto, { hops: hops.slice(0, hopCount), last, payload, rng: rngOf(rngSeed) });
      return {
        rngSeed: toHex(filled(32, rngSeed)),
        hopCount,
        last: lastText(last),
        steps: journey(crypto, nodes, packet),
      };
    }),
  );

  const surbs = [1, 3, 5].map((hopCount) => {
    const rngSeed = 0x60 + hopCount;
    const request = { hops: hops.slice(0, hopCount), surbId: filled(16, 0x51), address: 'alice@example.org' };
    const { surb, opener } = createSurb(crypto, { ...request, rng: rngOf(rngSeed) });
    const { packet } = useSurb(crypto, surb, payload);
    let current = packet;
    for (const { key } of nodes.slice(0, hopCount)) {
      const step = unwrapPacket(crypto, key, current);
      if (step.kind === 'forward') current = step.packet;
      else if (step.kind === 'to-mailbox') current = step.payload;
    }
    return {
      rngSeed: toHex(filled(32, rngSeed)),
      hopCount,
      surbSha256: hash(surb),
      opener: toHex(opener),
      steps: journey(crypto, nodes, packet),
      openedSha256: hash(openSurb(crypto, opener, current)),
    };
  });

  const exit = { hops: first, last: { kind: 'exit' }, payload } as const;
  const loop = { hops: first, last: { kind: 'loop', loopId: filled(16, 0x10) }, payload } as const;
  const blocks = (lastBlock: Uint8Array): string =>
    base64(createHeader(crypto, { hops: first, lastBlock }, rngOf(0x71)).header);
  return {
    about: 'Vectors of the MixMailer packet, version 1; docs/spec.md says how they are made and read.',
    nodes: nodes.map(({ seed, hop, key }) => ({
      seed: toHex(seed),
      nodeId: hop.nodeId,
      delayMs: hop.delayMs,
      publicKeySha256: hash(key.publicKey),
    })),
    payload: toHex(payload),
    packets,
    drop: {
      rngSeed: toHex(filled(32, 0x70)),
      packetSha256: hash(createDrop(crypto, nodeOf(crypto, 0).hop, rngOf(0x70))),
    },
    surbs,
    wrong: {
      sound: base64(createPacket(crypto, { ...exit, rng: rngOf(0x72) })),
      lengths: [0, 1, 7098, 32_767, 32_769].map((lengthBytes) => ({ lengthBytes, reason: 'packet/bad-length' })),
      changes: changes.map(([name, at, xor, reason]) => ({ name, at, xor, reason })),
      replacements: [
        { name: 'an X25519 ciphertext of small order', at: 1089, with: toHex(filled(32, 0)), reason: 'packet/bad-mac' },
        { name: 'a payload of zeros', at: 7098, with: toHex(filled(64, 0)), reason: 'packet/bad-payload' },
      ],
      otherKey: { seed: toHex(filled(32, 2)), reason: 'packet/bad-mac' },
      soundLoopHeader: base64(createPacket(crypto, { ...loop, rng: rngOf(0x73) }).subarray(0, geometry.headerBytes)),
      headers: badBlocks.map(([name, block]) => ({ name, header: blocks(block), reason: 'packet/bad-command' })),
      notWrong: [
        {
          name: 'forward to any node id after the longest delay',
          header: blocks(
            encodeForward({
              delayMs: 0xffff_ffff,
              nextHop: nodeIdOf(filled(32, 0xff)),
              mac: filled(32, 0),
              ciphertext: filled(1120, 0),
            }),
          ),
          kind: 'forward',
        },
        { name: 'drop with any payload', header: blocks(encodeLast({ kind: 'drop' })), kind: 'drop' },
      ],
    },
  };
};
