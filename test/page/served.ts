import { type StatusServer, statusServer } from '../../src/adapters/status-server.js';
import { seededRng } from '../../src/base/random.js';
import { siteOf } from '../../src/page/site.js';
import { type Story, storyOf, type StoryOptions } from './story.js';

export const token = 'f00dfeed'.repeat(4);

/** The real server with the page of a process that has a past. */
export interface Served {
  readonly story: Story;
  readonly server: StatusServer;
  readonly url: string;
}

export const serve = async (options: StoryOptions = {}): Promise<Served> => {
  const story = storyOf(options);
  const { role, name } = story.status();
  const server = await statusServer({
    ...{ host: '127.0.0.1', port: 0, token, site: siteOf({ role, name }, story.status) },
    clock: { now: () => Date.now() },
    rng: seededRng(new Uint8Array(32).fill(2)),
    log: { info: () => undefined, warn: () => undefined },
    pause: () => Promise.resolve(),
  });
  return { story, server, url: `http://127.0.0.1:${server.port}/` };
};
