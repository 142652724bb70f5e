import { beforeAll, describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { fakeNetwork } from '../fakes/network.js';
import { addressOfBob, letterOf, quick, turns } from '../node/packets.js';

// A node, or whoever runs its mailbox, marks packets by flipping a bit, to recognize them at an exit.

let letter: Uint8Array;
beforeAll(async () => {
  letter = await letterOf();
});

/** Alice's letter goes through the network; the first mail on its way has a bit of its real packet flipped. */
const flipped = async (atByte: number) => {
  const network = fakeNetwork({ ...quick, client: { receipts: false } });
  const bob = network.world.account(addressOfBob).mailbox;
  await network.client.submit(letter, [addressOfBob]);
  for (let round = 0; round < 20 && network.world.observed.length === 0; round++) {
    await network.client.turn();
    network.passMs(60_000);
  }
  const entry =
    network.nodes.find(({ account }) => account.mailbox.raws().length > 0) ?? expect.fail('nothing was sent');
  const [raw = new Uint8Array()] = entry.account.mailbox.raws();
  const [packet, ...others] = sliceCarrierMail(raw, nodeBase64) ?? expect.fail('no packets');
  if (packet === undefined || others.length > 0) return expect.fail('one packet');
  if (atByte >= 0) packet[atByte] = (packet[atByte] ?? 0) ^ 1;
  const bundle = joinBundle([packet], () => expect.fail('no filling'), network.rng);
  entry.account.mailbox.rebuild('INBOX');
  const { rng } = network;
  const from = network.client.account.address;
  entry.account.mailbox.put(
    composeCarrierMail({ from, to: entry.account.address, bundle, now: network.now(), rng }, nodeBase64),
  );
  await turns(network, 20);
  const total = (name: string): number => network.nodes.reduce((sum, node) => sum + (node.counted()[name] ?? 0), 0);
  return { total, delivered: bob.raws().length, observed: network.world.observed.length };
};

describe('a packet with a flipped bit', () => {
  it('in its payload crosses the network like any other and is nothing but noise at the exit', async () => {
    for (const at of [geometry.packetBytes - 1, geometry.packetBytes - 20_000, geometry.packetBytes - 25_600]) {
      const { total, delivered } = await flipped(at);
      expect(delivered).toBe(0);
      expect(total('packet/bad-payload')).toBe(1);
      // As far as the exit, and no farther: client to entry, entry to middle, middle to exit.
      expect(total('out')).toBe(2);
      expect(total('in')).toBe(2);
    }
  });

  it('in its header goes nowhere', async () => {
    for (const at of [1, 500, 1153, 1190, 4000, 7097]) {
      const { total, delivered, observed } = await flipped(at);
      expect(delivered).toBe(0);
      expect(observed).toBe(1);
      expect(total('packet/bad-mac')).toBe(1);
    }
  });

  it('would be seen to arrive otherwise: without the flip it does', async () => {
    const { total, delivered } = await flipped(-1);
    expect(delivered).toBe(1);
    expect(total('packet/bad-payload')).toBe(0);
  });
});
