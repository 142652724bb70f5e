import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metricsOf } from '../../src/page/metrics.js';
import type { Role } from '../../src/ports/health.js';
import { storyOf } from './story.js';

interface Line {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const line = /^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\]|\\.)*",?)+)\})? (-?\d+(?:\.\d+)?)$/;

/** Reads the text format as strictly as Prometheus does. */
const linesOf = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter((one) => one !== '' && !one.startsWith('#'))
    .map((one) => {
      const [, name = '', labels = '', value] = line.exec(one) ?? expect.fail(`not a sample: ${one}`);
      const pairs = [...labels.matchAll(/([a-z]+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', of = '']) => [key, of]);
      return { name, labels: Object.fromEntries(pairs) as Line['labels'], value: Number(value) };
    });

const told = (role: Role): readonly Line[] => linesOf(metricsOf(storyOf({ role }).status()));

describe('the metrics', () => {
  const text = metricsOf(storyOf().status());
  const lines = linesOf(text);
  const valueOf = (name: string, labels: Line['labels'] = {}): number | undefined =>
    lines.find((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
      ?.value;

  it('are what the page says', () => {
    const { bits, day, waiting, hours } = storyOf().status();
    expect(valueOf('mixmailer_info', { role: 'node', version: '0.1.0' })).toBe(1);
    expect([valueOf('mixmailer_live'), valueOf('mixmailer_ready'), valueOf('mixmailer_pool_held')]).toEqual([1, 1, 0]);
    expect(valueOf('mixmailer_anonymity_bits')).toBe(bits);
    expect(valueOf('mixmailer_waiting', { what: 'pool' })).toBe(waiting['pool']);
    expect(valueOf('mixmailer_day_mails')).toBe(day.mails);
    expect(valueOf('mixmailer_hour', { what: 'mix/in' })).toBe(hours.at(-1)?.counts['mix/in']);
    expect(valueOf('mixmailer_day', { what: 'mix/packet/bad-mac' })).toBe(day.counts['mix/packet/bad-mac']);
    expect(valueOf('mixmailer_day_loop_seconds', { quantile: '0.9' })).toBe((day.loops.p90Ms ?? 0) / 1000);
    expect(valueOf('mixmailer_list_layer_nodes', { layer: '3' })).toBeGreaterThan(2);
  });

  it('are gauges, each with its help before it, and told once', () => {
    const names = [...new Set(lines.map(({ name }) => name))];
    for (const name of names) {
      expect([...text.matchAll(new RegExp(`^# HELP ${name} \\S`, 'gm'))]).toHaveLength(1);
      expect([...text.matchAll(new RegExp(`^# TYPE ${name} gauge$`, 'gm'))]).toHaveLength(1);
    }
    expect(new Set(lines.map(({ name, labels }) => name + JSON.stringify(labels))).size).toBe(lines.length);
  });

  it('are as coarse as the page: one digit, whole hours, tenths', () => {
    for (const { name, value } of lines)
      if (/_(?:waiting|hour|day|hour_mails|day_mails)$/.test(name))
        expect([name, `${value}`]).toEqual([name, expect.stringMatching(/^(?:0|[1-9]0+)$/)]);
  });

  it('leave out what is not known', () => {
    const { status, becomes, pass } = storyOf({ hours: 0, look: { network: undefined } });
    becomes({});
    pass(60_000);
    const few = linesOf(metricsOf(status())).map(({ name }) => name);
    expect(few).toContain('mixmailer_ready');
    expect(few.filter((name) => /anonymity_bits|list_|hour|day_mails|loop_seconds/.test(name))).toEqual([]);
  });
});

describe('the dashboard for Grafana', () => {
  const text = readFileSync('config/grafana-dashboard.json', 'utf8');
  const dashboard = JSON.parse(text) as {
    readonly title: string;
    readonly panels: readonly { readonly title: string; readonly targets?: readonly { readonly expr: string }[] }[];
  };
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  const all = (['node', 'client', 'authority'] as const).flatMap(told);

  it('asks for what there is, under labels that there are', () => {
    expect(queries.length).toBeGreaterThan(10);
    for (const query of queries) {
      const names = query.match(/mixmailer_[a-z_]+/g) ?? [];
      expect(names, query).not.toEqual([]);
      for (const [, name = '', labels = ''] of query.matchAll(/(mixmailer_[a-z_]+)(?:\{([^}]*)\})?/g)) {
        const matching = [...labels.matchAll(/([a-z]+)(=~?)"([^"]*)"/g)].filter(([, label]) => label !== 'instance');
        const found = all.filter(
          (one) =>
            one.name === name &&
            matching.every(([, label = '', how, value = '']) =>
              how === '=' ? one.labels[label] === value : new RegExp(`^(?:${value})$`).test(one.labels[label] ?? ''),
            ),
        );
        expect(found, `${name}{${labels}} in ${query}`).not.toEqual([]);
      }
    }
  });

  it('shows everything that the metrics tell of a process', () => {
    const asked = queries.join(' ');
    for (const name of new Set(all.map((one) => one.name)))
      if (!/_info$|_start_/.test(name)) expect(asked).toMatch(new RegExp(`${name}(?![a-z_])`));
  });

  it('takes no rate of a gauge, and nothing from anywhere else', () => {
    expect(queries.join(' ')).not.toMatch(/\b(?:rate|irate|increase)\(/);
    expect(text).not.toMatch(/https?:\/\//);
  });
});
