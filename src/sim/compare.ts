import { Bug } from '../base/errors.js';
import { dayMs, hourMs, minuteMs } from '../base/units.js';
import { usualPace } from '../cover/pace.js';
import type { NetworkParameters } from '../route/network.js';
import { geometry } from '../sphinx/geometry.js';
import { type Measured, measure, meanOf, quantile, run, type Sights, type Trial } from './measure.js';
import type { Finding } from './observer.js';
import { ours, ourDefaults, trafficOf } from './ours.js';
import { loopix, mixmaster, mixminion, type Peer, yamn } from './peers.js';
import type { Protocol } from './protocol.js';
import { ourRoutes } from './routes.js';
import type { Outcome, Pace, Traffic } from './scenario.js';
import { layeredParameters, worldOf } from './world.js';

/** One network under one load, in figures. */
export interface Row {
  readonly name: string;
  /** As it comes, or quickened until half of its messages take as long as half of ours. */
  readonly tuning: 'default' | 'equal-latency';
  /** Packets of messages that a node handles in a minute, on average. */
  readonly load: number;
  /** From the client's mail to the recipient. */
  readonly medianLatencyMin: number;
  readonly p99LatencyMin: number;
  /**
   * Which of all deliveries is the message's: the observer's uncertainty, mean and lowest over messages. Of two observers,
   * one that knows how many hops a message has and one that doesn't, the one that is less uncertain.
   */
  readonly recipientEntropyBits: number;
  readonly recipientEntropyMinBits: number;
  /** The two of them. In layers nobody is blind; with path lengths that senders draw nobody is aware. */
  readonly hopAwareRecipientEntropyBits: number;
  readonly hopBlindRecipientEntropyBits: number;
  /** Which of all clients' mails is the message's, to the better of the two. */
  readonly senderEntropyBits: number;
  /** Part of messages of which the observer's best guess at the delivery is right. */
  readonly observerSuccess: number;
  /** Mails from node to node, cover included: the mean over nodes, and of the node that sends most. */
  readonly relayMailsPerNodeDay: number;
  readonly busiestNodeMailsPerDay: number;
  /** Of packets in those mails, padding included. */
  readonly relayMegabytesPerNodeDay: number;
  /** Mails of all kinds for each message. */
  readonly mailsPerMessage: number;
  readonly clientMailsPerMessage: number;
  /** How long half of the messages wait for their client's turn, beside the latency above. */
  readonly paceWaitMin: number;
  /** Mix interval of a node, or 0, as tuned. */
  readonly intervalMin: number;
  /** Of every message, ascending. */
  readonly latenciesMin: Float64Array;
}

export interface CompareOptions {
  readonly nodes: number;
  readonly load: number;
  readonly seed: number;
  /** How long messages are counted. */
  readonly days: number;
  /** Messages whose link the observer looks for. */
  readonly targets: number;
  readonly pace: Pace | undefined;
  /** In place of the default ones. */
  readonly parameters?: NetworkParameters;
}

/** That of a client whose user has changed nothing. */
export const defaultPace: Pace = {
  meanMs: usualPace.meanMinutes * minuteMs,
  packets: usualPace.packets,
  questions: usualPace.questions,
};

export const compareDefaults: CompareOptions = {
  nodes: 30,
  load: 1,
  seed: 1,
  days: 1,
  targets: 300,
  pace: defaultPace,
};

const bitsOf = (findings: readonly Finding[]): number[] => findings.map(({ bits }) => bits);
const sumOf = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
/** What a packet takes in a mail: base64 and line ends. */
const mailBytesPerPacketByte = 1.37;

const successOf = (findings: readonly Finding[]): number => meanOf(findings.map(({ success }) => success));
const meanBits = (findings: readonly Finding[]): number => meanOf(bitsOf(findings));
/** Of the two observers the one who is less in doubt. */
export const better = ({ blind, aware }: Sights): readonly Finding[] =>
  meanBits(aware) < meanBits(blind) ? aware : blind;

const rowOf = (
  { outcome, recipients, senders }: Measured,
  { name, mixing }: Protocol,
  { tuning, load }: Pick<Row, 'tuning' | 'load'>,
): Row => {
  const { latenciesMs, paceWaitsMs, relayMails, measuredDays, messages, clientMails, lastMails } = outcome;
  const nodeDays = relayMails.length * measuredDays;
  return {
    name,
    tuning,
    load,
    medianLatencyMin: quantile(latenciesMs, 0.5) / minuteMs,
    p99LatencyMin: quantile(latenciesMs, 0.99) / minuteMs,
    recipientEntropyBits: meanBits(better(recipients)),
    recipientEntropyMinBits: Math.min(...bitsOf(better(recipients))),
    hopAwareRecipientEntropyBits: meanBits(recipients.aware),
    hopBlindRecipientEntropyBits: meanBits(recipients.blind),
    senderEntropyBits: meanBits(better(senders)),
    observerSuccess: Math.max(...[recipients.blind, recipients.aware].map(successOf)),
    relayMailsPerNodeDay: sumOf(relayMails) / nodeDays,
    busiestNodeMailsPerDay: Math.max(...relayMails) / measuredDays,
    relayMegabytesPerNodeDay: (outcome.relayPackets * geometry.packetBytes * mailBytesPerPacketByte) / 1e6 / nodeDays,
    mailsPerMessage: (sumOf(relayMails) + clientMails + lastMails) / messages,
    clientMailsPerMessage: clientMails / messages,
    paceWaitMin: quantile(paceWaitsMs, 0.5) / minuteMs,
    intervalMin: mixing.intervalMs / minuteMs,
    latenciesMin: latenciesMs.map((ms) => ms / minuteMs),
  };
};

