import { streamRng } from '../base/random.js';
import { hourMs, minuteMs } from '../base/units.js';
import { type CompareOptions, defaultPace, ourTrial, peerTrials } from '../sim/compare.js';
import { type Delay, delayOf } from '../sim/delay.js';
import { quantile, run } from '../sim/measure.js';
import { ourDefaults } from '../sim/ours.js';
import type { Sending } from '../sim/sending.js';
import { layeredParameters, worldOf } from '../sim/world.js';
import {
  type Delayed,
  findBlockade,
  findCompromised,
  findDisclosure,
  findIntersection,
  type Findings,
} from './adversaries.js';
import { findLoads, findMeter } from './meter-study.js';
import { table } from './print.js';
import { findBudget, findReference, findTradeOff } from './studies.js';

export const adversaries = ['compromise', 'disclosure', 'intersection', 'n-1'] as const;
export const studies = ['load', 'budget', 'trade-off', 'meter', 'reference'] as const;
export type Question = (typeof adversaries)[number] | (typeof studies)[number];

/** Lists over which paths are drawn: each has other layers. */
const lists = 25;
const attacksPerLayer = 8;

const asWritten: Sending = { kind: 'as written' };
const paced = (meanMin: number): Sending => ({ kind: 'paced', meanMin });
const delayIn = (latenciesMs: Float64Array, scale = 1): Delay =>
  delayOf(latenciesMs.map((ms) => (scale * ms) / minuteMs));

/** Ours, and the peers as they come and with all times in the proportion in which half of their messages take as long as ours. */
export const delayedNetworks = (options: CompareOptions): readonly Delayed[] => {
  const own = run(ourTrial({ ...options, pace: undefined })).latenciesMs;
  const delay = delayIn(own);
  const paceMin = (options.pace?.meanMs ?? defaultPace.meanMs) / minuteMs;
  return [
    ...[paceMin / 2, paceMin, 2 * paceMin].map((minutes) => ({ name: 'mixmailer', delay, sending: paced(minutes) })),
    { name: 'mixmailer, no cover', delay, sending: asWritten },
    ...peerTrials(options).flatMap(({ name, trial }) => {
      const { latenciesMs } = run({ ...trial, traffic: { ...trial.traffic, pace: undefined } });
      const sending = trial.traffic.pace === undefined ? asWritten : paced(paceMin);
      return [
        { name, delay: delayIn(latenciesMs), sending },
        {
          name: `${name}, our median`,
          delay: delayIn(latenciesMs, quantile(own, 0.5) / quantile(latenciesMs, 0.5)),
          sending,
        },
      ];
    }),
  ];
};

/** Blockades of some nodes of each layer, begun at different times of their intervals. */
const blockades = (options: CompareOptions): Parameters<typeof findBlockade>[0] => {
  const trial = ourTrial({ ...options, days: 0.3, pace: undefined });
  const { layers = [] } = trial.protocol.world;
  const { intervalMs } = trial.protocol.mixing;
  return [...new Set(layers)].sort().map((layer) => {
    const nodes = layers.flatMap((one, node) => (one === layer ? [node] : []));
    return {
      who: `in layer ${layer}`,
      attacks: Array.from({ length: attacksPerLayer }, (_, attack) => {
        const from = 10 * hourMs + (attack * intervalMs) / attacksPerLayer;
        return {
          scenario: { ...trial, seed: options.seed + attack, drainMs: 4 * hourMs, transportMs: () => minuteMs },
          node: nodes[attack % nodes.length] ?? 0,
          loopsPerInterval: ourDefaults.loopsPerInterval,
          from,
          until: from + 10 * intervalMs,
        };
      }),
    };
  });
};

/** Runs what is asked, on a network of that size. */
export const find = (question: Question, options: CompareOptions): Findings => {
  const rng = streamRng(options.seed);
  switch (question) {
    case 'compromise': {
      const parameters = layeredParameters();
      const worlds = Array.from({ length: lists }, (_, list) =>
        worldOf({ nodes: options.nodes, parameters, seed: options.seed + list }),
      );
      return findCompromised(
        worlds.map(({ network }) => network),
        rng,
      );
    }
    case 'disclosure':
      return findDisclosure(delayedNetworks(options), rng);
    case 'intersection':
      return findIntersection(
        // The shortest pace needs more messages than anybody writes to one person.
        delayedNetworks(options).filter(({ name }, place) => place > 0 && (name.includes('our') || place < 4)),
        rng,
      );
    case 'n-1':
      return findBlockade(blockades(options));
    case 'load':
      return findLoads(options, [1, 0.5, 0.2, 0.1, 0.05, 0.01]);
    case 'budget':
      return findBudget(options, [0.5, 1, 2, 4], 350);
    case 'trade-off':
      return findTradeOff(options);
    case 'meter':
      return findMeter(options);
    case 'reference':
      return findReference(options);
  }
};

/** `medianLatencyMin` as `median latency min`. */
const words = (name: string): string => name.replaceAll(/[A-Z]|\d+/g, (part) => ` ${part.toLowerCase()}`);

/** What came out, for people. */
export const findingLines = ({ title, rows, meaning }: Findings): readonly string[] => {
  const names = Object.keys(rows[0] ?? {});
  return [
    title,
    '',
    ...table([names.map(words), ...rows.map((row) => names.map((name) => `${row[name] ?? ''}`))]),
    '',
    meaning,
  ];
};
