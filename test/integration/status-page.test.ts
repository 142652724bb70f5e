import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { hourMs, minuteMs } from '../../src/base/units.js';
import { type Served, serve, token } from '../page/served.js';
import type { StoryOptions } from '../page/story.js';
import { findChromium } from '../servers/chromium.js';

const found = findChromium();
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const [wide, narrow] = [
  { width: 1280, height: 900 },
  { width: 360, height: 740 },
];

/** What the page's own scripts can't hide: what the policy has stopped. */
const notesViolations =
  'self.stopped = []; document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => self.stopped.push(violatedDirective + " " + blockedURI));';

/** What axe finds wrong, in words. */
const violationsIn = async (page: Page): Promise<readonly string[]> => {
  await page.evaluate(axe);
  const found = await page.evaluate<string[]>(
    'axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ": " + html.slice(0, 200))))',
  );
  return found;
};

describe.skipIf(found.kind === 'unavailable')('the status page in Chromium', () => {
  let browser: Browser;
  const served: Served[] = [];
  const contexts: BrowserContext[] = [];
  const wrong: string[] = [];

  beforeAll(async () => {
    if (found.kind === 'available') browser = await found.start();
  });
  afterEach(async () => {
    for (const context of contexts.splice(0)) await context.close();
    for (const { server } of served.splice(0)) await server.close();
    expect(wrong.splice(0)).toEqual([]);
  });
  afterAll(() => browser.close());

  const begin = async (options: StoryOptions = {}): Promise<Served> => {
    const one = await serve({ hours: 30, ...options });
    served.push(one);
    return one;
  };

  /** A browser of somebody's own; everything that goes wrong in it is noted. */
  const open = async (url: string, options: BrowserContextOptions = {}): Promise<Page> => {
    const context = await browser.newContext({ viewport: wide, ...options });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(60_000);
    if (options.javaScriptEnabled !== false) await page.addInitScript(notesViolations);
    page.on('pageerror', ({ message }) => void wrong.push(message));
    page.on('console', (line) => {
      if (/Content Security Policy/.test(line.text())) wrong.push(line.text());
    });
    page.on('request', (request) => {
      if (!request.url().startsWith(new URL('/', url).href)) wrong.push(`asked for ${request.url()}`);
    });
    await page.goto(url);
    return page;
  };

  const logIn = async (page: Page): Promise<void> => {
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Figures' }).waitFor();
  };

  const stoppedIn = (page: Page): Promise<readonly string[]> => page.evaluate<string[]>('self.stopped');
  const figure = (page: Page, name: string) => page.locator('dl > div').filter({ hasText: name }).locator('dd');

  it('lets in by the form who has the token, and tells who has not', async () => {
    const { url } = await begin();
    const page = await open(url);
    await page.getByLabel('Token').fill('guess');
    await page.getByRole('button', { name: 'Log in' }).click();
    expect(await page.getByRole('alert').textContent()).toBe('This is not the token.');
    await logIn(page);
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('MixMailer node grove');
    expect(page.url()).toMatch(/\/[0-9a-f]{32}\/$/);
    expect(await stoppedIn(page)).toEqual([]);
    expect(await page.evaluate('document.cookie')).toBe('');
  });

  it('lets in by a link with the token behind #, which is gone from the address and from the way back', async () => {
    const { url } = await begin();
    const page = await open(`${url}#${token}`);
    await page.getByRole('heading', { name: 'Figures' }).waitFor();
    expect(page.url()).not.toContain(token);
    await page.goBack();
    expect(page.url()).not.toContain(token);
  });

  it('shows what changes by itself, and leaves alone what its reader is doing', async () => {
    const { url, story, server } = await begin();
    const page = await open(url);
    await logIn(page);
    await expect.poll(() => page.locator('#live').textContent()).toBe('Live: changes show by themselves.');
    await page.evaluate('self.isStillTheSamePage = true');
    await page.getByText('Numbers of Pool').click();
    const region = page.getByRole('region', { name: 'Numbers of Pool' });
    await region.focus();
    const rows = await region.getByRole('row').count();
    story.becomes({ waiting: { pool: 800, outgoing: 3 } });
    story.log.info('mix', { in: 500, out: 3 });
    story.pass(hourMs);
    server.publish();
    await expect.poll(() => figure(page, 'Packets in the pool').textContent()).toBe('800');
    await expect.poll(() => region.getByRole('row').count()).toBe(rows + 1);
    expect(await region.isVisible()).toBe(true);
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Numbers of Pool');
    expect(await page.evaluate('self.isStillTheSamePage')).toBe(true);
    story.becomes({}, { isTurning: false });
    story.pass(minuteMs);
    server.publish();
    await expect.poll(() => page.locator('#told').textContent()).toMatch(/^\s*Standing still, as of/);
    expect(await stoppedIn(page)).toEqual([]);
  });

  it('pauses and goes on at a click', async () => {
    const { url, story, server } = await begin();
    const page = await open(url);
    await logIn(page);
    await expect.poll(() => page.locator('#live').textContent()).toMatch(/^Live/);
    await page.getByRole('button', { name: 'Pause' }).click();
    expect(await page.locator('#live').textContent()).toBe('Paused.');
    story.becomes({ waiting: { pool: 900 } });
    story.pass(10 * minuteMs);
    server.publish();
    await page.waitForTimeout(500);
    expect(await figure(page, 'Packets in the pool').textContent()).not.toBe('900');
    await page.getByRole('button', { name: 'Pause' }).click();
    await expect.poll(() => figure(page, 'Packets in the pool').textContent()).toBe('900');
  });

  it('says when the process is gone', async () => {
    const { url, server } = await begin();
    const page = await open(url);
    await logIn(page);
    await expect.poll(() => page.locator('#live').textContent()).toMatch(/^Live/);
    await server.close();
    served.length = 0;
    await expect.poll(() => page.locator('#live').textContent(), { timeout: 20_000 }).toMatch(/^No connection/);
  });

  it('is left by a click, and then shows nothing more', async () => {
    const { url } = await begin();
    const page = await open(url);
    await logIn(page);
    const within = page.url();
    await page.getByRole('button', { name: 'Log out' }).click();
    await page.getByLabel('Token').waitFor();
    await page.goto(within);
    expect(await page.getByLabel('Token').isVisible()).toBe(true);
  });

  it('works without scripts: form, tables, log-out', async () => {
    const { url, story } = await begin();
    const page = await open(url, { javaScriptEnabled: false });
    await logIn(page);
    expect(await page.locator('#live').textContent()).toBe('It changes when it is loaded again.');
    expect(await page.getByRole('button', { name: 'Pause' }).isVisible()).toBe(false);
    await page.getByText('All nodes as a table').click();
    expect(await page.getByRole('rowheader', { name: 'grove (this node)' }).isVisible()).toBe(true);
    story.becomes({ waiting: { pool: 700 } });
    story.pass(10 * minuteMs);
    await page.reload();
    expect(await figure(page, 'Packets in the pool').textContent()).toBe('700');
    await page.getByRole('button', { name: 'Log out' }).click();
    expect(await page.getByLabel('Token').isVisible()).toBe(true);
  });

  it('gives nothing to a page on another port that the same browser opens', async () => {
    const { url } = await begin();
    const page = await open(url);
    await logIn(page);
    const within = page.url();
    const cookies: (string | undefined)[] = [];
    const evil = createServer((request, response) => {
      cookies.push(request.headers.cookie);
      response
        .setHeader('Content-Type', 'text/html')
        .end(`<iframe src="${within}"></iframe><script src="${within}"></script>`);
    }).listen(0, '127.0.0.1');
    try {
      await new Promise((resolve) => evil.once('listening', resolve));
      const other = await page.context().newPage();
      await other.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`);
      const read = await other.evaluate<string>(
        `fetch(${JSON.stringify(within)}, { credentials: 'include' }).then((one) => one.text(), () => 'refused')`,
      );
      expect(read).toBe('refused');
      const texts = await Promise.all(other.frames().map((frame) => frame.locator('body').textContent()));
      expect(texts.join()).not.toContain('Packets in the pool');
      expect(cookies.length).toBeGreaterThan(0);
      expect(cookies.every((cookie) => cookie === undefined)).toBe(true);
    } finally {
      evil.close();
      evil.closeAllConnections();
    }
    await page.reload();
    expect(await figure(page, 'Packets in the pool').isVisible()).toBe(true);
  });

  describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
    describe.each([
      ['wide', wide],
      ['narrow', narrow],
    ] as const)('%s', (_, viewport) => {
      it('has nothing that axe finds wrong, before and after the log-in, and with all opened', async () => {
        const { url } = await begin();
        const page = await open(url, { colorScheme, viewport });
        expect(await violationsIn(page)).toEqual([]);
        await logIn(page);
        expect(await violationsIn(page)).toEqual([]);
        for (const summary of await page.locator('summary').all()) await summary.click();
        expect(await violationsIn(page)).toEqual([]);
      });

      it('is as wide as the window, and no wider', async () => {
        const { url } = await begin();
        const page = await open(url, { colorScheme, viewport });
        await logIn(page);
        for (const summary of await page.locator('summary').all()) await summary.click();
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(viewport.width);
        const ground = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor');
        expect(ground).toBe(colorScheme === 'light' ? 'rgb(255, 255, 255)' : 'rgb(22, 23, 26)');
      });
    });
  });

  it.each(['client', 'authority'] as const)('of a %s has nothing that axe finds wrong', async (role) => {
    const { url } = await begin({ role });
    const page = await open(url);
    await logIn(page);
    expect(await violationsIn(page)).toEqual([]);
    expect(await stoppedIn(page)).toEqual([]);
  });

  it('would be found wrong by axe without its labels', async () => {
    const { url } = await begin();
    const page = await open(url);
    await page.evaluate('document.querySelector("label").remove()');
    expect((await violationsIn(page)).join()).toContain('label:');
  });
});
