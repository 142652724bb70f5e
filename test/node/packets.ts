import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { messageIdOf } from '../../src/base/ids.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail } from '../../src/carrier/carrier.js';
import { cutFragments, encodeExitPayload } from '../../src/message/fragment.js';
import { hopOf } from '../../src/route/hop.js';
import type { LastCommand } from '../../src/sphinx/commands.js';
import { createDrop, createPacket } from '../../src/sphinx/packet.js';
import type { FakeNetwork, FakeNode } from '../fakes/network.js';
import { pepMail, person } from '../servers/pep-mail.js';

const crypto = chooseCrypto();

/** A packet over these nodes, as a sender makes it who knows all of them. */
export const packetOver = (
  { network, now, rng }: FakeNetwork,
  nodes: readonly FakeNode[],
  payload: Uint8Array = new Uint8Array(),
  last: LastCommand = { kind: 'exit' },
): Uint8Array => {
  const hops = nodes.map(({ nodeId }) => {
    const node = network.byId.get(nodeId);
    if (node === undefined) throw new Error('no such node');
    return hopOf(node, now());
  });
  return createPacket(crypto, { hops, last, payload, rng });
};

/** The payloads of a message with random bytes for an id. */
export const fragmentsOf = ({ rng }: FakeNetwork, message: Uint8Array): readonly Uint8Array[] =>
  cutFragments(message, messageIdOf(rng(16))).map((fragment) =>
    encodeExitPayload({ messageId: fragment.messageId, count: fragment.count, fragment, blocks: [] }),
  );

/** The mail that brings these packets to a node. */
export const carrierTo = (
  { network, now, rng }: FakeNetwork,
  { nodeId, account }: FakeNode,
  packets: readonly Uint8Array[],
): Uint8Array => {
  const node = network.byId.get(nodeId);
  if (node === undefined) throw new Error('no such node');
  const bundle = joinBundle(packets, () => createDrop(crypto, hopOf(node, now()), rng), rng);
  return composeCarrierMail({ from: 'node@other.test', to: account.address, bundle, now: now(), rng }, nodeBase64);
};

/** Everything leaves at each flush, so that stories that aren't about mixing are short. */
export const quick = { parameters: { strategy: { kind: 'pool', minimum: 0, rate: 1 } } } as const;

/** Lets all processes take turns, with 12 minutes between. */
export const turns = async ({ client, nodes, passMs }: FakeNetwork, rounds: number): Promise<void> => {
  for (let round = 0; round < rounds; round++) {
    for (const one of [client, ...nodes]) await one.turn();
    passMs(12 * 60_000);
  }
};

/** A letter from Alice to Bob, encrypted, as her mail program hands it in. */
export const letterOf = async (attachmentBytes = 0): Promise<Uint8Array> => {
  const [alice, bob] = await Promise.all([person('Alice', 'alice@home.test'), person('Bob', 'bob@friend.test')]);
  const letter = { from: alice, to: [bob], subject: 'hello', text: 'hello', date: new Date(0) };
  // Without repetitions, so that compression leaves it as long as it is.
  const noise = new Uint8Array(attachmentBytes).map((_, i) => (Math.imul(i + 1, 2654435761) >>> 13) & 255);
  const attachment = { name: 'a.bin', content: noise };
  return new TextEncoder().encode(await pepMail(attachmentBytes === 0 ? letter : { ...letter, attachment }));
};

export const addressOfBob = 'bob@friend.test';
