import { chooseCrypto } from './adapters/node-crypto.js';
import { cronTicker } from './adapters/cron-ticker.js';
import { readHealth } from './adapters/health-file.js';
import { imapInbox } from './adapters/imap-inbox.js';
import { maildir } from './adapters/maildir.js';
import { parseMail } from './adapters/mime.js';
import { mostFragments } from './base/bounds.js';
import { nodeBase64 } from './adapters/node-base64.js';
import { readPlusAddress } from './adapters/plus-address.js';
import { refuseUnfinishedRestore } from './adapters/owner-only.js';
import { accountOf } from './adapters/secrets.js';
import { smtpOutbox } from './adapters/smtp-outbox.js';
import { isLocked, lockFolder } from './adapters/sqlite.js';
import { sqliteClientStore } from './adapters/sqlite-client-store.js';
import { sqliteMixStore } from './adapters/sqlite-mix-store.js';
import { stderrLog } from './adapters/stderr-log.js';
import { systemClock, systemRng } from './adapters/system.js';
import { inlineUnwrapper, workerUnwrapper } from './adapters/unwrap-workers.js';
import { ConfigError } from './base/errors.js';
import { dayMs, minuteMs } from './base/units.js';
import type { ClientDeps, Receipts } from './client/client.js';
import { toInbox } from './client/inbound.js';
import type { Deliver } from './client/inbound.js';
import { mustReach } from './client/send.js';
import { submitMail } from './client/submit.js';
import type { Submission, Submitted } from './client/submit.js';
import { clientConfig, networkConfig, nodeConfig } from './config.js';
import type { ClientConfig, Config, ReceiptsConfig } from './config.js';
import { accountsIn } from './config-mail.js';
import {
  announceDeps,
  budgetIn,
  sendingIn,
  type Composed,
  databaseOf,
  directoryOf,
  followNetwork,
  nodeIdOf,
  opened,
  refuseBadFile,
  refuseOpenSecrets,
} from './compose-joined.js';
import { networkAt } from './follow/network-at.js';
import { announceOnce, takeChallenge } from './node/announce.js';
import type { MixNodeDeps } from './node/mix-node.js';
import { Tally } from './node/tally.js';
import { type Meter, meterOf } from './mix/meter.js';
import type { Log } from './ports/log.js';
import type { Inbox } from './ports/mail.js';
import type { Directory } from './ports/network.js';
import type { MessageStatus } from './ports/client-store.js';
import { openNodeKeys } from './node-keys.js';
import { Published } from './node/published.js';
import { cursorsOf } from './post/folders.js';
import { unreadSince } from './post/health.js';
import { Intake } from './post/intake.js';
import { Sending } from './post/sending.js';
import { SummedLog } from './post/summed-log.js';
import type { Network } from './route/network.js';

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
 * @throws ConfigError, StoreError (data folder in use), RouteError (the list in a file is not valid)
 */
