import { mkdirSync, writeFileSync } from 'node:fs';
import { serve, token } from '../page/served.js';
import { findChromium, missingBrowser } from '../servers/chromium.js';
import { smallPng } from './small-png.js';

/*
 * `npm run screenshots`: draws the pictures of the status page in docs/images again, in Debian's Chromium, of the node of
 * test/page/story.
 */
const folder = 'docs/images';
const sizes = { wide: { width: 1200, height: 1000 }, narrow: { width: 390, height: 1400 } } as const;

const found = findChromium();
if (found.kind === 'unavailable') throw new Error(missingBrowser(found));
const { server, url } = await serve();
const browser = await found.start();
mkdirSync(folder, { recursive: true });
for (const [size, viewport] of Object.entries(sizes))
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browser.newPage({ viewport, colorScheme });
    await page.goto(`${url}#${token}`);
    await page.getByRole('heading', { name: 'Figures' }).waitFor();
    await page.getByText('Live:').waitFor();
    const path = `${folder}/status-${size}-${colorScheme}.png`;
    writeFileSync(path, smallPng(await page.screenshot({ fullPage: size === 'wide' })));
    process.stdout.write(`${path}\n`);
    await page.close();
  }
await browser.close();
await server.close();
