import type { Status, StatusSite } from '../ports/status.js';
import { type Content, html } from './html.js';
import { metricsOf } from './metrics.js';
import { partsOf } from './parts.js';
import { scriptText } from './script.js';
import { iconText, styleText } from './style.js';

const documentOf = (title: string, body: Content): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <link rel="icon" href="/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/page.css" />
        <script src="/page.js" defer></script>
      </head>
      <body>
        ${body}
      </body>
    </html> `.markup;

const titleOf = ({ role, name }: Pick<Status, 'role' | 'name'>): string =>
  `MixMailer ${role}${name === undefined ? '' : ` ${name}`}`;

const pageOf = (who: Pick<Status, 'role' | 'name'>, status: Status | undefined, way: string): string =>
  documentOf(
    titleOf(who),
    html`<header>
        <h1>${titleOf(who)}</h1>
        <div class="live">
          <p id="live" role="status">It changes when it is loaded again.</p>
          <button id="pause" type="button" aria-pressed="false" hidden>Pause</button>
          <form method="post" action="${way}log-out"><button>Log out</button></form>
        </div>
      </header>
      ${partsOf(status)}
      ${
        status === undefined
          ? undefined
          : html`<footer>
              <p>MixMailer ${status.version}. For programs: <code>/metrics</code>.</p>
            </footer>`
      }`,
  );

const logInOf = (who: Pick<Status, 'role' | 'name'>, hint: string | undefined): string =>
  documentOf(
    `Log in: ${titleOf(who)}`,
    html`<main class="log-in">
      <h1>${titleOf(who)}</h1>
      <form id="log-in" method="post" action="/log-in">
        ${hint === undefined ? undefined : html`<p class="hint" role="alert">${hint}</p>`}
        <label for="token">Token</label>
        <input id="token" name="token" type="password" autocomplete="current-password" maxlength="200" required />
        <button>Log in</button>
      </form>
      <p class="note">
        The token is the line in the file that the process named when it began: <code>status.token</code> in its data
        folder, if nothing else is configured.
      </p>
    </main>`,
  );

/**
 * The page of a process, its style and script, and its metrics.
 *
 * @param who whose page it is, also before it has told anything of itself
 * @param status what it tells now; the same object while nothing has changed
 */
export const siteOf = (who: Pick<Status, 'role' | 'name'>, status: () => Status | undefined): StatusSite => ({
  page: (way) => pageOf(who, status(), way),
  parts: () => partsOf(status()).markup,
  logIn: (hint) => logInOf(who, hint),
  metrics: () => metricsOf(status()),
  files: new Map([
    ['/page.css', { type: 'text/css; charset=utf-8', text: styleText }],
    ['/page.js', { type: 'text/javascript; charset=utf-8', text: scriptText }],
    ['/icon.svg', { type: 'image/svg+xml', text: iconText }],
  ]),
});
