import { secondMs } from '../base/units.js';
import { placesOf } from '../path/topology.js';
import type { Counts, LoopsTold, Status } from '../ports/status.js';

interface Sample {
  readonly labels?: Readonly<Record<string, string>>;
  /** Undefined: not told. */
  readonly value: number | undefined;
}

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const escaped = (text: string): string => text.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n');

const labelText = (labels: Readonly<Record<string, string>> = {}): string => {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return all.length === 0 ? '' : `{${all.join(',')}}`;
};

const textOf = ({ name, help, samples }: Metric): string => {
  const told = samples.flatMap(({ labels, value }) =>
    value === undefined ? [] : [`${name}${labelText(labels)} ${value}\n`],
  );
  return told.length === 0 ? '' : `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${told.join('')}`;
};

const one = (name: string, help: string, value: number | undefined): Metric => ({ name, help, samples: [{ value }] });

const flag = (is: boolean): number => (is ? 1 : 0);

const byName = (name: string, help: string, counts: Counts): Metric => ({
  name,
  help,
  samples: Object.entries(counts).map(([what, value]) => ({ labels: { what }, value })),
});

const loopMetrics = (loops: LoopsTold): readonly Metric[] => [
  one(
    'mixmailer_day_loops_home_ratio',
    'Part of the own loops that came home in the last 24 full hours, in tenths',
    loops.partHome,
  ),
  {
    name: 'mixmailer_day_loop_seconds',
    help: 'Within how many seconds that part of the own loops came home in the last 24 full hours, to the next ten minutes',
    samples: [
      { labels: { quantile: '0.5' }, value: loops.medianMs === undefined ? undefined : loops.medianMs / secondMs },
      { labels: { quantile: '0.9' }, value: loops.p90Ms === undefined ? undefined : loops.p90Ms / secondMs },
    ],
  },
];

const listMetrics = ({ network }: Status): readonly Metric[] => {
  if (network === undefined) return [];
  const layers = placesOf(network)?.layers ?? [];
  return [
    one('mixmailer_list_number', 'Number of the list of nodes', network.consensus?.number),
    one('mixmailer_list_valid_until_timestamp_seconds', 'Until when it is valid', network.validUntil / secondMs),
    one('mixmailer_list_nodes', 'Nodes in it', network.nodes.length),
    {
      name: 'mixmailer_list_layer_nodes',
      help: 'Nodes in each layer of it',
      samples: layers.map(({ length }, i) => ({ labels: { layer: `${i + 1}` }, value: length })),
    },
  ];
};

/**
 * What a process tells of itself as Prometheus reads it (text format 0.0.4): gauges only. A counter, even a coarse one, would
 * tell by its steps when something happened.
 *
 * @param status undefined: it has told nothing yet
 */
export const metricsOf = (status: Status | undefined): string => {
  if (status === undefined) return '';
  const { role, version, account, heartbeat, hours, day } = status;
  const last = hours.at(-1);
  const metrics: readonly Metric[] = [
    { name: 'mixmailer_info', help: 'Which role this is', samples: [{ labels: { role, version }, value: 1 }] },
    one('mixmailer_live', 'Whether its loops turn', flag(status.isLive)),
    one('mixmailer_ready', 'Whether it does its work', flag(status.isReady)),
    one('mixmailer_start_timestamp_seconds', 'When it began, to ten minutes', status.startedAt / secondMs),
    one('mixmailer_anonymity_bits', 'What the meter says of a mail sent now', status.bits),
    one('mixmailer_anonymity_floor_bits', 'Bits below which a client sends nothing', status.floorBits),
    byName('mixmailer_waiting', 'What waits, looked at every ten minutes; one digit, 0 below ten', status.waiting),
    one('mixmailer_account_day_limit_mails', 'Mails a day that the account may send now', account.perDay),
    one('mixmailer_account_warned', 'Whether its provider has complained', flag(account.isWarned)),
    one('mixmailer_day_mails', 'Mails that it has sent in the last 24 full hours; one digit, 0 below ten', day.mails),
    one('mixmailer_hour_mails', 'Mails that it has sent in the last full hour; one digit, 0 below ten', last?.mails),
    byName(
      'mixmailer_hour',
      'What the log counted in the last full hour; one digit, fewer than ten are left out',
      last?.counts ?? {},
    ),
    byName(
      'mixmailer_day',
      'What the log counted in the last 24 full hours; one digit, fewer than ten are left out',
      day.counts,
    ),
    one(
      'mixmailer_pool_held',
      'Whether nothing leaves the pool because too few loops come home',
      heartbeat && flag(heartbeat.isHolding),
    ),
    one(
      'mixmailer_loops_returned_ratio',
      'Part of the own loops that comes home, learned over a day',
      heartbeat?.returned,
    ),
    ...loopMetrics(day.loops),
    ...listMetrics(status),
  ];
  return metrics.map(textOf).join('');
};
