import { leastTold } from '../base/coarse.js';
import { minuteMs } from '../base/units.js';
import type { HourTold, Status } from '../ports/status.js';
import { type Chart, chartOf } from './charts.js';
import { type Html, html } from './html.js';
import { countText, percentText } from './words.js';

const valuesOf = (
  hours: readonly HourTold[],
  of: (hour: HourTold) => number | undefined,
): readonly (number | undefined)[] => hours.map(of);

const countIn =
  (name: string) =>
  ({ counts }: HourTold): number =>
    counts[name] ?? 0;

const minutesText = (minutes: number): string => `${minutes} min`;
const minutesOf = (ms: number | undefined): number | undefined => ms && ms / minuteMs;
const shortCount = (count: number): string => (count >= 1000 ? `${count / 1000}k` : `${count}`);

type Line = readonly [name: string, of: (hour: HourTold) => number | undefined];

const chart = (hours: readonly HourTold[], rest: Omit<Chart, 'hours' | 'series'>, first: Line, second?: Line): Html => {
  const series = ([name, of]: Line) => ({ name, values: valuesOf(hours, of) });
  const lines = second === undefined ? ([series(first)] as const) : ([series(first), series(second)] as const);
  return chartOf({ ...rest, hours: hours.map(({ at }) => at), series: lines });
};

const nodeCharts = ({ hours }: Status): readonly Html[] => [
  chart(
    hours,
    {
      id: 'packets',
      title: 'Packets in an hour',
      about: 'Those that came and were kept, and those that left the pool, cover among them.',
      least: leastTold,
      text: countText,
      short: shortCount,
    },
    ['came', countIn('mix/in')],
    ['left', countIn('mix/out')],
  ),
  chart(
    hours,
    {
      id: 'pool',
      title: 'Pool',
      about: 'Packets that waited at the end of each hour.',
      least: leastTold,
      text: countText,
      short: shortCount,
    },
    ['packets', ({ waiting }) => waiting['pool']],
  ),
  chart(
    hours,
    {
      id: 'loops',
      title: 'Loops that came home',
      about: 'Of those that the node made in the hour.',
      least: 1,
      text: percentText,
    },
    ['came home', ({ loops }) => loops.partHome],
  ),
  chart(
    hours,
    {
      id: 'latency',
      title: 'Time that loops take',
      about: 'Through the network and back, to the next ten minutes.',
      least: 60,
      text: minutesText,
    },
    ['half of them', ({ loops }) => minutesOf(loops.medianMs)],
    ['nine in ten', ({ loops }) => minutesOf(loops.p90Ms)],
  ),
];

const clientCharts = ({ hours }: Status): readonly Html[] => [
  chart(
    hours,
    {
      id: 'answers',
      title: 'Answers in an hour',
      about: 'About messages and about none, which can’t be told apart.',
      least: leastTold,
      text: countText,
      short: shortCount,
    },
    ['answers', countIn('collect/answer')],
  ),
];

const authorityCharts = ({ hours }: Status): readonly Html[] => [
  chart(
    hours,
    {
      id: 'probes',
      title: 'Probes that came home in an hour',
      about: 'Packets that this authority sent through the nodes of the list.',
      least: leastTold,
      text: countText,
      short: shortCount,
    },
    ['probes', countIn('probes/home')],
  ),
];

/** The charts of a process. */
export const historyOf = (status: Status): Html => {
  const { hours, floorBits } = status;
  const own = { node: nodeCharts, client: clientCharts, authority: authorityCharts }[status.role](status);
  return html`<p>Full hours that are over, since the process began, for a week at most.</p>
    <div class="charts">
      ${own}
      ${chart(
        hours,
        {
          id: 'bits',
          title: 'Anonymity',
          about: 'What the meter said of a mail sent then, in bits.',
          least: 4,
          text: (value) => `${value.toFixed(1)} bits`,
          short: (value) => `${value}`,
          limit:
            floorBits === undefined || floorBits === 0
              ? undefined
              : { name: 'nothing is sent below', value: floorBits },
        },
        ['bits', ({ bits }) => bits],
      )}
      ${chart(
        hours,
        {
          id: 'mails',
          title: 'Mails sent in an hour',
          about: 'All that the account has sent for this process.',
          least: leastTold,
          text: countText,
          short: shortCount,
        },
        ['mails', ({ mails }) => mails],
      )}
    </div>`;
};
