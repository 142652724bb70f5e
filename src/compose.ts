import path from 'node:path';
import { chooseCrypto } from './adapters/node-crypto.js';
import { cronTicker } from './adapters/cron-ticker.js';
import { fileNetwork } from './adapters/file-network.js';
import { imapInbox } from './adapters/imap-inbox.js';
import { maildir } from './adapters/maildir.js';
import { parseMail } from './adapters/mime.js';
import { nodeBase64 } from './adapters/node-base64.js';
import { readPlusAddress } from './adapters/plus-address.js';
import { accountOf } from './adapters/secrets.js';
import { smtpOutbox } from './adapters/smtp-outbox.js';
import { lockFolder } from './adapters/sqlite.js';
import { sqliteClientStore } from './adapters/sqlite-client-store.js';
import { sqliteMixStore } from './adapters/sqlite-mix-store.js';
import { stderrLog } from './adapters/stderr-log.js';
import { systemClock, systemRng } from './adapters/system.js';
import { inlineUnwrapper, workerUnwrapper } from './adapters/unwrap-workers.js';
import { Bug, ConfigError } from './base/errors.js';
import { parseNodeId } from './base/ids.js';
import { dayMs } from './base/units.js';
import type { ClientDeps, Receipts } from './client/client.js';
import { toInbox } from './client/inbound.js';
import { mustReach } from './client/send.js';
import { submitMail } from './client/submit.js';
import type { Submission, Submitted } from './client/submit.js';
import { clientConfig, networkConfig, nodeConfig } from './config.js';
import type { Config, ReceiptsConfig } from './config.js';
import type { MixNodeDeps } from './node/mix-node.js';
import { Tally } from './node/tally.js';
import type { Inbox } from './ports/mail.js';
import type { Directory } from './ports/network.js';
import type { MessageStatus } from './ports/stores.js';
import { openNodeKeys } from './node-keys.js';
import { publicKeyOf } from './route/document.js';
import type { Network } from './route/network.js';

const databaseOf = (config: Config): string => path.join(config.data, 'mixmailer.db');

/** A role with everything it needs from the world, and how to let go of it. */
export interface Composed<Deps> {
  readonly deps: Deps;
  readonly close: () => Promise<void>;
}

const directoryOf = (config: Config): Directory => {
  const { list, authorities, threshold } = networkConfig(config);
  return fileNetwork(list, { authorities, threshold });
};

/**
 * How an exit knows whom an answer is for: as its operator says, or by plus addresses where `mixmailer check` has found
 * that they arrive.
 *
 * @throws ConfigError
 */
export const replyToOf = (config: Config): 'plus' | 'message-id' => {
  const { alias } = nodeConfig(config).replies;
  if (alias !== 'auto') return alias;
  return readPlusAddress(config.data) === true ? 'plus' : 'message-id';
};

/**
 * A mix node on its mailbox.
 *
 * @throws ConfigError, RouteError (no valid network list), StoreError (data folder in use)
 */
export const composeNode = (config: Config): Composed<MixNodeDeps> => {
  const { mail } = config;
  const node = nodeConfig(config);
  if (mail.imap === undefined) throw new ConfigError(`mail.imap: expected a section, got nothing (in ${config.file})`);
  const directory = directoryOf(config);
  const { parameters } = directory.network(systemClock.now());
  const keyStore = openNodeKeys(config);
  const self = parseNodeId(publicKeyOf(keyStore.identity()));
  if (self === undefined) throw new Bug('a public key is a node id');
  const lock = lockFolder(config.data);
  const store = sqliteMixStore(databaseOf(config));
  const inbox = imapInbox(accountOf('mail.imap', mail.imap, mail.proxy), stderrLog);
  const outbox = smtpOutbox(accountOf('mail.smtp', mail.smtp, mail.proxy), stderrLog);
  const crypto = chooseCrypto();
  const unwrapper = node.workers === 0 ? inlineUnwrapper(crypto) : workerUnwrapper(node.workers);
  const deps: MixNodeDeps = {
    inbox,
    outbox,
    store,
    unwrapper,
    crypto,
    keyStore,
    self,
    directory,
    parse: parseMail,
    base64: nodeBase64,
    rng: systemRng,
    clock: systemClock,
    ticker: cronTicker,
    log: stderrLog,
    tally: new Tally(),
    from: mail.address,
    keys: (now) => keyStore.mixKeys(now),
    bench: (now) => {
      const { byId } = directory.network(now);
      return { isExit: node.exit, knows: (id) => byId.has(id) };
    },
    strictest: { minimum: node.mix.pool.minimum, rate: node.mix.pool.rate },
    loopsPerInterval: node.cover.loopsPerInterval,
    bounds: node.limits,
    replyTo: replyToOf(config),
    clearReplies: node.replies.clear,
    // A copy of a fragment can be unwrapped as long as the longest-lived mix key.
    forgetMs: 2 * node.keys.lengthMs + node.keys.graceMs + dayMs,
    schedule: parameters.mixSchedule,
    pollMs: node.pollMs,
  };
  const close = async (): Promise<void> => {
    await Promise.all([inbox.close(), outbox.close(), unwrapper.close()]);
    store.close();
    lock.release();
  };
  return { deps, close };
};

