import { parseMail } from '../../src/adapters/mime.js';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { systemRng } from '../../src/adapters/system.js';
import { Bug } from '../../src/base/errors.js';
import { joinBundle } from '../../src/carrier/bundle.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import { packetsInParts } from '../../src/carrier/parts.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { createPacket, unwrapPacket } from '../../src/sphinx/packet.js';
import { measure, type Job, type Section } from './measure.js';
import { fixture } from './packet-work.js';

const turnMs = 120;

const noFilling = (): never => {
  throw new Bug('the bundle is full');
};

const times =
  (one: () => unknown): Job['run'] =>
  async (count) => {
    for (let i = 0; i < count; i++) await one();
  };

/** What a node does all day, without its sockets and disk: mail bytes in, packet mail out. Each operation is one mail. */
export const mailBench = async (rounds: number): Promise<Section> => {
  const { crypto, key, hops } = fixture(chooseCrypto());
  const payload = new Uint8Array(geometry.userPayloadBytes).fill(1);
  const jobs: Job[] = [];
  const ratios: { readonly name: string; readonly slower: string; readonly faster: string }[] = [];
  for (const count of [1, 16, 64]) {
    const packets = Array.from({ length: count }, () =>
      createPacket(crypto, { hops, last: { kind: 'exit' }, payload, rng: systemRng }),
    );
    const hop = (packet: Uint8Array): Uint8Array => {
      const unwrapped = unwrapPacket(crypto, key, packet);
      if (unwrapped.kind !== 'forward') throw new Bug('the first of three hops forwards');
      return unwrapped.packet;
    };
    const mailOf = (bundle: readonly Uint8Array[]): Uint8Array =>
      composeCarrierMail(
        {
          from: 'node@one.example',
          to: 'node@two.example',
          bundle: joinBundle(bundle, noFilling, systemRng),
          now: 0,
          rng: systemRng,
        },
        nodeBase64,
      );
    const mail = mailOf(packets);
    const sliced = (): readonly Uint8Array[] => {
      const found = sliceCarrierMail(mail, nodeBase64);
      if (found === undefined) throw new Bug('a canonical mail');
      return found;
    };
    const name = `${count} packet${count > 1 ? 's' : ''}`;
    const bare = `${name}: bare hops`;
    const whole = `${name}: mail in, hops, mail out`;
    jobs.push(
      { name: bare, run: times(() => packets.map(hop)) },
      { name: whole, run: times(() => mailOf(sliced().map(hop))) },
      {
        name: `${name}: the same through mailparser`,
        run: times(async () => mailOf(packetsInParts((await parseMail(mail)).parts).map(hop))),
      },
    );
    ratios.push({ name: `${name}: bare hops / mail in to mail out`, slower: bare, faster: whole });
  }
  // Long turns, because what one leaves to collect is collected in the next: mailparser leaves a lot.
  const { rows, ratio } = await measure(jobs, rounds, turnMs);
  return {
    title: `mails (${crypto.name} backend)`,
    rows,
    ratios: ratios.map(({ name, slower, faster }) => ({ name, ...ratio(slower, faster), goal: { atLeast: 0.5 } })),
  };
};
