import { bundleClassFor } from '../../src/carrier/bundle.js';
import { placesOf } from '../../src/path/topology.js';
import type { Network } from '../../src/route/network.js';
import { simulate } from '../../src/sim/engine.js';
import { type Finding, findRecipients, findSenders } from '../../src/sim/observer.js';
import { ours } from '../../src/sim/ours.js';
import type { Protocol } from '../../src/sim/protocol.js';
import { Recording, type Target } from '../../src/sim/recording.js';
import type { Message, Outcome, Traffic } from '../../src/sim/scenario.js';
import type { Sighting } from '../../src/sim/sighting.js';
import type { World } from '../../src/sim/world.js';

/** The nodes of a real list, with keys that live for ever, as the simulator's nodes have them. */
export const worldIn = (network: Network): World => {
  const mixKeys = [{ publicKey: new Uint8Array(), notBefore: 0, notAfter: Infinity, expiresAt: Infinity }];
  const nodes = network.nodes.map((node) => ({ ...node, mixKeys }));
  const lasting: Network = { ...network, nodes, byId: new Map(nodes.map((node) => [node.nodeId, node])) };
  const places = placesOf(lasting);
  return {
    network: lasting,
    indexOf: new Map(nodes.map(({ nodeId }, index) => [nodeId, index])),
    layers: places && nodes.map(({ nodeId }) => places.layerOf(nodeId) ?? 0),
  };
};

/** What the observer makes of messages it knows the truth of. */
export interface Insight {
  readonly recipients: readonly Finding[];
  readonly senders: readonly Finding[];
}

/** The observer of the simulator, on whatever sightings. */
export const insightInto = (
  sightings: readonly Sighting[],
  targets: readonly Target[],
  protocol: Protocol,
): Insight => {
  const { world, mixing } = protocol;
  const { layers, network } = world;
  const observed = {
    nodes: network.nodes.length,
    sight: layers === undefined ? ({ kind: 'blind' } as const) : ({ kind: 'layers', layers } as const),
    chance: mixing.chance,
    ages: 'two',
  } as const;
  return {
    recipients: findRecipients(sightings, targets, observed),
    senders: findSenders(sightings, targets, observed),
  };
};

/**
 * A sighting without what can't be seen of recorded mails: how many packets there are, but for the size of the mail. What
 * `isCover` says of is taken for cover, of which nothing is handed over.
 */
const fromOutside = (
  sighting: Sighting,
  messages: readonly Message[],
  isCover: (message: Message) => boolean,
): Sighting =>
  sighting.kind === 'entry'
    ? sighting
    : {
        ...sighting,
        ...{ stayed: undefined, left: undefined },
        mails: sighting.mails.map((mail) => ({ ...mail, packets: bundleClassFor(mail.packets) })),
        deliveries: sighting.deliveries.filter((_, i) => messages[i] !== undefined && !isCover(messages[i])),
      };

/** A run to be predicted. */
export interface Run {
  readonly network: Network;
  readonly intervalMs: number;
  readonly loopsPerInterval: number;
  readonly traffic: Traffic;
  readonly measuredMs: number;
  readonly travelMs: number;
}

export const protocolOf = ({ network, intervalMs, loopsPerInterval }: Run): Protocol =>
  ours(worldIn(network), { intervalMs, loopsPerInterval });

/** What one simulated run gives to one who sees no more than recorded mails show. */
export const predict = (run: Run, seed: number): Insight & { readonly outcome: Outcome } => {
  const { intervalMs, traffic, measuredMs, travelMs } = run;
  const protocol = protocolOf(run);
  const recording = new Recording();
  const warmUpMs = 4 * intervalMs;
  // Nobody writes before the measured time or after it: at its ends messages hide among fewer others.
  const isCover = ({ mailedAt = 0 }: Message): boolean => mailedAt < warmUpMs || mailedAt >= warmUpMs + measuredMs;
  const outcome = simulate({
    ...{ protocol, traffic, seed, measuredMs, warmUpMs },
    drainMs: 8 * intervalMs,
    transportMs: () => travelMs,
    see: (sighting, messages) => recording.see(fromOutside(sighting, messages, isCover), messages),
  });
  const targets = recording.targets(Infinity, { from: warmUpMs, until: warmUpMs + measuredMs });
  return { ...insightInto(recording.sightings, targets, protocol), outcome };
};
