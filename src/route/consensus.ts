import { mailboxIn, parseDomain } from '../base/address.js';
import type { NodeId } from '../base/ids.js';
import { parseNodeId } from '../base/ids.js';
import { secondMs } from '../base/units.js';
import { badDocument, type Field, type Fields, inRange, readDigest } from './document.js';
import type { AuthorityAddress, Consensus, NetworkParameters, PastConsensus, Standing, Topology } from './network.js';

// The fields of a network list that authorities which agree by mail add to it.

/** Two periods of an hour a day for 86 years; more than that is no number of a list. */
export const mostPeriods = 999_999_999;
export const longestPeriodSeconds = 90 * 86_400;
export const mostHops = 5;
export const mostSuccessors = 64;
export const mostHistory = 32;
export const mostAuthorities = 64;

/** One number for each layer; where there are fewer the last one holds for all further layers, and more are left out. */
export const forLayers = (numbers: readonly number[], layers: number): readonly number[] =>
  Array.from({ length: layers }, (_, layer) => numbers[layer] ?? numbers.at(-1) ?? 1);

/**
 * What serves best by our reckoning (docs/decisions/0024): 3, and 2 behind the last layer, where only loops, receipts and
 * replies go.
 */
export const usualSuccessors = (pathLength: number): readonly number[] =>
  Array.from({ length: pathLength }, (_, layer) => (layer === pathLength - 1 ? 2 : 3));

/** One number where it is the same for all layers. */
const shortest = (numbers: readonly number[]): readonly number[] =>
  new Set(numbers).size === 1 ? numbers.slice(0, 1) : numbers;

export const topologyLines = ({ topology, mostPerOperator }: NetworkParameters): string[] => [
  ...(topology.kind === 'free' ? [] : [`topology layers ${shortest(topology.successors).join(' ')}`]),
  ...(mostPerOperator === undefined ? [] : [`most-per-operator ${mostPerOperator}`]),
];

const readTopology =
  (pathLength: number) =>
  (value: string): Topology | undefined => {
    if (value === 'free') return { kind: 'free' };
    const [kind, ...counts] = value.split(' ');
    const successors = counts.flatMap((count) => inRange(1, mostSuccessors)(count) ?? []);
    const isList = counts.length > 0 && counts.length <= mostHops && successors.length === counts.length;
    return kind === 'layers' && isList ? { kind, successors: forLayers(successors, pathLength) } : undefined;
  };

export const topologyIn = (fields: Fields, pathLength: number): Topology =>
  fields.optional('topology') === undefined
    ? { kind: 'free' }
    : fields.one(
        'topology',
        `free, or layers and up to ${mostHops} numbers of 1 to ${mostSuccessors}`,
        readTopology(pathLength),
      );

export const consensusLines = (consensus: Consensus): string[] => [
  `number ${consensus.number}`,
  `period ${consensus.periodMs / secondMs}`,
  `randomness ${consensus.randomness}`,
  ...authorityLines(consensus.authorities),
  ...historyLines(consensus.history),
];

export const authorityLines = (authorities: readonly AuthorityAddress[]): string[] =>
  authorities.map(({ key, address }) => `authority ${key} ${address}`);

export const historyLines = (history: readonly PastConsensus[]): string[] =>
  history.map(({ number, digest }) => `history ${number} ${digest}`);

const readAuthority = ({ value }: Field): AuthorityAddress => {
  const [key = '', address = '', ...rest] = value.split(' ');
  if (readDigest(key) === undefined || mailboxIn(address) !== address || rest.length > 0)
    throw badDocument('authority: expected a public key and a mailbox');
  return { key, address };
};

const readPast = ({ value }: Field): PastConsensus => {
  const [first = '', digest = '', ...rest] = value.split(' ');
  const number = inRange(0, mostPeriods)(first);
  if (number === undefined || readDigest(digest) === undefined || rest.length > 0)
    throw badDocument('history: expected a number and a digest');
  return { number, digest };
};

/** @throws RouteError `route/bad-document` when one is wrong, one key is there twice, or there are too many */
export const authoritiesIn = (fields: Fields): readonly AuthorityAddress[] => {
  const lines = fields.many('authority');
  if (lines.length > mostAuthorities) throw badDocument(`authority: expected at most ${mostAuthorities}`);
  const authorities = lines.map(readAuthority);
  if (new Set(authorities.map(({ key }) => key)).size < authorities.length)
    throw badDocument('authority: expected each key once');
  return authorities;
};

/** Of the list `number`. @throws RouteError `route/bad-document` when it isn't a list of earlier ones, newest first */
export const historyIn = (fields: Fields, number: number): readonly PastConsensus[] => {
  const lines = fields.many('history');
  if (lines.length > mostHistory) throw badDocument(`history: expected at most ${mostHistory}`);
  const history = lines.map(readPast);
  if ([number, ...history.map((past) => past.number)].some((one, i, all) => i > 0 && one >= (all[i - 1] ?? 0)))
    throw badDocument('history: expected earlier lists only, newest first');
  return history;
};

/** @throws RouteError `route/bad-document` when only some of the fields are there, or one is wrong */
export const consensusIn = (fields: Fields): Consensus | undefined => {
  if (fields.optional('number') === undefined) return undefined;
  const number = fields.one('number', 'an integer', inRange(0, mostPeriods));
  return {
    number,
    periodMs: fields.one('period', 'seconds', inRange(1, longestPeriodSeconds)) * secondMs,
    randomness: fields.one('randomness', '64 lower-case hex digits', readDigest),
    authorities: authoritiesIn(fields),
    history: historyIn(fields, number),
  };
};

const optionalNumber = (value: number | undefined, unit = 1): string =>
  value === undefined ? '-' : `${Math.round(value / unit)}`;

export const standingLine = (nodeId: NodeId, standing: Standing): string =>
  [
    'standing',
    nodeId,
    standing.operator,
    optionalNumber(standing.deliveredPerMille),
    optionalNumber(standing.medianMs, secondMs),
    optionalNumber(standing.p90Ms, secondMs),
    ...(standing.leaving ? ['leaving'] : []),
  ].join(' ');

const readOptional = (text: string, most: number): number | undefined => {
  const value = text === '-' ? undefined : inRange(0, most)(text);
  if (value === undefined && text !== '-') throw badDocument('standing: expected numbers, or - for what is not known');
  return value;
};

/** A standing from the values behind its keyword. @throws RouteError `route/bad-document` */
export const readStanding = (value: string): readonly [NodeId, Standing] => {
  const [id = '', operator = '', delivered = '', median = '', p90 = '', leaving, ...rest] = value.split(' ');
  const nodeId = parseNodeId(id);
  if (
    nodeId !== id ||
    parseDomain(operator) !== operator ||
    rest.length > 0 ||
    !['leaving', undefined].includes(leaving)
  )
    throw badDocument('standing: expected a node, its operator, three numbers, and perhaps "leaving"');
  const inMs = (text: string): number | undefined => {
    const seconds = readOptional(text, longestPeriodSeconds);
    return seconds === undefined ? undefined : seconds * secondMs;
  };
  return [
    nodeId,
    {
      operator,
      deliveredPerMille: readOptional(delivered, 1000),
      medianMs: inMs(median),
      p90Ms: inMs(p90),
      leaving: leaving !== undefined,
    },
  ];
};

export const standingsIn = (fields: Fields): ReadonlyMap<NodeId, Standing> => {
  const all = fields.many('standing').map(({ value }) => readStanding(value));
  const standings = new Map(all);
  if (standings.size < all.length) throw badDocument('standing: expected once a node');
  return standings;
};
