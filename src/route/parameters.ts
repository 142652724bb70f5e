import { unreachable } from '../base/errors.js';
import { secondMs } from '../base/units.js';
import { mostHops, topologyIn, topologyLines } from './consensus.js';
import { type Fields, inRange } from './document.js';
import type { NetworkParameters } from './network.js';
import { longestDelayMs, type Strategy } from './strategy.js';

// What all do alike, as lines of a list and of the votes for it.

const readRate = (value: string): number | undefined =>
  /^(0\.\d{1,6}|1)$/.test(value) && Number(value) > 0 ? Number(value) : undefined;
const readSchedule = (value: string): string | undefined =>
  /^[\d*/,-]+( [\d*/,-]+){4,5}$/.test(value) && value.length <= 100 ? value : undefined;

export const mostInPool = 1_000_000;
export const longestMeanSeconds = longestDelayMs / secondMs;

const strategyLines = (strategy: Strategy): string[] => {
  switch (strategy.kind) {
    case 'pool':
      return [`pool-minimum ${strategy.minimum}`, `pool-rate ${strategy.rate}`];
    case 'poisson':
      return [`mix-strategy poisson ${strategy.meanMs / secondMs}`];
    case 'threshold':
      return [`mix-strategy threshold ${strategy.count}`];
    default:
      return unreachable(strategy);
  }
};

const readStrategy = (value: string): Strategy | undefined => {
  const [kind, number = '', ...rest] = value.split(' ');
  if (rest.length > 0) return undefined;
  const seconds = inRange(1, longestMeanSeconds)(number);
  if (kind === 'poisson' && seconds !== undefined) return { kind, meanMs: seconds * secondMs };
  const count = inRange(1, mostInPool)(number);
  return kind === 'threshold' && count !== undefined ? { kind, count } : undefined;
};

const strategyIn = (fields: Fields): Strategy =>
  fields.optional('mix-strategy') === undefined
    ? {
        kind: 'pool',
        minimum: fields.one('pool-minimum', `an integer from 1 to ${mostInPool}`, inRange(1, mostInPool)),
        rate: fields.one('pool-rate', 'a number above 0, at most 1, with at most 6 digits', readRate),
      }
    : fields.one(
        'mix-strategy',
        `poisson and 1 to ${longestMeanSeconds} seconds, or threshold and 1 to ${mostInPool}`,
        readStrategy,
      );

export const parameterLines = (parameters: NetworkParameters): string[] => [
  `path-length ${parameters.pathLength}`,
  `mix-schedule ${parameters.mixSchedule}`,
  ...strategyLines(parameters.strategy),
  ...topologyLines(parameters),
];

/** @throws RouteError `route/bad-document` when one is missing, wrong or twice */
export const parametersIn = (fields: Fields): NetworkParameters => {
  const pathLength = fields.one('path-length', `an integer from 1 to ${mostHops}`, inRange(1, mostHops));
  return {
    pathLength,
    mixSchedule: fields.one('mix-schedule', 'a cron expression of 5 or 6 fields', readSchedule),
    strategy: strategyIn(fields),
    topology: topologyIn(fields, pathLength),
    mostPerOperator:
      fields.optional('most-per-operator') &&
      fields.one('most-per-operator', 'an integer from 1 to 1000000', inRange(1, 1_000_000)),
  };
};
