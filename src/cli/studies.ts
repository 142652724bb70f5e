import { dayMs, hourMs, minuteMs } from '../base/units.js';
import type { Limits } from '../provider/provider.js';
import type { NetworkParameters } from '../route/network.js';
import { accountsOf } from '../sim/accounts.js';
import { better } from '../sim/compare.js';
import { simulate } from '../sim/engine.js';
import { meanOf, type Measured, measure, quantile, type Trial } from '../sim/measure.js';
import { ourDefaults, ours, type OurSettings, trafficOf } from '../sim/ours.js';
import { referenceProtocol, sketch } from '../sim/reference.js';
import { layeredParameters, worldOf } from '../sim/world.js';
import type { Findings } from './adversaries.js';

/** How large a run is. */
export interface Size {
  readonly nodes: number;
  readonly seed: number;
  /** Days that are measured. */
  readonly days: number;
}

export const rounded = (value: number): number => Number(value.toPrecision(3));
export const minutes = (ms: number): number => rounded(ms / minuteMs);

/** Our network at a load, with parameters of the list and settings of nodes other than the defaults. */
export const trialOf = (
  { nodes, seed, days }: Size,
  load: number,
  more: { readonly parameters?: Partial<NetworkParameters>; readonly settings?: Partial<OurSettings> } = {},
): Trial => {
  const settings = { ...ourDefaults, ...more.settings };
  const parameters = { ...layeredParameters(settings.intervalMs), ...more.parameters };
  return {
    protocol: ours(worldOf({ nodes, parameters, seed }), settings),
    traffic: trafficOf(load, nodes, parameters.pathLength),
    seed,
    warmUpMs: 4 * hourMs,
    measuredMs: days * dayMs,
    drainMs: 6 * hourMs,
    targets: 200,
  };
};

/** The place in its layer is by chance, so nodes of one layer stand for all of it. */
const meanIn = (layer: number, layers: readonly number[], numbers: Float64Array): number =>
  meanOf([...numbers].filter((_, node) => layers[node] === layer));

/**
 * What nodes carry whose accounts may send so many mails a day: layer by layer, because a node of the first layer has the most
 * next hops. Exits have accounts without limits: each message that they hand over is a mail.
 */
export const findBudget = (size: Size, loads: readonly number[], perDay: number): Findings => ({
  name: 'budget',
  title: `Nodes before the exits, each at an account of ${perDay} mails a day`,
  rows: loads.flatMap((load) => {
    const trial = { ...trialOf(size, load), warmUpMs: dayMs / 2, drainMs: dayMs };
    const { layers = [] } = trial.protocol.world;
    const last = Math.max(...layers);
    const rowOf = (mailsADay: string, limits: Limits | undefined): Findings['rows'][number] => {
      const affords = accountsOf(layers.map((layer) => (layer === last ? undefined : limits)));
      const { handled, relayMails, latenciesMs, undelivered, measuredDays } = simulate({
        ...trial,
        transportMs: () => minuteMs,
        affords,
      });
      const perNode = (numbers: Float64Array, layer: number): number =>
        Math.round(meanIn(layer, layers, numbers) / measuredDays);
      return {
        load,
        mailsADay,
        packetsInLayer1: perNode(handled, 1),
        mailsInLayer1: perNode(relayMails, 1),
        packetsInLayer2: perNode(handled, 2),
        mailsInLayer2: perNode(relayMails, 2),
        medianLatencyMin: minutes(quantile(latenciesMs, 0.5)),
        p99LatencyMin: minutes(quantile(latenciesMs, 0.99)),
        undelivered,
      };
    };
    return [rowOf(`${perDay}`, { perDay }), rowOf('any number', undefined)];
  }),
  meaning:
    'Packets that come to a node of that layer in a day, cover included, and mails with packets that it sends. What has no mail waits in the pool.',
});

/** What an observer is left with, and what it costs. */
const outcomeOf = (trial: Trial): Readonly<Record<string, number>> => outcomeIn(trial, measure(trial));

