import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { daysToContacts } from '../../src/cli/adversaries.js';
import { chartsOf, type ComparedRow } from '../../src/cli/charts.js';
import { find, findingLines } from '../../src/cli/findings.js';
import { register } from '../../src/cli/simulate.js';
import { streamRng } from '../../src/base/random.js';
import { compareDefaults } from '../../src/sim/compare.js';
import { delayOf } from '../../src/sim/delay.js';
import { commandsIn } from '../docs/pages.js';
import { blocksOf, refreshed } from '../figures/blocks.js';
import { run, testFolder } from './run.js';

const small = { ...compareDefaults, nodes: 12, days: 0.1, targets: 20 };

/** The program with the command, which runs nothing. */
const programOf = (run: (flags: Record<string, unknown>) => void): Command => {
  const program = new Command('mixmailer').exitOverride().configureOutput({ writeErr: () => undefined });
  register(program);
  for (const command of program.commands) {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    command.action(run);
  }
  return program;
};

const linesOf = async (...words: string[]): Promise<readonly string[]> =>
  (await run(register, 'simulate', ...words)).out.trimEnd().split('\n');

describe('mixmailer simulate --adversary and --study', () => {
  it('prints a table with its title and what it means', async () => {
    const { out, err } = await run(register, 'simulate', '--adversary', 'compromise', '--nodes', '30');
    expect(err).toBe('...    simulating: compromise\n');
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toBe('Paths over compromised nodes, of 30 nodes, in 25 lists');
    expect(lines[2]).toMatch(/^who +entry percent +exit percent +both ends percent +all hops percent$/);
    expect(lines.at(-1)).toContain('One provider never has two hops.');
  });

  it('gives the rows to programs, the same for the same seed', async () => {
    const words = ['--adversary', 'compromise', '--nodes', '30', '--json'];
    const lines = await linesOf(...words);
    const rows = JSON.parse(lines.join('\n')) as readonly Record<string, unknown>[];
    expect(rows).toHaveLength(8);
    expect(rows[4]).toMatchObject({ who: 'the provider of 40 % of the nodes', bothEndsPercent: 0, allHopsPercent: 0 });
    expect(await linesOf(...words)).toEqual(lines);
  });

  it('knows no others', async () => {
    await expect(programOf(() => undefined).parseAsync(['simulate', '--study', 'x'], { from: 'user' })).rejects.toThrow(
      'Allowed choices are load, budget, trade-off',
    );
  });

  it('says what less load leaves', () => {
    const { rows } = find('load', small);
    expect(rows.map(({ load }) => load)).toEqual([1, 0.5, 0.2, 0.1, 0.05, 0.01]);
    const bits = rows.map(({ recipientEntropyBits }) => Number(recipientEntropyBits));
    expect(bits.at(-1)).toBeLessThan(bits[0] ?? 0);
    const meter = rows.map(({ meterBits }) => Number(meterBits));
    expect(meter).toEqual(meter.toSorted((a, b) => b - a));
  });

  it('runs the networks by which the defaults were chosen, and the defaults beside them', () => {
    const { rows } = find('reference', { ...small, nodes: 30 });
    expect(rows.map(({ network }) => network)).toEqual([
      'free routes, all pairs',
      'free routes, 3 successors',
      'layers, all pairs',
      'layers, 4 successors',
      'layers, 3 successors',
      'layers, 3 successors',
      'the defaults',
    ]);
    expect(rows[3]).toMatchObject({ sketchMin: '24 / 60', sketchBits: '8.08 / 7.76', sketchMails: 300 });
    expect(Number(rows[6]?.['recipientEntropyBits'])).toBeGreaterThan(Number(rows[3]?.['recipientEntropyBits']));
  });

  it('writes lines as wide as their columns', () => {
    const lines = findingLines({
      name: 'x',
      title: 'Title',
      rows: [
        { who: 'a', medianLatencyMin: 1.5 },
        { who: 'bcd', medianLatencyMin: '> 10' },
      ],
      meaning: 'Meaning.',
    });
    expect(lines).toEqual(['Title', '', 'who  median latency min', 'a    1.5', 'bcd  > 10', '', 'Meaning.']);
  });
});