export const composeNode = (config: Config, told: Log = stderrLog): Composed<MixNodeDeps> => {
  const { mail } = config;
  const node = nodeConfig(config);
  if (mail.imap === undefined) throw new ConfigError(`mail.imap: expected a section, got nothing (in ${config.file})`);
  const network = networkConfig(config);
  refuseOpenSecrets(config);
  refuseBadFile(network);
  const keyStore = openNodeKeys(config);
  const lock = lockFolder(config.data);
  const self = opened(lock, () => nodeIdOf(keyStore));
  const store = opened(lock, () => sqliteMixStore(databaseOf(config)));
  const directory = directoryOf(network, store);
  const log = new SummedLog(told);
  const inbox = imapInbox(accountOf('mail.imap', mail.imap, mail.proxy), log);
  const accounts = opened(lock, () =>
    sendingIn(store, config, (name, smtp) => smtpOutbox(accountOf(name, smtp, mail.proxy), log)),
  );
  const [{ budget, outbox }] = accounts;
  const sending = mail.further.length === 0 ? undefined : new Sending(accounts);
  const intake = (): Intake =>
    new Intake({ perSender: node.limits.packetsPerSender, perNode: node.limits.packetsPerNode });
  const crypto = chooseCrypto();
  const unwrapper = node.workers === 0 ? inlineUnwrapper(crypto) : workerUnwrapper(node.workers);
  const isSeveral = sending !== undefined && network.kind === 'join';
  const addresses = accountsIn(mail).map(({ address }) => address);
  const published = isSeveral ? new Published({ store, addresses, pollMs: node.pollMs, log }) : undefined;
  const allowance = sending === undefined ? budget : sending.allowance;
  const announce =
    network.kind === 'join' ? announceDeps(config, network, { store, keyStore, allowance, published }) : undefined;
  const following =
    network.kind === 'join' && announce !== undefined
      ? followNetwork(config, network, {
          store,
          mailbox: { inbox, pollMs: node.pollMs },
          answers: true,
          take: (document, now) => takeChallenge(announce, document, now),
          tick: (now) => void announceOnce(announce, now),
          log,
        })
      : undefined;
  const further = mail.further.map(({ address, imap }, i) => ({
    address,
    inbox: imapInbox(accountOf(`mail.further.${i}.imap`, imap, mail.proxy), log),
    intake: intake(),
    readDocuments: following?.readerOf(cursorsOf(store, address)),
  }));
  const deps: MixNodeDeps = {
    inbox,
    outbox,
    budget,
    sending,
    further,
    published,
    store,
    unwrapper,
    intake: intake(),
    crypto,
    keyStore,
    self,
    directory,
    following,
    parse: parseMail,
    base64: nodeBase64,
    rng: systemRng,
    clock: systemClock,
    ticker: cronTicker,
    log,
    tally: new Tally(),
    unstored: new Map(),
    from: mail.address,
    keys: (now) => keyStore.mixKeys(now),
    bench: (now) => {
      const { byId } = directory.network(now);
      return { isExit: node.exit, knows: (id) => byId.has(id) };
    },
    strictest: { minimum: node.mix.pool.minimum ?? 0, rate: node.mix.pool.rate ?? 1 },
    loopsPerInterval: node.cover.loopsPerInterval,
    dropsPerInterval: node.cover.dropsPerInterval,
    bounds: { ...node.limits, maxFragments: mostFragments },
    replyTo: replyToOf(config),
    clearReplies: node.replies.clear,
    // A copy of a fragment can be unwrapped as long as the longest-lived mix key.
    forgetMs: 2 * node.keys.lengthMs + node.keys.graceMs + dayMs,
    pollMs: node.pollMs,
  };
  const close = async (): Promise<void> => {
    await Promise.all(
      [inbox, ...further.map((one) => one.inbox), ...accounts.map((one) => one.outbox), unwrapper].map((one) =>
        one.close(),
      ),
    );
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
 * @throws ConfigError, also where a restore was cut off: what is there now does not stay; StoreError
 */
export const composeQueue = (config: Config): ClientQueue => {
  const client = clientConfig(config);
  const network = networkConfig(config);
  const rules = { senderProvider: config.mail.provider, allow: client.paths.allow };
  refuseUnfinishedRestore(config.data);
  const store = sqliteClientStore(databaseOf(config));
  const directory = directoryOf(network, store);
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
          ownKeys: client.hygiene.ownKeys,
          replyBlocks: client.receipts?.replyBlocks,
          mustReach: (recipient, now) => mustReach(reachDeps, recipient, now),
        },
        mail,
      ),
    close: () => store.close(),
  };
};

/** What a client knows of its messages, and of what those could hide among that it sends now. */
export interface QueueView {
  readonly messages: readonly MessageStatus[];
  readonly meter: Meter;
  /** Since when receipts could not be read, if they can't be: then nothing is sent again or given up. */
  readonly unreadSince: number | undefined;
}

/**
 * What became of the messages of this client, those first that came first; beside a running client.
 *
 * @throws ConfigError, also where a restore was cut off; StoreError
 */
