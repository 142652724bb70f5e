import { missingBrowser, surveyChromium } from '../servers/chromium.js';
import { missingEngine, surveyEngine } from '../servers/engine.js';
import { surveyServers, missingLine } from '../servers/find-servers.js';

/** Says which mail servers, which browser and which container engine the integration tests run against, and how to add those left out. */
export const setup = async (): Promise<void> => {
  for (const kind of await surveyServers())
    process.stdout.write(
      kind.kind === 'available' ? `mail server: ${kind.name} (${kind.how})\n` : `mail server: ${missingLine(kind)}\n`,
    );
  const browser = surveyChromium();
  const how = browser.kind === 'available' ? `chromium (${browser.how})` : missingBrowser(browser);
  process.stdout.write(`browser: ${how}\n`);
  const engine = await surveyEngine();
  process.stdout.write(`container engine: ${engine.kind === 'available' ? engine.how : missingEngine(engine)}\n`);
};