const outcomeIn = (trial: Trial, { outcome, recipients }: Measured): Readonly<Record<string, number>> => {
  const bits = better(recipients).map((one) => one.bits);
  const { nodes } = trial.protocol.world.network;
  return {
    medianLatencyMin: minutes(quantile(outcome.latenciesMs, 0.5)),
    p99LatencyMin: minutes(quantile(outcome.latenciesMs, 0.99)),
    recipientEntropyBits: rounded(meanOf(bits)),
    recipientEntropyMinBits: rounded(Math.min(...bits)),
    relayMailsPerNodeDay: Math.round(
      outcome.relayMails.reduce((sum, one) => sum + one, 0) / nodes.length / outcome.measuredDays,
    ),
  };
};

/** A setting that was thought of. */
interface Variant {
  readonly setting: string;
  readonly parameters?: Partial<NetworkParameters>;
  readonly settings?: Partial<OurSettings>;
}

const successors = (...counts: readonly number[]): Partial<NetworkParameters> => ({
  topology: { kind: 'layers', successors: counts },
});
const rate = (rate: number, minimum = 2): Partial<NetworkParameters> => ({ strategy: { kind: 'pool', minimum, rate } });

const variants: readonly Variant[] = [
  { setting: 'default' },
  { setting: 'successors 3 3 1', parameters: successors(3, 3, 1) },
  { setting: 'successors 4 4 4', parameters: successors(4, 4, 4) },
  { setting: 'all follow all', parameters: successors(99, 99, 99) },
  { setting: 'rate 0.6', parameters: rate(0.6) },
  { setting: 'rate 0.9', parameters: rate(0.9) },
  { setting: 'minimum 8', parameters: rate(0.75, 8) },
  { setting: 'interval 6 min', settings: { intervalMs: 6 * minuteMs } },
  { setting: 'interval 24 min', settings: { intervalMs: 24 * minuteMs } },
  { setting: 'no loops', settings: { loopsPerInterval: 0 } },
  { setting: '6 loops', settings: { loopsPerInterval: 6 } },
  { setting: 'free routes', parameters: { topology: { kind: 'free' } } },
  { setting: 'Poisson, mean 4 min', parameters: { strategy: { kind: 'poisson', meanMs: 4 * minuteMs } } },
];

/** What each default buys, and what it costs: the network with one of them changed. */
export const findTradeOff = (size: Size): Findings => ({
  name: 'trade-off',
  title: 'One default changed at a time, at load 1',
  rows: variants.map(({ setting, ...more }) => ({ setting, ...outcomeOf(trialOf(size, 1, more)) })),
  meaning: 'Mails are the mean of all nodes, with loops and receipts.',
});

const namesOf = { free: 'free routes', layers: 'layers' } as const;

/** The networks by which the defaults were first chosen, what had been found of them, and the defaults as they are now. */
export const findReference = (size: Size): Findings => {
  const rowOf = (trial: Trial): Findings['rows'][number] => {
    const measured = measure(trial);
    const { aware, blind } = measured.recipients;
    return {
      ...outcomeIn(trial, measured),
      awareBits: rounded(meanOf(aware.map(({ bits }) => bits))),
      blindBits: rounded(meanOf(blind.map(({ bits }) => bits))),
    };
  };
  return {
    name: 'reference',
    title: 'Plain pools of 12 minutes without cover, at load 1; what a first sketch found of them; and the defaults',
    rows: [
      ...sketch.map((one) => ({
        network: `${namesOf[one.topology]}, ${one.successors === undefined ? 'all pairs' : `${one.successors} successors`}`,
        rate: one.rate,
        minimum: one.minimum,
        ...rowOf({ ...trialOf(size, 1), protocol: referenceProtocol(one, size), drainMs: dayMs / 2 }),
        sketchMin: `${one.medianLatencyMin} / ${one.p99LatencyMin}`,
        sketchBits: `${one.recipientEntropyBits} / ${one.recipientEntropyMinBits}`,
        sketchMails: one.relayMailsPerNodeDay,
      })),
      { network: 'the defaults', rate: 0.75, minimum: 2, ...rowOf(trialOf(size, 1)) },
    ],
    meaning:
      'Aware counts hops, blind does not; the better is shown first. The sketch has median / p 99 and mean / lowest. The defaults have loops and receipts.',
  };
};
