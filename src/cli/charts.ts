import type { Axis, Chart, Series } from '../adapters/plots.js';

/** A row of `mixmailer simulate --compare`, as far as it is drawn. */
export interface ComparedRow {
  readonly name: string;
  readonly tuning: 'default' | 'equal-latency';
  readonly load: number;
  readonly recipientEntropyBits: number;
  readonly senderEntropyBits: number;
  readonly observerSuccess: number;
  readonly relayMailsPerNodeDay: number;
  readonly mailsPerMessage: number;
  /** Minutes of one message each. */
  readonly latenciesMin: ArrayLike<number>;
}

/** Days until ten contacts are known. */
export interface DisclosedRow {
  readonly name: string;
  readonly days: number;
}

const labelOf = ({ name, tuning, load }: ComparedRow): string =>
  `${name}${load === 1 ? '' : `, load ${load}`}${tuning === 'default' ? '' : ', slowed'}`;

const bars = (name: string): Axis => ({ name, scale: 'linear', min: 0 });

const quantiles = 200;

/** Which share of the messages has arrived after how many minutes. */
const distribution = (name: string, latenciesMin: ArrayLike<number>): Series => {
  const sorted = Float64Array.from(latenciesMin).sort();
  return {
    name,
    points: Array.from({ length: quantiles + 1 }, (_, step) => {
      const share = step / quantiles;
      const at = sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
      return [Math.round(at * 10) / 10, share] as const;
    }),
  };
};

const latencyChart = (rows: readonly ComparedRow[]): Chart => ({
  name: 'latency',
  title: 'How long messages are under way',
  caption:
    "Share of the messages that are delivered within so many minutes, from the client's mail on; everybody with their own default parameters.",
  x: { name: 'minutes', scale: 'linear', min: 0, max: 240 },
  y: { name: 'share of messages', scale: 'linear', min: 0, max: 1 },
  kind: 'line',
  series: rows
    .filter(({ tuning }) => tuning === 'default')
    .map((row) => {
      const { name, points } = distribution(labelOf(row), row.latenciesMin);
      return { name, points: points.filter(([minutes]) => minutes <= 240) };
    }),
});

const loadChart = (rows: readonly ComparedRow[]): Chart => {
  const names = [...new Set(rows.map(({ name }) => name))];
  const over = (name: string, what: (row: ComparedRow) => number): Series['points'] =>
    rows
      .filter((row) => row.name === name && row.tuning === 'default')
      .map((row) => [row.load, rounded(what(row))] as const)
      .toSorted(([a], [b]) => a - b);
  return {
    name: 'entropy',
    title: 'Anonymity over load',
    caption:
      'Bits of entropy of the recipient, and of the sender, as a global observer sees them, over real packets for each node and minute. One bit less halves the number of those it may have been.',
    x: { name: 'real packets a node and minute', scale: 'log', min: 0.01, max: 1 },
    y: { name: 'bits', scale: 'linear', min: 0 },
    kind: 'line',
    series: names
      .filter((name) => new Set(rows.filter((row) => row.name === name).map(({ load }) => load)).size > 1)
      .flatMap((name) => [
        { name: `${name}, recipient`, points: over(name, (row) => row.recipientEntropyBits) },
        { name: `${name}, sender`, points: over(name, (row) => row.senderEntropyBits) },
      ]),
  };
};

const rounded = (value: number): number => Number(value.toPrecision(3));

/** One bar for each name and tuning at full load. */
const comparedBars = (
  rows: readonly ComparedRow[],
  chart: Pick<Chart, 'name' | 'title' | 'caption' | 'y'> & { readonly value: (row: ComparedRow) => number },
): Chart => {
  const { value, ...rest } = chart;
  const full = rows.filter(({ load }) => load === 1);
  const names = [...new Set(full.map(({ name }) => name))];
  return {
    ...rest,
    x: { name: '', scale: { names } },
    kind: 'bar',
    series: (['default', 'equal-latency'] as const).map((tuning) => ({
      name: tuning === 'default' ? 'own defaults' : "slowed or sped up to MixMailer's median latency",
      points: names.flatMap((name, place) => {
        const row = full.find((one) => one.name === name && one.tuning === tuning);
        return row === undefined ? [] : [[place, rounded(value(row))] as const];
      }),
    })),
  };
};

const disclosureChart = (disclosed: readonly DisclosedRow[]): Chart => ({
  name: 'disclosure',
  title: 'Days until ten contacts are known',
  caption:
    'How long a global observer has to watch one person who writes ten messages a day before it knows all ten contacts; the higher, the better. No bar: not within five years.',
  x: { name: '', scale: { names: disclosed.map(({ name }) => name) } },
  y: bars('days'),
  kind: 'bar',
  series: [
    {
      name: 'days',
      points: disclosed.flatMap(({ days }, place) => (days < Infinity ? [[place, rounded(days)] as const] : [])),
    },
  ],
});

/** What `--plots` draws of a comparison. */
export const chartsOf = (rows: readonly ComparedRow[], disclosed: readonly DisclosedRow[]): readonly Chart[] => [
  latencyChart(rows),
  loadChart(rows),
  comparedBars(rows, {
    name: 'observer',
    title: 'How often a global observer guesses right',
    caption:
      'Share of the messages whose recipient is the best guess of an observer who sees all mails; the lower, the better.',
    y: bars('share of messages'),
    value: ({ observerSuccess }) => observerSuccess,
  }),
  disclosureChart(disclosed),
  comparedBars(rows, {
    name: 'mails',
    title: 'Mails for each message',
    caption: 'Mails between nodes for each message delivered, cover included; the lower, the better.',
    y: bars('mails'),
    value: ({ mailsPerMessage }) => mailsPerMessage,
  }),
];
