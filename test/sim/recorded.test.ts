import { describe, expect, it } from 'vitest';
import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { seededRng } from '../../src/base/random.js';
import { bundleClasses } from '../../src/carrier/bundle.js';
import { composeCarrierMail } from '../../src/carrier/carrier.js';
import { geometry } from '../../src/sphinx/geometry.js';
import { layeredParameters, worldOf } from '../../src/sim/world.js';
import type { RecordedMail } from '../servers/recorder.js';
import { packetsIn, recordedSightings } from './recorded.js';

const rng = seededRng(new Uint8Array(32).fill(2));
const { network, layers } = worldOf({ nodes: 9, parameters: layeredParameters() });
const inLayer = (layer: number): number => layers?.indexOf(layer) ?? -1;
const addressOf = (node: number): string => network.nodes[node]?.address ?? '';
const [first, second, last] = [inLayer(1), inLayer(2), inLayer(3)];

const carrierBytes = (size: number, to: string): number => {
  const bundle = new Uint8Array(size * geometry.packetBytes);
  for (let at = 0; at < bundle.length; at += geometry.packetBytes) bundle[at] = geometry.version;
  const mail = { from: 'node@one.test', to, bundle, now: 0, rng };
  return composeCarrierMail(mail, nodeBase64).length;
};

const recordedOf = (mails: readonly RecordedMail[]) =>
  recordedSightings(mails, { network, intervalMs: 6000, phase: (node) => (node === first ? 0.5 : 0), travelMs: 400 });

const packetMail = (at: number, from: string, to: string, size = 1): RecordedMail => ({
  ...{ at, from, to, isOfPackets: true },
  sizeBytes: carrierBytes(size, to),
});

describe('what an observer makes of recorded mails', () => {
  it('is the class of their bundles, by their size', () => {
    const classes = ['a@b.test', 'a-much-longer-name@a-provider-with-a-long-name.example'].map((to) =>
      bundleClasses.map((size) => packetsIn(carrierBytes(size, to))),
    );
    expect(classes).toEqual([bundleClasses, bundleClasses]);
  });

  it('is a flush of all that a node sends from one tick of its own to the next', () => {
    const { sightings, recipients } = recordedOf([
      packetMail(12_900, addressOf(first), addressOf(second)),
      packetMail(15_010, addressOf(first), addressOf(second), 4),
      packetMail(15_900, addressOf(first), addressOf(second + 1)),
      packetMail(18_050, addressOf(last), addressOf(first)),
      { at: 18_700, from: addressOf(last), to: 'bob@friend.test', sizeBytes: 5000, isOfPackets: false },
      packetMail(18_800, addressOf(last), 'alice@home.test'),
    ]);
    const common = { kind: 'flush', stayed: undefined, left: undefined } as const;
    const mail = (to: number, packets: number, arrivesAt: number) => ({ to, packets, arrivesAt, closing: false });
    expect(sightings).toEqual([
      { ...common, at: 9000, node: first, deliveries: [], mails: [mail(second, 1, 13_300)] },
      {
        ...common,
        at: 15_000,
        node: first,
        deliveries: [],
        mails: [mail(second, 4, 15_410), mail(second + 1, 1, 16_300)],
      },
      {
        ...common,
        ...{ at: 18_000, node: last, deliveries: [{ recipient: 0, at: 18_700 }] },
        mails: [{ ...mail(first, 1, 18_450), closing: true }],
      },
    ]);
    expect(recipients).toEqual(['bob@friend.test']);
  });

  it('is a sender of every account that mails packets to a node and is none', () => {
    const { sightings, senders } = recordedOf([
      packetMail(1000, 'alice@home.test', addressOf(first), 4),
      packetMail(2000, 'carol@home.test', addressOf(first)),
      { at: 2500, from: 'carol@home.test', to: addressOf(first), sizeBytes: 900, isOfPackets: false },
      packetMail(3000, 'alice@home.test', addressOf(first)),
    ]);
    expect(sightings).toEqual([
      { kind: 'entry', at: 1400, sender: 0, node: first, packets: 4 },
      { kind: 'entry', at: 2400, sender: 1, node: first, packets: 1 },
      { kind: 'entry', at: 3400, sender: 0, node: first, packets: 1 },
    ]);
    expect(senders).toEqual(['alice@home.test', 'carol@home.test']);
  });
});
