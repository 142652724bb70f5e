import { bundleClasses } from '../../src/carrier/bundle.js';
import { placesOf } from '../../src/path/topology.js';
import type { Network } from '../../src/route/network.js';
import type { EntryMail, Flush, Sighting } from '../../src/sim/sighting.js';
import type { RecordedMail } from '../servers/recorder.js';

/** What an observer knows of a network beside its mails: the list, which is public, and how fast mail travels. */
export interface Watched {
  readonly network: Network;
  /** Time between two flushes of a node, which divides a minute. */
  readonly intervalMs: number;
  /** The part of an interval that the node at that place of the list waits after the tick. */
  readonly phase: (node: number) => number;
  /** From the moment a mail is handed in until its packets are in the next pool. */
  readonly travelMs: number;
}

/** Recorded mails as the observer of the simulator reads them. */
export interface Recorded {
  readonly sightings: readonly Sighting[];
  /** Addresses by number. */
  readonly senders: readonly string[];
  readonly recipients: readonly string[];
}

/** Packets of 32 KiB in base64, with line ends and a header. */
const classBytes = bundleClasses.map((size) => ({ size, bytes: 32_768 * size * (78 / 57) + 1000 }));

/** How many packets a mail of that size brings, padding included. */
export const packetsIn = (sizeBytes: number): number => {
  const near = classBytes.toSorted((a, b) => Math.abs(a.bytes - sizeBytes) - Math.abs(b.bytes - sizeBytes));
  return near[0]?.size ?? 1;
};

/** Numbers for names, in the order in which they are asked for. */
const numbering = (): { readonly names: string[]; readonly of: (name: string) => number } => {
  const names: string[] = [];
  const of = (name: string): number => {
    const known = names.indexOf(name);
    return known === -1 ? names.push(name) - 1 : known;
  };
  return { names, of };
};

type OpenFlush = Flush & {
  readonly mails: Flush['mails'][number][];
  readonly deliveries: Flush['deliveries'][number][];
};

/**
 * Puts together what was sent together. A node's mails belong to its last flush before them: when it flushes, everybody
 * reckons from the list. Whatever others send to a node is a client's, and what a node sends to others is a delivery if
 * it isn't of packets; mails of packets to a client's mailbox hold answers, and no message ends there.
 */
export const recordedSightings = (mails: readonly RecordedMail[], watched: Watched): Recorded => {
  const { network, intervalMs, phase, travelMs } = watched;
  const nodes = new Map(network.nodes.map(({ address }, index) => [address, index]));
  const layers = placesOf(network);
  const layerOf = (node: number): number => layers?.layerOf(network.nodes[node]?.nodeId ?? expectNode()) ?? 0;
  const senders = numbering();
  const recipients = numbering();
  const flushes = new Map<string, OpenFlush>();
  const entries: EntryMail[] = [];
  const flushOf = (node: number, mailAt: number): OpenFlush => {
    const offset = phase(node) * intervalMs;
    const at = Math.floor((mailAt - offset) / intervalMs) * intervalMs + offset;
    const name = `${node} ${at}`;
    const flush: OpenFlush = flushes.get(name) ?? {
      ...({ kind: 'flush', at, node, stayed: undefined, left: undefined } as const),
      mails: [],
      deliveries: [],
    };
    flushes.set(name, flush);
    return flush;
  };
  for (const { at, from, to, sizeBytes, isOfPackets } of mails) {
    const [source, target] = [nodes.get(from), nodes.get(to)];
    const packets = packetsIn(sizeBytes);
    if (source === undefined) {
      if (target === undefined || !isOfPackets) continue;
      entries.push({ kind: 'entry', at: at + travelMs, sender: senders.of(from), node: target, packets });
    } else if (target !== undefined && isOfPackets) {
      const closing = layers !== undefined && layerOf(target) <= layerOf(source);
      flushOf(source, at).mails.push({ to: target, packets, arrivesAt: at + travelMs, closing });
    } else if (!isOfPackets) flushOf(source, at).deliveries.push({ recipient: recipients.of(to), at });
  }
  const sightings = [...entries, ...flushes.values()].sort((a, b) => a.at - b.at);
  return { sightings, senders: senders.names, recipients: recipients.names };
};

const expectNode = (): never => {
  throw new Error('no such node');
};
