import { spawnSync } from 'node:child_process';
import { type Browser, chromium } from 'playwright-core';

const program = '/usr/bin/chromium';

/** The browser that pages are tried in, or why there is none. */
export type BrowserKind =
  | { readonly kind: 'available'; readonly how: string; readonly start: () => Promise<Browser> }
  | { readonly kind: 'unavailable'; readonly reason: string; readonly remedy: string };

// It talks to nobody: nothing is looked up, updated or reported.
const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost',
];

/** Looks for Debian's Chromium. Each start of it has an empty folder of its own. */
export const surveyChromium = (): BrowserKind => {
  const { status, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  if (status !== 0)
    return {
      kind: 'unavailable',
      reason: `no ${program}`,
      remedy: 'apt-get install --no-install-recommends chromium',
    };
  const [, version = 'of some version'] = /(\d+\.\d+)/.exec(stdout) ?? [];
  return {
    kind: 'available',
    how: `Debian's ${version}`,
    start: () => chromium.launch({ executablePath: program, headless: true, args: flags, timeout: 120_000 }),
  };
};

/** One line that says what is missing and how to add it. */
export const missingBrowser = (kind: BrowserKind & { readonly kind: 'unavailable' }): string =>
  `chromium left out: ${kind.reason}. To add it: ${kind.remedy}`;

/**
 * The same for tests.
 *
 * @throws Error with MIXMAILER_REQUIRE_SERVERS=1 when it is missing: then nothing is skipped
 */
export const findChromium = (): BrowserKind => {
  const kind = surveyChromium();
  if (kind.kind === 'unavailable' && process.env['MIXMAILER_REQUIRE_SERVERS'] === '1')
    throw new Error(missingBrowser(kind));
  return kind;
};
