import type { Command } from 'commander';
import { systemClock } from '../adapters/system.js';
import { unreachable } from '../base/errors.js';
import { minuteMs, secondMs } from '../base/units.js';
import { forgetForks, type NetworkView, viewNetwork } from '../compose-view.js';
import { loadConfig } from '../config.js';
import type { NodeId } from '../base/ids.js';
import { bitsOf, flowOf, meterOf } from '../mix/meter.js';
import type { Network, NetworkParameters, Standing } from '../route/network.js';
import { placesOf } from '../path/topology.js';
import { withConfig } from './config-option.js';
import { printer, shortTime, table } from './print.js';
import { bitsText } from './queue.js';

interface ShowOptions {
  readonly config: string;
  readonly json?: true;
}

/** `mixmailer network show` and `forget-fork`: the network as this configuration's process sees it. */
export const registerShow = (network: Command): void => {
  withConfig(
    network
      .command('show', { isDefault: true })
      .description('show nodes, layers, providers, reliability, and who signed the list that is used here'),
    'configuration of a node, a client or an authority',
    'node',
    'client',
  )
    .option('--json', 'for programs')
    .action(({ config: file, json }: ShowOptions, command: Command) => {
      const now = systemClock.now();
      const view = viewNetwork(loadConfig(file), now);
      const print = printer(command);
      if (json === true) print(JSON.stringify(recordOf(view, now), undefined, 2));
      else print(...linesOf(view, now));
    });
  withConfig(
    network
      .command('forget-fork')
      .description('after a fork, and after asking people: forget both lists, and take the next one that comes'),
    'configuration of a node or a client',
    'node',
    'client',
  ).action(({ config: file }: ShowOptions, command: Command) => {
    const count = forgetForks(loadConfig(file));
    printer(command)(count === 0 ? 'there is no fork' : 'forgotten; the next list that comes is taken');
  });
};

/** `3 s`, `12 min`, `5 h`, `2 d`. */
const spanText = (ms: number): string => {
  if (ms < 2 * minuteMs) return `${Math.round(ms / secondMs)} s`;
  if (ms < 120 * minuteMs) return `${Math.round(ms / minuteMs)} min`;
  return ms < 48 * 60 * minuteMs ? `${Math.round(ms / 60 / minuteMs)} h` : `${Math.round(ms / 24 / 60 / minuteMs)} d`;
};

const percent = (perMille: number | undefined): string => (perMille === undefined ? '-' : `${perMille / 10} %`);
const optionalSpan = (ms: number | undefined): string => (ms === undefined ? '-' : spanText(ms));

const layerText = ({ parameters, standings }: Network, nodeId: NodeId, layer: number | undefined): string => {
  if (standings.get(nodeId)?.leaving === true) return 'leaving';
  if (parameters.topology.kind === 'free') return 'any';
  return layer === undefined ? 'none' : `${layer}`;
};

const byRank = <T extends number | string>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

const nodeRows = (network: Network): readonly (readonly string[])[] => {
  const places = placesOf(network);
  const layerOf = (nodeId: NodeId): number => places?.layerOf(nodeId) ?? Infinity;
  return network.nodes
    .toSorted((a, b) => byRank(layerOf(a.nodeId), layerOf(b.nodeId)) || byRank(a.name, b.name))
    .map((node) => {
      const standing: Partial<Standing> = network.standings.get(node.nodeId) ?? {};
      return [
        layerText(network, node.nodeId, places?.layerOf(node.nodeId)),
        node.name,
        node.roles.join('+'),
        standing.operator ?? node.provider,
        percent(standing.deliveredPerMille),
        optionalSpan(standing.medianMs),
        optionalSpan(standing.p90Ms),
        node.address,
      ];
    });
};

const ageLine = ({ validFrom, validUntil, consensus }: Network, now: number): string => {
  const age = now < validFrom ? `valid in ${spanText(validFrom - now)}` : `${spanText(now - validFrom)} old`;
  const next = consensus === undefined ? '' : `, a new one every ${spanText(consensus.periodMs)}`;
  return `${age}, valid until ${shortTime(validUntil)} UTC${next}`;
};

const listLines = ({ network, signers, objection }: NetworkView & { readonly network: Network }, now: number) => [
  `list ${network.consensus === undefined ? '' : `${network.consensus.number} `}of ${network.nodes.length} nodes, ${ageLine(network, now)}`,
  `digest ${network.digest}`,
  topologyLine(network),
  meterLine(network),
  strategyText(network.parameters),
  ...(objection === undefined ? [] : [`NOT USED: ${objection.message}`]),
  '',
  ...table([['layer', 'name', 'roles', 'operator', 'delivered', 'median', '90 %', 'address'], ...nodeRows(network)]),
  '',
  ...table(signers.map(({ key, address, state }) => [stateWords[state], key, address ?? ''])),
];

