import { statusServer } from './adapters/status-server.js';
import { stderrLog } from './adapters/stderr-log.js';
import { systemClock, systemRng } from './adapters/system.js';
import { tokenFrom } from './adapters/token-file.js';
import type { ClientDeps } from './client/client.js';
import { lookAtClient } from './client/look.js';
import { clientConfig, type Config, nodeConfig } from './config.js';
import { type AuthorityDeps, listAtAuthority } from './directory/authority.js';
import { sectionsIn } from './config-mail.js';
import { lookAtAuthority } from './directory/look.js';
import { networkAt } from './follow/network-at.js';
import { lookAtNode } from './node/look.js';
import type { MixNodeDeps } from './node/mix-node.js';
import { siteOf } from './page/site.js';
import type { HealthKeeper, Role } from './ports/health.js';
import type { Look } from './ports/status.js';
import { Book, type Keeping } from './post/book.js';
import type { LookDeps } from './post/look.js';
import { version } from './version.js';

/** The status page of a running process. */
export interface StatusPage {
  /** Hears each minute what the process tells of itself. */
  readonly keeper: HealthKeeper;
  /** What its operator is told at the start. */
  readonly lines: readonly string[];
  readonly close: () => Promise<void>;
}

/** Where nobody has asked for a page there is no book. */
export const bookFor = ({ status }: Config): Book | undefined =>
  status === undefined ? undefined : new Book(systemClock);

const rulesOf = ({ mail }: Config): LookDeps['accounts'] =>
  sectionsIn(mail).map(({ account, further }) => ({ ...account.budget, further }));

/** How a node's book looks at it. */
export const keepingNode = (config: Config, deps: MixNodeDeps): Keeping => {
  const { store, directory, loopsPerInterval } = deps;
  const network = (now: number) => networkAt(directory, now);
  const look = (now: number): Look => lookAtNode({ store, accounts: rulesOf(config), network, loopsPerInterval }, now);
  return { name: nodeConfig(config).name, version, floorBits: undefined, look };
};

/** The same of a client. */
export const keepingClient = (config: Config, { store, directory }: ClientDeps): Keeping => {
  const network = (now: number) => networkAt(directory, now);
  const look = (now: number): Look => lookAtClient({ store, accounts: rulesOf(config), network }, now);
  return { name: undefined, version, floorBits: clientConfig(config).floorBits, look };
};

/** The same of an authority. */
export const keepingAuthority = (config: Config, deps: AuthorityDeps): Keeping => {
  const { store } = deps;
  const network = listAtAuthority(deps);
  const look = (now: number): Look => lookAtAuthority({ store, accounts: rulesOf(config), network }, now);
  return { name: undefined, version, floorBits: undefined, look };
};

/** What a link shows of the token: nothing where the output is kept, in a journal. */
const linkOf = (host: string, port: number, token: string | undefined): string => {
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  return `http://${name}:${port}/${token === undefined ? '' : `#${encodeURIComponent(token)}`}`;
};

/**
 * Serves the page of that book, if the configuration asks for one.
 *
 * @param terminal whether the output is seen by who has started the process, and kept by nobody
 * @throws ConfigError when the port is taken, or others can read the token
 */
export const openStatus = async (
  { status }: Config,
  book: Book | undefined,
  { role, keeping, terminal }: { readonly role: Role; readonly keeping: Keeping; readonly terminal: 'yes' | 'no' },
): Promise<StatusPage | undefined> => {
  if (status === undefined || book === undefined) return undefined;
  book.begin(keeping);
  const { host, tokenFile } = status;
  const token = tokenFrom(tokenFile, systemRng);
  const site = siteOf({ role, name: keeping.name }, () => book.status());
  const server = await statusServer({
    host,
    port: status.port,
    token,
    site,
    log: stderrLog,
    rng: systemRng,
    clock: systemClock,
  });
  const link = linkOf(host, server.port, terminal === 'yes' ? token : undefined);
  return {
    keeper: (record) => {
      book.beat(record);
      server.publish();
    },
    lines: [`status page: ${link}`, `its token is in ${tokenFile}`],
    close: server.close,
  };
};