/** How long a mail that is handed in a second time is recognized as the same. */
const forgetSubmissionsMs = 7 * dayMs;

/** Takes mails into the client's queue. */
export interface ClientQueue {
  readonly submit: (mail: Submission) => Promise<readonly Submitted[]>;
  readonly close: () => void;
}

/**
 * The client's queue alone, as `mixmailer sendmail` opens it beside a running client.
 *
 * @throws ConfigError, StoreError
 */
export const composeQueue = (config: Config): ClientQueue => {
  const client = clientConfig(config);
  const directory = directoryOf(config);
  const rules = { senderProvider: config.mail.provider, allow: client.paths.allow };
  const store = sqliteClientStore(databaseOf(config));
  const reachDeps = { directory, rules, rng: systemRng, receipts: client.receipts };
  return {
    submit: (mail) =>
      submitMail(
        {
          store,
          parse: parseMail,
          base64: nodeBase64,
          clock: systemClock,
          rng: systemRng,
          keyIds: client.hygiene.keyIds,
          replyBlocks: client.receipts?.replyBlocks,
          mustReach: (recipient, now) => mustReach(reachDeps, recipient, now),
        },
        mail,
      ),
    close: () => store.close(),
  };
};

/**
 * What became of the messages of this client, those first that came first; beside a running client.
 *
 * @throws ConfigError, StoreError
 */
export const readStatuses = (config: Config): readonly MessageStatus[] => {
  clientConfig(config);
  const store = sqliteClientStore(databaseOf(config));
  try {
    return store.messageStatuses();
  } finally {
    store.close();
  }
};

/** A client takes what comes to its mailbox for its own, and a node's packets would be lost to the node. */
const refuseMailboxOfNode = ({ file, mail }: Config, { nodes }: Network): void => {
  const node = nodes.find(({ address }) => address.toLowerCase() === mail.address.toLowerCase());
  if (node !== undefined)
    throw new ConfigError(
      `mail.address: expected an account of its own (client.receipts = false does without), got that of the node ${node.name} (in ${file})`,
    );
};

/**
 * The user's agent: queue, packets, the way out through the user's own account, and what comes back to it.
 *
 * @throws ConfigError, RouteError (no valid network list), StoreError (data folder in use)
 */
export const composeClient = (config: Config, log = stderrLog): Composed<ClientDeps> => {
  const { mail } = config;
  const client = clientConfig(config);
  const directory = directoryOf(config);
  const network = directory.network(systemClock.now());
  if (client.receipts !== undefined) refuseMailboxOfNode(config, network);
  const lock = lockFolder(config.data);
  const store = sqliteClientStore(databaseOf(config));
  const outbox = smtpOutbox(accountOf('mail.smtp', mail.smtp, mail.proxy), log);
  const inbox = client.receipts && mail.imap && imapInbox(accountOf('mail.imap', mail.imap, mail.proxy), log);
  const deps: ClientDeps = {
    outbox,
    store,
    directory,
    crypto: chooseCrypto(),
    base64: nodeBase64,
    rng: systemRng,
    clock: systemClock,
    ticker: cronTicker,
    log,
    from: mail.address,
    rules: { senderProvider: mail.provider, allow: client.paths.allow },
    receipts: client.receipts && inbox && receiptsDeps(client.receipts, inbox),
    notices: client.receipts?.notices ?? 'hide-recipient',
    spreadMs: client.pace.spreadMs,
    forgetMs: forgetSubmissionsMs,
    schedule: client.pace.schedule,
  };
  const close = async (): Promise<void> => {
    await Promise.all([outbox.close(), inbox?.close()]);
    store.close();
    lock.release();
  };
  return { deps, close };
};

const receiptsDeps = ({ retry, pollMs, deliverTo }: ReceiptsConfig, inbox: Inbox): Receipts => ({
  retry,
  pollMs,
  inbox,
  parse: parseMail,
  deliver: deliverTo.kind === 'imap' ? toInbox(inbox) : maildir(deliverTo.path),
});