const stateWords = { signed: 'signed by', missing: 'no signature of', bad: 'WRONG signature of' } as const;

/** How a network mixes, in words. */
export const strategyText = ({ strategy, mixSchedule }: NetworkParameters): string => {
  const flushed = `pools flushed at ${mixSchedule}`;
  switch (strategy.kind) {
    case 'pool':
      return `${flushed}, ${strategy.minimum} packets stay, rate ${strategy.rate}`;
    case 'poisson':
      return `${flushed}, senders draw delays of ${spanText(strategy.meanMs)} on average`;
    case 'threshold':
      return `${flushed} that hold ${strategy.count} packets`;
    default:
      return unreachable(strategy);
  }
};

const successorsText = (numbers: readonly number[]): string =>
  new Set(numbers).size === 1 ? `${numbers[0] ?? 0}` : numbers.join(', ');

const topologyLine = ({ parameters: { topology, pathLength, mostPerOperator } }: Network): string =>
  [
    topology.kind === 'free'
      ? `paths of ${pathLength} hops, any node after any other`
      : `paths through ${pathLength} layers, ${successorsText(topology.successors)} successors for each node`,
    ...(mostPerOperator === undefined
      ? []
      : [`at most ${mostPerOperator} nodes of one operator${topology.kind === 'free' ? '' : ' in a layer'}`]),
  ].join('; ');

const meterLine = (network: Network): string => {
  const flow = flowOf(network);
  if (flow === undefined) return 'anonymity unknown: no exit says how many mails it hands over';
  const { deliveriesPerMinute, packetsPerInterval } = flow;
  const perDay = Math.round(deliveriesPerMinute * 24 * 60);
  return `anonymity ${bitsText(bitsOf(flow))} for a mail sent now, among ${perDay} that are handed over a day, ${Math.round(packetsPerInterval)} packets a node and mix interval`;
};

const troubleLines = ({ forks, contradictions }: NetworkView): readonly string[] => [
  ...forks.flatMap(({ number, digests, authorities }) => [
    '',
    `FORK: two lists of number ${number}, ${digests.join(' and ')}`,
    ...authorities.map((key) => `signed both: ${key}`),
    'Nothing is sent until mixmailer network forget-fork; docs/operating.md says what to do before.',
  ]),
  ...contradictions.map(
    ({ kind, number, authority }) => `EVIDENCE: two ${kind}s of one authority for ${number}: ${authority}`,
  ),
];

const linesOf = (view: NetworkView, now: number): readonly string[] => {
  const { network, objection } = view;
  return [
    ...(network === undefined
      ? [objection?.message ?? 'there is no list yet: it comes by mail, to a node or client that runs']
      : listLines({ ...view, network }, now)),
    ...troubleLines(view),
  ];
};

const isoTime = (at: number): string => new Date(at).toISOString();

/** The network as programs read it; what is not known is null. */
const recordOf = ({ network, objection, signers, forks, contradictions }: NetworkView, now: number) => {
  const places = network && placesOf(network);
  return {
    problem: objection?.code ?? null,
    number: network?.consensus?.number ?? null,
    digest: network?.digest ?? null,
    nodeCount: network?.nodes.length ?? 0,
    periodSeconds: network?.consensus === undefined ? null : network.consensus.periodMs / secondMs,
    ageSeconds: network === undefined ? null : Math.round((now - network.validFrom) / secondMs),
    validFrom: network === undefined ? null : isoTime(network.validFrom),
    validUntil: network === undefined ? null : isoTime(network.validUntil),
    parameters: network?.parameters ?? null,
    bits: (network && meterOf(network)) ?? null,
    nodes: (network?.nodes ?? []).map(({ nodeId, name, address, provider, roles }) => {
      const standing = network?.standings.get(nodeId);
      return {
        node: nodeId,
        name,
        address,
        roles,
        provider,
        operator: standing?.operator ?? null,
        layer: places?.layerOf(nodeId) ?? null,
        deliveredPerMille: standing?.deliveredPerMille ?? null,
        medianSeconds: standing?.medianMs === undefined ? null : standing.medianMs / secondMs,
        p90Seconds: standing?.p90Ms === undefined ? null : standing.p90Ms / secondMs,
        leaving: standing?.leaving ?? false,
      };
    }),
    authorities: signers.map(({ key, address, state }) => ({ key, address: address ?? null, signature: state })),
    forks: forks.map(({ number, digests, authorities }) => ({ number, digests, authorities })),
    evidence: contradictions.map(({ authority, number, kind }) => ({ authority, number, kind })),
  };
};
