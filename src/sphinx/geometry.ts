/**
 * All lengths of a packet.
 *
 * @module mixmailer/geometry
 */
import { nodeIdBytes } from '../base/ids.js';

/**
 * Every length of a packet, derived from a handful of choices. Nothing else in the program knows a number of these.
 *
 *   packet  32768 = header 7098 | payload 25670
 *   header   7098 = version 1 | KEM ciphertext 1120 | MAC 32 | routing 5945
 *   routing  5945 = 5 blocks of 1189
 *   block    1189 = command 1 | delayMs 4 | next hop id 32 | next MAC 32 | next KEM ciphertext 1120   (forward)
 *                 = command 1 | last area 1188                                                        (last hop)
 *   payload 25670 = integrity 32 | user payload 25638
 *   SURB     7162 = first hop id 32 | header 7098 | payload key 32
 */
const packetBytes = 32_768;
const maxHops = 5;
const keyBytes = 32;
const versionBytes = 1;
const macBytes = 32;
const commandBytes = 1;
const delayBytes = 4;
/** X-Wing: ML-KEM-768 1088 | X25519 32, and 1184 | 32. */
const ciphertextBytes = 1088 + 32;
const publicKeyBytes = 1184 + 32;

const blockBytes = commandBytes + delayBytes + nodeIdBytes + macBytes + ciphertextBytes;
const routingBytes = maxHops * blockBytes;
const headerBytes = versionBytes + ciphertextBytes + macBytes + routingBytes;
const payloadBytes = packetBytes - headerBytes;
/** The left block of the wide-block cipher; all zero in a payload that arrived as it was sent. */
const integrityBytes = 32;

export const geometry = {
  version: 1,
  packetBytes,
  maxHops,
  keyBytes,
  macBytes,
  ciphertextBytes,
  publicKeyBytes,
  seedBytes: 32,
  encapsulationSeedBytes: 64,
  replayTagBytes: 32,
  blockBytes,
  routingBytes,
  headerBytes,
  payloadBytes,
  integrityBytes,
  userPayloadBytes: payloadBytes - integrityBytes,
  lastAreaBytes: blockBytes - commandBytes,
  surbIdBytes: 16,
  loopIdBytes: 16,
  /** RFC 5321 section 4.5.3.1.3: a path of 256 with its angle brackets. */
  maxAddressBytes: 254,
  surbBytes: nodeIdBytes + headerBytes + keyBytes,
  /** Where the parts of a packet begin, in bytes. */
  at: {
    ciphertext: versionBytes,
    mac: versionBytes + ciphertextBytes,
    routing: versionBytes + ciphertextBytes + macBytes,
    payload: headerBytes,
  },
  /** Where the parts of a forward block begin, in bytes. */
  blockAt: {
    delay: commandBytes,
    nextHop: commandBytes + delayBytes,
    mac: commandBytes + delayBytes + nodeIdBytes,
    ciphertext: commandBytes + delayBytes + nodeIdBytes + macBytes,
  },
} as const;
