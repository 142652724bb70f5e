import { entry, type Switch } from './switch.js';

/** Of the status page. */
export const pageSwitches: readonly Switch[] = [
  entry(
    'a page of another origin in a browser that is logged in to the status page',
    'what browsers do for other origins is refused',
    ['adapters/status-guard.ts', 'if (isForeign || isSent)', 'if (isForeign && isSent && others.length > 0)'],
    'status-page',
  ),
  entry(
    'a name whose DNS was changed to mean this machine',
    'the host that is asked for is this machine by name',
    ['adapters/status-guard.ts', 'others.length > 0 || !isOwnName(host)', 'others.length > 0'],
    'status-page',
  ),
  entry(
    'another user who listens on another port, for the cookie of the status page',
    'the cookie is for a path that nobody can guess',
    ['adapters/status-server.ts', 'Path=/${session.id}/; Max-Age', 'Path=/; Max-Age'],
    'status-page',
  ),
  entry(
    'who reads the metrics without the token',
    'they need it',
    ['adapters/status-server.ts', 'switch (await judged(bearerOf(request))) {', 'switch (await judged(token)) {'],
    'status-page',
  ),
  entry(
    'who guesses the token of the status page',
    'a wrong one is answered late',
    ['adapters/status-server.ts', 'await pause(secondMs);', ''],
    'status-page',
  ),
  entry(
    'who lays the status page beside the mails to link them',
    'counts are told to one digit, and not below ten',
    ['base/coarse.ts', 'count < leastTold ? 0 : toOneDigit(count, Math.floor)', 'count'],
    'status-counts',
  ),
  entry(
    'who asks the status page again and again for when something happened',
    'hours are told when they are over',
    ['post/book.ts', 'const isOver = hour !== this.#hour.at;', 'const isOver = true;'],
    'status-counts',
  ),
];
