import { hourMs } from '../base/units.js';
import { type Html, html } from './html.js';
import { clockText, hourText } from './words.js';

/** One line of a chart: a value for each hour; undefined where there is none. */
export interface Series {
  readonly name: string;
  readonly values: readonly (number | undefined)[];
}

export interface Chart {
  /** Of the element; letters and `-`. */
  readonly id: string;
  readonly title: string;
  /** What it says, in a sentence. */
  readonly about: string;
  /** When each hour began, in order. */
  readonly hours: readonly number[];
  readonly series: readonly [Series] | readonly [Series, Series];
  /** Value of the upper edge at least. */
  readonly least: number;
  /** A line across, such as a limit. */
  readonly limit?: { readonly name: string; readonly value: number } | undefined;
  readonly text: (value: number) => string;
  /** Of the axis; like `text`, if nothing is said. */
  readonly short?: (value: number) => string;
}

const [width, height] = [360, 150];
const [left, right, top, bottom] = [52, 8, 8, 22];
/** Rows of a chart's table: two days. */
const mostRows = 48;

/** 1, 2, 2.5 or 5 times a power of ten, the next from `value` on. */
const roundUp = (value: number): number => {
  const unit = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * unit).find((edge) => edge >= value - 1e-9) ?? value;
};

interface Scale {
  readonly x: (at: number) => number;
  readonly y: (value: number) => number;
}

/** The hours that follow one another and have a value. */
const runsOf = (hours: readonly number[], { values }: Series): readonly (readonly (readonly [number, number])[])[] => {
  const runs: [number, number][][] = [];
  let last = -Infinity;
  hours.forEach((at, i) => {
    const value = values[i];
    if (value === undefined) return;
    if (at - last > hourMs) runs.push([]);
    runs.at(-1)?.push([at, value]);
    last = at;
  });
  return runs;
};

const rounded = (value: number): string => `${Math.round(10 * value) / 10}`;

const lineOf = (hours: readonly number[], series: Series, { x, y }: Scale, kind: string): Html => {
  const runs = runsOf(hours, series);
  return html`${runs.map((run) => {
    const points = run.map(([at, value]) => `${rounded(x(at))},${rounded(y(value))}`);
    const [only] = points.length === 1 ? (points[0] ?? '').split(',') : [];
    return only === undefined
      ? html`<polyline class="line ${kind}" points="${points.join(' ')}" />`
      : html`<circle class="dot ${kind}" cx="${only}" cy="${(points[0] ?? '').split(',')[1]}" r="2.5" />`;
  })}`;
};

const stepsMs = [1, 2, 3, 6, 12, 24, 48].map((count) => count * hourMs);

/** Over more than a day and a half days are named, and hours where it is less. */
const showsDays = (spanMs: number): boolean => spanMs > 36 * hourMs;

/** Times on the axis: some full hours, or midnights. */
const ticksOf = (from: number, to: number): readonly number[] => {
  const step =
    stepsMs.find((one) => (to - from) / one <= 5 && (one >= 24 * hourMs || !showsDays(to - from))) ?? 48 * hourMs;
  const first = Math.ceil(from / step) * step;
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_, i) => first + i * step);
};

const tickText = (at: number, spanMs: number): string =>
  showsDays(spanMs) ? hourText(at).slice(0, 5) : clockText(at).slice(0, 5);

const drawing = (chart: Chart): Html => {
  const { hours, series, least, limit, title, about, text, short = text } = chart;
  const to = Math.max(hours.at(-1) ?? 0, (hours[0] ?? 0) + hourMs);
  const from = hours[0] ?? 0;
  const most = roundUp(
    Math.max(least, limit?.value ?? 0, ...series.flatMap(({ values }) => values.map((one) => one ?? 0))),
  );
  const scale: Scale = {
    x: (at) => left + ((at - from) / (to - from)) * (width - left - right),
    y: (value) => height - bottom - (value / most) * (height - top - bottom),
  };
  const { x, y } = scale;
  return html`<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}. ${about}">
    ${[0, most / 2, most].map(
      (value) =>
        html`<line
            class="grid"
            x1="${left}"
            x2="${width - right}"
            y1="${rounded(y(value))}"
            y2="${rounded(y(value))}"
          /><text class="tick" x="${left - 6}" y="${rounded(y(value) + 4)}" text-anchor="end">${short(value)}</text>`,
    )}
    ${ticksOf(from, to).map(
      (at) =>
        html`<text
          class="tick"
          x="${rounded(Math.min(width - 18, Math.max(left, x(at))))}"
          y="${height - 6}"
          text-anchor="middle"
          >${tickText(at, to - from)}</text
        >`,
    )}
    ${limit && html`<line class="limit" x1="${left}" x2="${width - right}" y1="${rounded(y(limit.value))}" y2="${rounded(y(limit.value))}" />`}
    ${series.map((one, i) => lineOf(hours, one, scale, i === 0 ? 'first' : 'second'))}
  </svg>`;
};

const legend = ({ series, limit }: Chart): Html | undefined =>
  series.length === 1 && limit === undefined
    ? undefined
    : html`<ul class="legend">
        ${series.map(({ name }, i) => html`<li class="${i === 0 ? 'first' : 'second'}">${name}</li>`)}
        ${limit && html`<li class="limit">${limit.name}</li>`}
      </ul>`;

/** The values of the last hours, for who can't see the drawing. */
const table = ({ id, hours, series, title, text }: Chart): Html => {
  const from = Math.max(0, hours.length - mostRows);
  return html`<details id="${id}-numbers">
    <summary>Numbers<span class="hidden"> of ${title}</span></summary>
    <div class="scroll" role="region" aria-label="Numbers of ${title}" tabindex="0">
      <table>
        <thead>
          <tr>
            <th scope="col">Hour from, UTC</th>
            ${series.map(({ name }) => html`<th scope="col">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${hours.slice(from).map(
            (at, i) =>
              html`<tr>
                <th scope="row">${hourText(at)}</th>
                ${series.map(({ values }) => {
                  const value = values[from + i];
                  return html`<td>${value === undefined ? 'unknown' : text(value)}</td>`;
                })}
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </details>`;
};

/** A chart with its title, legend and numbers. */
export const chartOf = (chart: Chart): Html => {
  const isEmpty = !chart.series.some(({ values }) => values.some((value) => value !== undefined));
  return html`<figure id="${chart.id}">
    <figcaption>
      <h3>${chart.title}</h3>
      <p>${chart.about}</p>
    </figcaption>
    ${isEmpty ? html`<p class="empty">Nothing to show before an hour of it is over.</p>` : [drawing(chart), legend(chart), table(chart)]}
  </figure>`;
};
