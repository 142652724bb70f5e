import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Chart, plotInto } from '../../src/adapters/plots.js';
import { ConfigError, StoreError } from '../../src/base/errors.js';

const lines: Chart = {
  name: 'latency',
  title: 'Latency',
  caption: 'Half arrive in 27 minutes & all in 60.',
  x: { name: 'minutes', scale: 'linear', min: 0 },
  y: { name: 'share delivered', scale: 'linear', min: 0, max: 1 },
  kind: 'line',
  series: [
    {
      name: 'ours',
      points: [
        [0, 0],
        [27, 0.5],
        [60, 1],
      ],
    },
    {
      name: 'theirs <b>',
      points: [
        [0, 0],
        [90, 1],
      ],
    },
  ],
};

const bars: Chart = {
  name: 'mails',
  title: 'Mails',
  caption: 'What a message costs.',
  x: { name: '', scale: { names: ['ours', 'theirs'] } },
  y: { name: 'mails', scale: 'linear' },
  kind: 'bar',
  series: [
    {
      name: 'default',
      points: [
        [0, 1.25],
        [1, 4],
      ],
    },
  ],
};

describe('plots', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'plots-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are a file for each chart and a page with all, in a folder that is made', async () => {
    const inner = join(folder, 'a', 'b');
    expect(await plotInto(inner, 'Figures', [lines, bars])).toEqual(['latency.svg', 'mails.svg', 'index.html']);
    expect(readdirSync(inner).sort()).toEqual(['index.html', 'latency.svg', 'mails.svg']);
    const page = readFileSync(join(inner, 'index.html'), 'utf8');
    expect(page).toContain('<figure id="latency"><svg');
    expect(page).toContain('<figure id="mails"><svg');
    expect(page).toContain('Half arrive in 27 minutes &amp; all in 60.');
  });

  it('say what they show: titles, axes and names stand in them as text', async () => {
    await plotInto(folder, 'Figures', [lines, bars]);
    const svg = readFileSync(join(folder, 'latency.svg'), 'utf8');
    for (const text of ['Latency', 'minutes', 'share delivered', 'ours', 'theirs &lt;b&gt;'])
      expect(svg).toContain(`>${text}<`);
    expect(readFileSync(join(folder, 'mails.svg'), 'utf8')).toContain('>1.25<');
  });

  it('load nothing: no script, no address but the name of the format', async () => {
    await plotInto(folder, 'Figures', [lines, bars]);
    for (const file of readdirSync(folder)) {
      const text = readFileSync(join(folder, file), 'utf8');
      expect(text).not.toMatch(/<script|@import|<image|\shref=|url\((?!#)/);
      expect([...text.matchAll(/https?:\/\/[^"'\s<>]+/g)].map(([url]) => url.replace(/\/+$/, ''))).toSatisfy(
        (urls: string[]) => urls.every((url) => url.startsWith('http://www.w3.org')),
      );
    }
  });

  it('are the same bytes each time', async () => {
    await plotInto(join(folder, 'a'), 'Figures', [lines]);
    await plotInto(join(folder, 'b'), 'Figures', [lines]);
    expect(readFileSync(join(folder, 'a', 'latency.svg'), 'utf8')).toBe(
      readFileSync(join(folder, 'b', 'latency.svg'), 'utf8'),
    );
  });

  it('go nowhere else than into the folder', async () => {
    await expect(plotInto(folder, 'Figures', [{ ...lines, name: '../out' }])).rejects.toThrow(ConfigError);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('say when the folder is none', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    await expect(plotInto(file, 'Figures', [lines])).rejects.toThrow(StoreError);
  });
});