describe('a command of docs/anonymity.md', () => {
  const folder = testFolder();
  const shown = commandsIn('docs/anonymity.md').flatMap(({ text }) => text.split('mixmailer simulate ')[1] ?? []);
  // The one with plots does what that without does.
  const each = shown.filter((words) => words !== '--compare');
  const mostMs = 120_000;

  it.each(each)('mixmailer simulate %s: runs, on a smaller network', { timeout: mostMs }, async (words) => {
    const plots = path.join(folder, 'plots');
    const smaller = ['--nodes', '12', '--days', '0.005', '--targets', '3', '--load', '0.5'];
    const lines = await linesOf(...words.replace('--plots plots', `--plots ${plots}`).split(' '), ...smaller);
    expect(lines.length).toBeGreaterThan(1);
    expect(existsSync(path.join(plots, 'index.html'))).toBe(words.includes('--plots'));
    rmSync(plots, { recursive: true, force: true });
  });
});

describe('the charts', () => {
  const row: ComparedRow = {
    name: 'mixmailer',
    tuning: 'default',
    load: 1,
    recipientEntropyBits: 8.12345,
    senderEntropyBits: 11,
    observerSuccess: 0.012,
    relayMailsPerNodeDay: 300,
    mailsPerMessage: 6,
    latenciesMin: Float64Array.from({ length: 1000 }, (_, i) => i / 10),
  };
  const rows = [
    row,
    { ...row, load: 0.01, recipientEntropyBits: 1 },
    { ...row, name: 'peer', tuning: 'equal-latency' as const },
  ];
  const charts = chartsOf(rows, [
    { name: 'mixmailer', days: 500 },
    { name: 'peer', days: Infinity },
  ]);
  const chart = (name: string) => charts.find((one) => one.name === name);

  it('show latencies, entropy over load, success, days to disclosure and mails', () => {
    expect(charts.map(({ name }) => name)).toEqual(['latency', 'entropy', 'observer', 'disclosure', 'mails']);
  });

  it('have the share of messages over time', () => {
    const points = chart('latency')?.series[0]?.points ?? [];
    expect(points.find(([, share]) => share === 0.5)?.[0]).toBe(50);
    expect(points.at(-1)).toEqual([99.9, 1]);
  });

  it('order loads, and leave out what never happens', () => {
    expect(chart('entropy')?.series[0]).toEqual({
      name: 'mixmailer, recipient',
      points: [
        [0.01, 1],
        [1, 8.12],
      ],
    });
    expect(chart('disclosure')?.series[0]?.points).toEqual([[0, 500]]);
  });

  it('set tunings beside each other', () => {
    expect(chart('mails')?.series.map(({ points }) => points)).toEqual([[[0, 6]], [[1, 6]]]);
  });
});

describe('days to disclosure', () => {
  it('are those of each network, in order', () => {
    const delay = delayOf([10, 20, 30]);
    const [open, covered] = daysToContacts(
      [
        { name: 'open', delay, sending: { kind: 'as written' } },
        { name: 'covered', delay, sending: { kind: 'paced', meanMin: 40 } },
      ],
      streamRng(1),
    );
    expect(open).toBeLessThan(covered ?? 0);
  });
});

describe('docs/anonymity.md', () => {
  const page = readFileSync('docs/anonymity.md', 'utf8');
  const blocks = blocksOf(page);

  it('shows what all questions print', () => {
    const text = blocks.map(({ command }) => command).join('\n');
    const networks = ['--compare', 'load', 'budget', 'trade-off', 'meter', 'reference'];
    for (const word of [...networks, 'disclosure', 'intersection', 'compromise', 'n-1']) expect(text).toContain(word);
    for (const { command, printed } of blocks) expect(printed.trim(), command).not.toBe('');
  });

  it.each(blocks.map(({ command }) => command))('names a command that there is: %s', async (command) => {
    let ran = 0;
    await programOf(() => ran++).parseAsync(command.split(' ').slice(1), { from: 'user' });
    expect(ran).toBe(1);
  });

  it('is written anew where a command is run again, and nowhere else', () => {
    const text = 'a\n```\n$ mixmailer one\nold\n```\nb\n```\n$ mixmailer two\nkept\n```\n';
    expect(refreshed(text, (command) => (command === 'mixmailer one' ? 'new\n' : undefined))).toBe(
      'a\n```\n$ mixmailer one\nnew\n```\nb\n```\n$ mixmailer two\nkept\n```\n',
    );
  });
});
