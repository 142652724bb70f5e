import { topologyIn, topologyLines } from './consensus.js';
import { type Fields, inRange } from './document.js';
import type { NetworkParameters } from './network.js';

// What all do alike, as lines of a list and of the votes for it.

export const mostHops = 5;

const readRate = (value: string): number | undefined =>
  /^(0\.\d{1,6}|1)$/.test(value) && Number(value) > 0 ? Number(value) : undefined;
const readSchedule = (value: string): string | undefined =>
  /^[\d*/,-]+( [\d*/,-]+){4,5}$/.test(value) && value.length <= 100 ? value : undefined;

export const parameterLines = (parameters: NetworkParameters): string[] => [
  `path-length ${parameters.pathLength}`,
  `mix-schedule ${parameters.mixSchedule}`,
  `pool-minimum ${parameters.poolMinimum}`,
  `pool-rate ${parameters.poolRate}`,
  ...topologyLines(parameters),
];

/** @throws RouteError `route/bad-document` when one is missing, wrong or twice */
export const parametersIn = (fields: Fields): NetworkParameters => ({
  pathLength: fields.one('path-length', `an integer from 1 to ${mostHops}`, inRange(1, mostHops)),
  mixSchedule: fields.one('mix-schedule', 'a cron expression of 5 or 6 fields', readSchedule),
  poolMinimum: fields.one('pool-minimum', 'an integer from 1 to 1000000', inRange(1, 1_000_000)),
  poolRate: fields.one('pool-rate', 'a number above 0, at most 1, with at most 6 digits', readRate),
  topology: topologyIn(fields),
  mostPerOperator:
    fields.optional('most-per-operator') &&
    fields.one('most-per-operator', 'an integer from 1 to 1000000', inRange(1, 1_000_000)),
});
