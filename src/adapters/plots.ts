import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError, StoreError } from '../base/errors.js';

/** One picture, as plain data. */
export interface Chart {
  /** Of its file: 1 to 40 of a-z, 0-9 and -. */
  readonly name: string;
  readonly title: string;
  /** What can be seen in it, in one or two sentences. */
  readonly caption: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly kind: 'line' | 'bar' | 'points';
  /** Of a line or points: numbers on both axes. Of bars: one value for each name. */
  readonly series: readonly Series[];
}

export interface Axis {
  readonly name: string;
  /** `names` for bars: their names, in order. */
  readonly scale: 'linear' | 'log' | { readonly names: readonly string[] };
  readonly min?: number;
  readonly max?: number;
}

export interface Series {
  readonly name: string;
  /** `[x, y]`; of bars x is the place of the name, from 0 on. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

const widthPx = 860;
const heightPx = 480;
/** Widths of texts are guesses where no page draws them: room for those who have wider letters. */
const legendGapPx = 28;
const nameForm = /^[a-z0-9-]{1,40}$/;

/** What is used of the plotting library. */
interface Plotter {
  readonly init: (
    dom: null,
    theme: null,
    options: { renderer: 'svg'; ssr: true; width: number; height: number },
  ) => {
    setOption: (option: object) => void;
    renderToSVGString: () => string;
    dispose: () => void;
  };
}

/** The plotting library is no dependency of a node or client, so it is asked for when there is something to draw. */
const loadPlotter = async (): Promise<Plotter> => {
  try {
    return await import('echarts');
  } catch (cause) {
    throw new ConfigError('plots need the package echarts, which is not installed: npm install echarts@6', { cause });
  }
};

/** More names than these stand aslant. */
const mostUpright = 7;
const namesLabel = (count: number): object =>
  count > mostUpright ? { interval: 0, rotate: 35 } : { interval: 0, width: 96, overflow: 'break' };
const isAslant = ({ scale }: Axis): boolean => typeof scale === 'object' && scale.names.length > mostUpright;

const axisOption = ({ name, scale, min, max }: Axis, isX: boolean): object => ({
  name,
  nameLocation: 'middle',
  nameGap: isX ? 32 : 52,
  type: typeof scale === 'object' ? 'category' : scale === 'log' ? 'log' : 'value',
  ...(typeof scale === 'object' ? { data: scale.names } : {}),
  ...(scale === 'linear' && !isX && max === undefined ? { boundaryGap: [0, '8%'] } : {}),
  ...(min === undefined ? {} : { min }),
  ...(max === undefined ? {} : { max }),
  axisLabel: { fontSize: 12, ...(typeof scale === 'object' ? namesLabel(scale.names.length) : {}) },
  splitLine: { show: !(isX && typeof scale === 'object'), lineStyle: { color: '#e6e6e6' } },
});

// Told apart by people who see colors otherwise (Okabe and Ito 2008), and by their dashes on paper.
const colors = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#999999'];
const dashes = ['solid', 'dashed', 'dotted'] as const;

const optionOf = ({ title, x, y, kind, series }: Chart): object => ({
  animation: false,
  backgroundColor: '#ffffff',
  color: colors,
  title: { text: title, left: 'center', top: 8, textStyle: { fontSize: 16, fontWeight: 'bold' } },
  legend: {
    top: 36,
    left: 'center',
    show: series.length > 1,
    selectedMode: false,
    itemGap: legendGapPx,
    textStyle: { fontSize: 12 },
  },
  grid: { left: isAslant(x) ? 116 : 76, right: 32, top: series.length > 4 ? 116 : 76, bottom: isAslant(x) ? 140 : 60 },
  xAxis: axisOption(x, true),
  yAxis: axisOption(y, false),
  series: series.map(({ name, points }, place) => ({
    name,
    silent: true,
    emphasis: { disabled: true },
    type: kind === 'points' ? 'scatter' : kind,
    data: points.map((point) => [...point]),
    ...(kind === 'line'
      ? { showSymbol: points.length < 12, lineStyle: { width: 2, type: dashes[place % dashes.length] } }
      : kind === 'points'
        ? { symbolSize: 11, label: { show: true, position: 'right', formatter: '{a}', fontSize: 11 } }
        : { barMaxWidth: 38, label: { show: true, position: 'top', fontSize: 11, formatter: '{@[1]}' } }),
  })),
});

/** The picture as an SVG that needs nothing else: no script, no style sheet, no font. */
const draw = (plotter: Plotter, chart: Chart): string => {
  const surface = plotter.init(null, null, { renderer: 'svg', ssr: true, width: widthPx, height: heightPx });
  try {
    surface.setOption(optionOf(chart));
    // Names are numbered through the process, and the style sheet only says what the mouse does: equal charts are equal bytes.
    return surface
      .renderToSVGString()
      .replaceAll(/\bzr\d+-/g, `${chart.name}-`)
      .replaceAll(/ class="[^"]*"|<style[^>]*>.*?<\/style>/gs, '');
  } finally {
    surface.dispose();
  }
};

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const pageOf = (title: string, drawn: readonly { readonly chart: Chart; readonly svg: string }[]): string =>
  [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8">',
    `<title>${escaped(title)}</title>`,
    '<style>body{font:16px/1.5 sans-serif;max-width:900px;margin:2em auto;padding:0 1em}svg{max-width:100%;height:auto}figure{margin:2em 0}figcaption{color:#444}</style>',
    '</head><body>',
    `<h1>${escaped(title)}</h1>`,
    ...drawn.map(
      ({ chart, svg }) =>
        `<figure id="${chart.name}">${svg}<figcaption>${escaped(chart.caption)}</figcaption></figure>`,
    ),
    '</body></html>',
    '',
  ].join('\n');

/**
 * Draws the charts into a folder, made if it is missing: `<name>.svg` for each, and `index.html` with all of them in it.
 * Every file stands alone: it loads nothing.
 *
 * @returns the names of the files
 * @throws ConfigError when the plotting library is not installed, with the command that installs it
 * @throws StoreError `store/write`
 */
export const plotInto = async (folder: string, title: string, charts: readonly Chart[]): Promise<readonly string[]> => {
  const plotter = await loadPlotter();
  const drawn = charts.map((chart) => {
    if (!nameForm.test(chart.name)) throw new ConfigError(`${chart.name}: expected a name of a-z, 0-9 and -`);
    return { chart, svg: draw(plotter, chart) };
  });
  const files = [
    ...drawn.map(({ chart, svg }) => [`${chart.name}.svg`, svg] as const),
    ['index.html', pageOf(title, drawn)] as const,
  ];
  try {
    mkdirSync(folder, { recursive: true });
    for (const [name, text] of files) writeFileSync(join(folder, name), text);
  } catch (cause) {
    throw new StoreError('store/write', `${folder}: can't be written to`, { cause });
  }
  return files.map(([name]) => name);
};
