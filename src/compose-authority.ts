import path from 'node:path';
import { cronTicker } from './adapters/cron-ticker.js';
import { readSecretKey } from './adapters/file-keys.js';
import { imapInbox } from './adapters/imap-inbox.js';
import { parseMail } from './adapters/mime.js';
import { mxOperators, namedOperators } from './adapters/mx-operator.js';
import { nodeBase64 } from './adapters/node-base64.js';
import { nodeCompression } from './adapters/node-compression.js';
import { chooseCrypto } from './adapters/node-crypto.js';
import { publishFolder } from './adapters/publish-folder.js';
import { accountOf } from './adapters/secrets.js';
import { smtpOutbox } from './adapters/smtp-outbox.js';
import { lockFolder } from './adapters/sqlite.js';
import { sqliteAuthorityStore } from './adapters/sqlite-authority.js';
import { stderrLog } from './adapters/stderr-log.js';
import { systemClock, systemRng } from './adapters/system.js';
import { ConfigError } from './base/errors.js';
import { minuteMs } from './base/units.js';
import { budgetIn, type Composed, opened, refuseOpenSecrets } from './compose-joined.js';
import { authorityConfig, type Config } from './config.js';
import { finishSealingOf, sealOf } from './node-keys.js';
import type { AuthorityDeps } from './directory/authority.js';
import type { Log } from './ports/log.js';
import { publicKeyOf } from './route/document.js';
import type { AuthorityAddress } from './route/network.js';

export const authorityDatabaseOf = (config: Config): string => path.join(config.data, 'authority.db');

/** How often the mailbox is asked without a notice from its server. */
const pollMs = 10 * minuteMs;

/** The secret key of the authority. @throws ConfigError when it has none yet, or it does not open; StoreError */
export const ownSecretKey = (config: Config): Uint8Array => {
  const { key } = authorityConfig(config);
  const seal = sealOf(config);
  finishSealingOf(config, seal);
  return readSecretKey(key, seal);
};

/** The authority of that configuration, with its key as it is. @throws ConfigError when it has none yet */
export const ownAuthority = (config: Config, secretKey = ownSecretKey(config)): AuthorityAddress => ({
  key: publicKeyOf(secretKey),
  address: config.mail.address,
});

/** All authorities of the configuration, in the one order that all of them write. @throws ConfigError without a key */
export const authoritiesOf = (config: Config, secretKey = ownSecretKey(config)): readonly AuthorityAddress[] => {
  const own = ownAuthority(config, secretKey);
  const others = authorityConfig(config).peers.filter(({ key }) => key !== own.key);
  return [own, ...others].toSorted((a, b) => (a.key < b.key ? -1 : 1));
};

/**
 * A directory authority on its mailbox.
 *
 * @throws ConfigError, StoreError (data folder in use)
 */
export const composeAuthority = (config: Config, log: Log = stderrLog): Composed<AuthorityDeps> => {
  const { mail } = config;
  const authority = authorityConfig(config);
  if (mail.imap === undefined) throw new ConfigError(`mail.imap: expected a section, got nothing (in ${config.file})`);
  refuseOpenSecrets(config);
  const secretKey = ownSecretKey(config);
  const authorities = authoritiesOf(config, secretKey);
  const lock = lockFolder(config.data);
  const store = opened(lock, () => sqliteAuthorityStore(authorityDatabaseOf(config)));
  const inbox = imapInbox(accountOf('mail.imap', mail.imap, mail.proxy), log);
  const outbox = smtpOutbox(accountOf('mail.smtp', mail.smtp, mail.proxy), log);
  const deps: AuthorityDeps = {
    store,
    inbox,
    outbox,
    budget: opened(lock, () => budgetIn(store, config)),
    parse: parseMail,
    base64: nodeBase64,
    compression: nodeCompression,
    crypto: chooseCrypto(),
    operators: authority.lookup === 'mx' ? mxOperators({ clock: systemClock }) : namedOperators,
    publisher: authority.publish === undefined ? undefined : publishFolder(authority.publish),
    rng: systemRng,
    clock: systemClock,
    ticker: cronTicker,
    log,
    unstored: new Map(),
    from: mail.address,
    secretKey,
    rules: {
      periodMs: authority.periodMs,
      authorities,
      parameters: authority.parameters,
      candidatesPerHour: authority.candidatesPerHour,
      probesPerPeriod: authority.probesPerPeriod,
    },
    pollMs,
  };
  const close = async (): Promise<void> => {
    await Promise.all([inbox.close(), outbox.close()]);
    store.close();
    lock.release();
  };
  return { deps, close };
};