export const readQueue = (config: Config, now: number): QueueView => {
  const { floorBits, receipts } = clientConfig(config);
  refuseUnfinishedRestore(config.data);
  const store = sqliteClientStore(databaseOf(config));
  try {
    const network = config.network && networkAt(directoryOf(config.network, store), now);
    const isReading = receipts !== undefined && isLocked(config.data);
    const told = isReading ? readHealth(config.data) : undefined;
    return {
      messages: store.messageStatuses(),
      meter: { bits: network && meterOf(network), floorBits },
      unreadSince: told && unreadSince(told, now),
    };
  } finally {
    store.close();
  }
};

/**
 * A client takes what comes to its mailbox for its own, and a node's packets would be lost to the node: no list is used
 * that has a node there.
 *
 * @returns the directory, whose `network` throws ConfigError then
 * @throws ConfigError if it is so now
 */
const mailboxChecked = ({ file, mail, client }: Config, directory: Directory): Directory => {
  if (client?.receipts === undefined) return directory;
  let checked: Network | undefined;
  const network = (now: number): Network => {
    const list = directory.network(now);
    if (list === checked) return list;
    const isOwn = (address: string): boolean => address.toLowerCase() === mail.address.toLowerCase();
    // Packets come to that one alone, and it is proven; whom else a node names as its senders it may say of anybody.
    const node = list.nodes.find(({ address }) => isOwn(address));
    if (node !== undefined)
      throw new ConfigError(
        `mail.address: expected an account of its own (client.receipts = false does without), got that of the node ${node.name} (in ${file})`,
      );
    checked = list;
    return list;
  };
  networkAt({ network }, systemClock.now());
  return { network };
};

/** How often a mailbox is asked that is read for the network's list alone. */
const usualPollMs = 10 * minuteMs;

/**
 * The user's agent: queue, packets, the way out through the user's own account, and what comes back to it.
 *
 * @throws ConfigError, StoreError (data folder in use), RouteError (the list in a file is not valid)
 */
export const composeClient = (config: Config, told = stderrLog): Composed<ClientDeps> => {
  const log = new SummedLog(told);
  const { mail } = config;
  const client = clientConfig(config);
  const network = networkConfig(config);
  refuseOpenSecrets(config);
  refuseBadFile(network);
  const lock = lockFolder(config.data);
  const store = opened(lock, () => sqliteClientStore(databaseOf(config)));
  const directory = opened(lock, () => mailboxChecked(config, directoryOf(network, store)));
  const outbox = smtpOutbox(accountOf('mail.smtp', mail.smtp, mail.proxy), log);
  const inbox = mail.imap && imapInbox(accountOf('mail.imap', mail.imap, mail.proxy), log);
  const pollMs = client.receipts?.pollMs ?? usualPollMs;
  const following =
    network.kind === 'join'
      ? followNetwork(config, network, { store, mailbox: inbox && { inbox, pollMs }, answers: false, log })
      : undefined;
  const deps: ClientDeps = {
    outbox,
    unstored: new Map(),
    budget: opened(lock, () => budgetIn(store, config)),
    store,
    directory,
    following,
    crypto: chooseCrypto(),
    base64: nodeBase64,
    rng: systemRng,
    clock: systemClock,
    ticker: cronTicker,
    log,
    from: mail.address,
    rules: { senderProvider: mail.provider, allow: client.paths.allow },
    receipts: client.receipts && inbox && receiptsDeps(client.receipts, inbox),
    deliver: deliverOf(client, inbox),
    notices: client.notices,
    pace: client.pace,
    floorBits: client.floorBits,
    giveUpMs: client.giveUpMs,
    forgetMs: forgetSubmissionsMs,
  };
  const close = async (): Promise<void> => {
    await Promise.all([outbox.close(), inbox?.close()]);
    store.close();
    lock.release();
  };
  return { deps, close };
};

const receiptsDeps = ({ retry, pollMs }: ReceiptsConfig, inbox: Inbox): Receipts => ({
  retry,
  pollMs,
  inbox,
  parse: parseMail,
});

const deliverOf = ({ deliverTo }: ClientConfig, inbox: Inbox | undefined): Deliver | undefined =>
  deliverTo?.kind === 'maildir' ? maildir(deliverTo.path) : deliverTo && inbox && toInbox(inbox);
