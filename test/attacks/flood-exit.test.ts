import { beforeAll, describe, expect, it } from 'vitest';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { packetsPerSender } from '../../src/base/bounds.js';
import { ascii, concat, latin1 } from '../../src/base/bytes.js';
import { dayMs, minuteMs } from '../../src/base/units.js';
import type { Pace } from '../../src/cover/pace.js';
import { fakeNetwork } from '../fakes/network.js';
import type { FakeNetwork } from '../fakes/network.js';
import { thriftyCrypto } from '../fakes/remembering.js';
import { addressOfBob, carrierTo, fragmentsOf, letterOf, packetOver, quick } from '../node/packets.js';
import { exitOf, messageOf } from '../node/sender.js';

const intervalMs = 12 * minuteMs;
const perDay = 120;
/** The flooder brings 480 messages a day to an exit whose account sends 52 mails a day to people. */
const perInterval = 4;
const floodedFirst = 15;
const letters = 6;
/** Six letters over two exits: some go to the one that is flooded. */
const exits = 2;
const pace: Pace = { meanMs: intervalMs, packets: 1, cover: true, questions: 0.5 };

let alices: readonly Uint8Array[];
let junk: Uint8Array;
beforeAll(async () => {
  alices = await Promise.all(Array.from({ length: letters }, (_, i) => letterOf(100 + i)));
  junk = await messageOf(await letterOf(), 'friend@evil.test');
});

/** Encrypted mails, each whole in one packet, from one address and inside its share. */
const flood = (network: FakeNetwork): void => {
  const exit = exitOf(network);
  const packets = Array.from({ length: perInterval }, () =>
    packetOver(network, [exit], fragmentsOf(network, junk)[0] ?? expect.fail('no fragment')),
  );
  const mail = carrierTo(network, exit, packets);
  const head = latin1(mail.subarray(0, 200)).replace('node@other.test', 'mallory@evil.test');
  exit.account.mailbox.put(concat(ascii(head), mail.subarray(200)));
};

describe('a flood of mails to be handed over, from one sender to one exit', () => {
  it('keeps nobody’s letters: they leave that exit among the flood, or go over another one', async () => {
    const network = fakeNetwork({
      ...quick,
      ...{ nodes: 6, exits, limits: { perDay }, client: { pace }, crypto: thriftyCrypto(chooseCrypto()) },
    });
    const { client, nodes, world, passMs, now } = network;
    const bob = world.account(addressOfBob).mailbox;
    world.account('friend@evil.test');
    const arrived = (): number => new Set(bob.raws().map((raw) => /^Message-ID: .*$/m.exec(latin1(raw))?.[0])).size;
    const turn = async (): Promise<void> => {
      flood(network);
      for (const one of [client, ...nodes]) await one.turn();
      world.forget();
      passMs(intervalMs);
    };
    expect(perInterval).toBeLessThanOrEqual(packetsPerSender);
    for (let i = 0; i < floodedFirst; i++) await turn();
    for (const letter of alices) await client.submit(letter, [addressOfBob]);
    const handedInAt = now();
    let most = 0;
    const sentTo = new Set<string>();
    while (arrived() < letters && now() - handedInAt < dayMs) {
      await turn();
      most = Math.max(most, exitOf(network).store.outgoingCount());
      for (const { exit } of client.store.openSendings()) sentTo.add(exit);
    }
    expect(sentTo).toContain(exitOf(network).nodeId);
    expect(arrived()).toBe(letters);
    // What waits there is bounded, and most of the flood was not taken.
    expect(most).toBeLessThan(40);
    const counted = exitOf(network).counted();
    expect(counted['delivery/no-room']).toBeGreaterThan(counted['delivery'] ?? 0);
  });
});