/** Ours with those parameters under that load. */
export const ourTrial = (options: CompareOptions): Trial => {
  const { nodes, load, seed, days, targets, pace, parameters = layeredParameters() } = options;
  const world = worldOf({ nodes, parameters, seed });
  return {
    protocol: ours(world),
    traffic: { ...trafficOf(load, nodes, parameters.pathLength), pace },
    seed,
    measuredMs: days * dayMs,
    warmUpMs: 6 * hourMs,
    drainMs: 12 * hourMs,
    targets,
  };
};

export const ourRow = (options: CompareOptions): Row => {
  const trial = ourTrial(options);
  return rowOf(measure(trial), trial.protocol, { tuning: 'default', load: options.load });
};

interface PeerSetting {
  readonly name: string;
  readonly trialOf: (scale: number, days: number) => Trial;
}

/** The peers, under the same messages a minute as ours. */
const peerSettings = ({ nodes, load, seed, targets, pace }: CompareOptions): readonly PeerSetting[] => {
  const plain = layeredParameters();
  const traffic = trafficOf(load, nodes, plain.pathLength);
  const free = worldOf({ nodes, seed, parameters: { ...plain, topology: { kind: 'free' } } });
  const all = Math.ceil(nodes / plain.pathLength);
  const layers = worldOf({
    nodes,
    seed,
    parameters: { ...plain, topology: { kind: 'layers', successors: [all, all, all] } },
  });
  // Each packet of Loopix leaves at a moment of its own, and clients send whether or not they have something to say: there
  // is so much to see that a quarter of the time will do.
  const partOfDays = (name: string): number => (name === 'loopix' ? 0.25 : 1);
  const setting = (name: string, peer: (scale: number) => Protocol, own: Traffic): PeerSetting => ({
    name,
    trialOf: (scale, days) => ({
      protocol: peer(scale),
      traffic: own,
      seed,
      measuredMs: days * partOfDays(name) * dayMs,
      // Large pools take long to fill, and long to be left.
      warmUpMs: scale > 0.5 && name !== 'loopix' ? dayMs : 6 * hourMs,
      drainMs: scale > 0.5 && name !== 'loopix' ? 2 * dayMs : 12 * hourMs,
      targets,
    }),
  });
  const onFree =
    (peer: Peer) =>
    (scale: number): Protocol =>
      peer(free, scale);
  const loopsPerMinute = (ourDefaults.loopsPerInterval * minuteMs) / ourDefaults.intervalMs;
  const loopixIn = loopix(ourRoutes(layers), loopsPerMinute);
  return [
    setting('mixmaster', onFree(mixmaster), traffic),
    setting('yamn', onFree(yamn), traffic),
    setting('mixminion', onFree(mixminion), traffic),
    setting('loopix', (scale) => loopixIn(layers, scale), { ...traffic, pace }),
  ];
};

/** The peers as they come. */
export const peerTrials = (options: CompareOptions): readonly { readonly name: string; readonly trial: Trial }[] =>
  peerSettings(options).map(({ name, trialOf }) => ({ name, trial: trialOf(1, options.days) }));

const medianOf = ({ latenciesMs }: Outcome): number => quantile(latenciesMs, 0.5);

/** How near the median is to come, as a part of it. */
const nearEnough = 0.01;

/** The scale at which half of the messages take that long. Latency is about in proportion to it. */
const scaleFor = (setting: PeerSetting, { medianMs, atOneMs }: { medianMs: number; atOneMs: number }): number => {
  let scale = medianMs / atOneMs;
  for (let tries = 0; tries < 8; tries++) {
    const trial = setting.trialOf(scale, 0.4);
    const found = medianOf(run({ ...trial, warmUpMs: 4 * hourMs, drainMs: 4 * hourMs }));
    if (Math.abs(found / medianMs - 1) < nearEnough) break;
    scale *= medianMs / found;
  }
  return scale;
};

/** What is run one after the other, so that who prints can say how far it is. */
export type Step = { readonly name: string; readonly rows: () => readonly Row[] };

/** Ours at that load, a fifth and a hundredth of it; each peer at that load, as it comes and at our latency. */
export const compareSteps = (options: CompareOptions): readonly Step[] => {
  let median: number | undefined;
  const first: Step = {
    name: 'mixmailer',
    rows: () => {
      const row = ourRow(options);
      median = row.medianLatencyMin * minuteMs;
      return [row];
    },
  };
  const lower = [0.2, 0.01].map((part): Step => {
    // As many messages as it takes for a picture.
    const days = options.days * (part < 0.1 ? 5 : 1.5);
    return { name: 'mixmailer', rows: () => [ourRow({ ...options, load: options.load * part, days })] };
  });
  const peers = peerSettings(options).map((setting): Step => ({
    name: setting.name,
    rows: () => {
      if (median === undefined) throw new Bug('ours comes first');
      const figures = (scale: number, tuning: Row['tuning']): Row => {
        const trial = setting.trialOf(scale, options.days);
        return rowOf(measure(trial), trial.protocol, { tuning, load: options.load });
      };
      const plain = figures(1, 'default');
      const scale = scaleFor(setting, { medianMs: median, atOneMs: plain.medianLatencyMin * minuteMs });
      return [plain, figures(scale, 'equal-latency')];
    },
  }));
  return [first, ...lower, ...peers];
};

/** All rows of the comparison. */
export const compare = (options: CompareOptions): readonly Row[] => compareSteps(options).flatMap(({ rows }) => rows());
