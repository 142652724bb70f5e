import { join } from 'node:path';
import { readPrivateFile } from './adapters/owner-only.js';
import { mailboxIn } from './base/address.js';
import { RouteError, unreachable } from './base/errors.js';
import { dayMs, hourMs, secondMs } from './base/units.js';
import { type AuthorityConfig, type Fail, type ListConfig, type NetworkConfig } from './config.js';
import type { FileConfig } from './config-schema.js';
import { moreThanHalf } from './council/majority.js';
import { parseInvitation } from './council/invitation.js';
import { forLayers, usualSuccessors } from './route/consensus.js';
import { defaultNetworkParameters } from './route/network.js';
import type { Strategy } from './route/strategy.js';

/** Where the invitation is kept that `--join` was given. */
export const invitationFile = (data: string): string => join(data, 'invitation');

/**
 * The network of a node or client: as the file says, or else as `--join` has put it into the data folder.
 *
 * @throws ConfigError when others may read what is there
 */
export const networkOf = (
  { network, data }: { readonly network: FileConfig['network']; readonly data: string },
  at: (name: string) => string,
  fail: Fail,
): NetworkConfig | undefined => {
  if (network?.list !== undefined || network?.authorities !== undefined || network?.threshold !== undefined)
    return listOf(network, at, fail);
  const sources = (network?.sources ?? []).map((source) => (URL.canParse(source) ? source : at(source)));
  const origin = network?.join === undefined ? 'data' : 'file';
  const text = network?.join ?? readPrivateFile(invitationFile(data));
  if (text === undefined) return undefined;
  try {
    return { kind: 'join', invitation: parseInvitation(text.trim()), origin, sources };
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
    const key = origin === 'file' ? 'network.join' : invitationFile(data);
    fail(key, 'an invitation, whole and unchanged', `something else: ${error.message}`);
    return undefined;
  }
};

const listOf = (
  network: NonNullable<FileConfig['network']>,
  at: (name: string) => string,
  fail: Fail,
): ListConfig | undefined => {
  for (const key of ['join', 'sources'] as const)
    if (network[key] !== undefined) fail(`network.${key}`, 'either this, or list and authorities', 'both');
  for (const key of ['list', 'authorities'] as const)
    if (network[key] === undefined) fail(`network.${key}`, 'list and authorities together, or join alone', 'nothing');
  const authorities = (network.authorities ?? []).map((key) => key.toLowerCase());
  const distinct = new Set(authorities).size;
  if (distinct < authorities.length) fail('network.authorities', 'each key once', 'a key twice');
  const threshold = network.threshold ?? moreThanHalf(distinct);
  if (threshold > distinct && network.authorities !== undefined)
    fail('network.threshold', `at most the number of authorities, ${distinct}`, `${threshold}`);
  return { kind: 'list', list: at(network.list ?? ''), authorities, threshold };
};

/** Authorities that agree by mail need hours for it; one alone can let in who comes while they wait for it. */
const usualPeriodMs = { alone: hourMs, several: dayMs } as const;
const usualProbesPerDay = 4;

type FileParameters = NonNullable<FileConfig['authority']>['parameters'];

/** The keys of each strategy. */
const keysOf = { pool: ['poolMinimum', 'poolRate'], poisson: ['delaySeconds'], threshold: ['threshold'] } as const;
/** Of the strategies that are there to compare with. */
const usualDelaySeconds = 600;
const usualThreshold = 10;

const strategyOf = (parameters: FileParameters, fail: Fail): Strategy => {
  const { strategy, poolMinimum, poolRate, delaySeconds, threshold } = parameters;
  for (const [kind, keys] of Object.entries(keysOf))
    for (const key of keys)
      if (kind !== strategy && parameters[key] !== undefined)
        fail(`authority.parameters.${key}`, `strategy = "${kind}" with it`, `"${strategy}"`);
  const usual = defaultNetworkParameters.strategy;
  switch (strategy) {
    case 'pool':
      return {
        kind: 'pool',
        minimum: poolMinimum ?? (usual.kind === 'pool' ? usual.minimum : 1),
        // As many digits as a list has.
        rate: Number((poolRate ?? (usual.kind === 'pool' ? usual.rate : 1)).toFixed(6)),
      };
    case 'poisson':
      return { kind: 'poisson', meanMs: (delaySeconds ?? usualDelaySeconds) * secondMs };
    case 'threshold':
      return { kind: 'threshold', count: threshold ?? usualThreshold };
    default:
      return unreachable(strategy);
  }
};

const successorsOf = ({ pathLength, successors }: FileParameters, fail: Fail): readonly number[] => {
  if (successors === undefined) return usualSuccessors(pathLength);
  if (typeof successors === 'number') return forLayers([successors], pathLength);
  if (successors.length !== pathLength)
    fail('authority.parameters.successors', `one number for each of ${pathLength} layers`, `${successors.length}`);
  return forLayers(successors, pathLength);
};

/** What an authority does and votes for. */
export const authorityOf = (
  authority: NonNullable<FileConfig['authority']>,
  {
    data,
    proxy,
    at,
    fail,
  }: {
    readonly data: string;
    readonly proxy: string | undefined;
    readonly at: (name: string) => string;
    readonly fail: Fail;
  },
): AuthorityConfig => {
  const { pathLength, mixSchedule, topology } = authority.parameters;
  const peers = authority.peers.map(({ key, address }) => ({
    key: key.toLowerCase(),
    address: mailboxIn(address) ?? address,
  }));
  if (new Set(peers.map(({ key }) => key)).size < peers.length) fail('authority.peers', 'each key once', 'a key twice');
  if (proxy !== undefined && authority.lookup === undefined)
    fail('authority.lookup', '"none", or "mx", which asks the DNS past mail.proxy', 'nothing');
  const usual = peers.length === 0 ? usualPeriodMs.alone : usualPeriodMs.several;
  const periodMs = authority.period === undefined ? usual : authority.period * secondMs;
  return {
    key: authority.key === undefined ? join(data, 'authority.key') : at(authority.key),
    peers,
    periodMs,
    parameters: {
      pathLength,
      mixSchedule,
      strategy: strategyOf(authority.parameters, fail),
      topology:
        topology === 'free'
          ? { kind: 'free' }
          : { kind: 'layers', successors: successorsOf(authority.parameters, fail) },
      mostPerOperator: authority.mostPerOperator,
    },
    candidatesPerHour: authority.candidatesPerHour,
    probesPerPeriod: authority.probesPerPeriod ?? (usualProbesPerDay * Math.min(periodMs, dayMs)) / dayMs,
    publish: authority.publish === undefined ? undefined : at(authority.publish),
    lookup: authority.lookup ?? 'mx',
  };
};
