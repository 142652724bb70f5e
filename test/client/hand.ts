import { expect } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { concat, latin1 } from '../../src/base/bytes.js';
import type { MessageId } from '../../src/base/ids.js';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { carrierSubject, composeCarrierMail } from '../../src/carrier/carrier.js';
import { encodeReceipt } from '../../src/message/receipt.js';
import type { Receipt } from '../../src/message/receipt.js';
import type { MessageStatus, Surb } from '../../src/ports/client-store.js';
import { decoyHop } from '../../src/post/bundles.js';
import { createMailboxPacket } from '../../src/sphinx/mailbox.js';
import { createDrop, padPayload } from '../../src/sphinx/packet.js';
import { decryptWide, encryptWide } from '../../src/sphinx/sprp.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork, FakeNetworkOptions, Wrap } from '../fakes/network.js';

const crypto = chooseCrypto();

/** The payload that the user of a reply block and the nodes on its path make of a content, by the maker's secrets. */
const payloadOver = (opener: Uint8Array, content: Uint8Array): Uint8Array => {
  const keys = Array.from({ length: opener.length / 32 }, (_, i) => opener.subarray(32 * i, 32 * (i + 1)));
  const [own = expect.fail('no key'), ...hops] = keys;
  let block = encryptWide(crypto, own, padPayload(content));
  for (const key of hops) block = decryptWide(crypto, key, block);
  return concat(...block);
};

/** A client whose exits are played by hand: nothing answers but what the test writes. */
export interface Hand {
  readonly network: FakeNetwork;
  /** Every reply block that the client has given away, in order. */
  readonly given: readonly Surb[];
  /** What of a purpose it has given away and nobody has used, the newest last. */
  readonly unused: (purpose: Surb['purpose']) => readonly Surb[];
  /** How many packets it has made in its last turn. */
  readonly made: () => number;
  readonly submit: (raw: Uint8Array, recipient?: string) => Promise<MessageId>;
  /** One turn of the client; in it, what was brought is acted upon. */
  readonly turn: () => Promise<void>;
  /** Turns with that time between, for that long. */
  readonly pass: (spanMs: number, stepMs?: number) => Promise<void>;
  /** The packet that ends at the client's mailbox. */
  readonly packet: (block: Surb, content: Uint8Array) => Uint8Array;
  /** Puts packets into the client's mailbox, as a node mails them. @param wrap makes another mail of it */
  readonly bring: (packets: readonly Uint8Array[], wrap?: (raw: Uint8Array) => Uint8Array) => void;
  /** An exit answers over that block, or over the newest one for receipts; and the client reads it. */
  readonly answer: (receipt: Receipt, block?: Surb) => Promise<void>;
  readonly status: (id: MessageId) => MessageStatus;
  /** Mails in the user's inbox, without what nodes mailed there. */
  readonly inbox: () => readonly string[];
  /** Around the ports of a client, so that its reply blocks are known here. */
  readonly watching: Wrap;
  /** Goes around that, for the test's own wishes. */
  wrap: Wrap;
}

/** Everything leaves at once, and no node works. */
export const handOf = (options: FakeNetworkOptions = {}): Hand => {
  const network = fakeNetwork({ nodes: 5, ...options });
  const { client, now, rng } = network;
  // The keys of the list end after a week; who opens nothing needs no others.
  const madeAt = now();
  const given: Surb[] = [];
  const used = new Set<Surb>();
  let made = 0;
  const watching: Wrap = (name, port) => {
    if (name !== 'store') return hand.wrap(name, port);
    const store = port as unknown as typeof client.store;
    const watched: typeof client.store = {
      ...store,
      addSurb: (surb) => {
        given.push(surb);
        store.addSurb(surb);
      },
      addToPool: (entry) => {
        made++;
        store.addToPool(entry);
      },
    };
    return hand.wrap(name, watched) as unknown as typeof port;
  };
  const unused: Hand['unused'] = (purpose) => given.filter((surb) => surb.purpose === purpose && !used.has(surb));
  const hand: Hand = {
    network,
    given,
    unused,
    made: () => made,
    watching,
    wrap: (_name, port) => port,
    submit: async (raw, recipient = 'bob@friend.test') => {
      const [one] = await client.submit(raw, [recipient]);
      return one?.id ?? expect.fail('not queued');
    },
    turn: async () => {
      made = 0;
      await client.turn(watching);
    },
    pass: async (spanMs, stepMs = 30 * minuteMs) => {
      for (let passed = 0; passed < spanMs; passed += stepMs) {
        network.passMs(Math.min(stepMs, spanMs - passed));
        await hand.turn();
      }
    },
    packet: (block, content) => {
      used.add(block);
      const decoy = decoyHop(network.network, madeAt, rng);
      return createMailboxPacket(crypto, { surbId: block.id, payload: payloadOver(block.opener, content), decoy, rng });
    },
    bring: (packets, wrap = (raw) => raw) => {
      const filling = (): Uint8Array => createDrop(crypto, decoyHop(network.network, madeAt, rng), rng);
      const bundle = joinBundle(packets, filling, rng);
      const mail = { from: 'node@mix1.test', to: client.account.address, bundle, now: now(), rng };
      client.account.mailbox.put(wrap(composeCarrierMail(mail, nodeBase64)));
    },
    answer: async (receipt, block = unused('receipt').at(-1)) => {
      hand.bring([hand.packet(block ?? expect.fail('no block'), encodeReceipt(receipt))]);
      await hand.turn();
    },
    status: (id) => client.store.messageStatus(id) ?? expect.fail('not known any more'),
    inbox: () =>
      client.account.mailbox
        .raws()
        .map(latin1)
        .filter((raw) => !raw.includes(carrierSubject)),
  };
  return hand;
};

/** Longer than any wait for the next sending. */
export const nextSendingMs = 9 * hourMs + minuteMs;
