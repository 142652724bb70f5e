import path from 'node:path';
import { listFile } from './adapters/file-list.js';
import { fileNetwork } from './adapters/file-network.js';
import { httpsSource } from './adapters/https-source.js';
import { nodeBase64 } from './adapters/node-base64.js';
import { nodeCompression } from './adapters/node-compression.js';
import { parseMail } from './adapters/mime.js';
import { lockFolder } from './adapters/sqlite.js';
import { systemClock, systemRng } from './adapters/system.js';
import { Bug, ConfigError, StoreError } from './base/errors.js';
import { type NodeId, parseNodeId } from './base/ids.js';
import { type Config, type JoinConfig, networkConfig, type NetworkConfig, nodeConfig, trustOf } from './config.js';
import type { FoundDocument } from './council/documents.js';
import { answerCache, usualAnswerBounds } from './follow/answer.js';
import { type FollowDeps, followedBounds, followOnce, knownAccounts, takeFollowed } from './follow/follow.js';
import { directoryReading, type DirectoryMailDeps, readDirectoryMails } from './follow/mails.js';
import type { DirectoryReader, Following } from './follow/following.js';
import { keptNetwork } from './follow/kept-network.js';
import { type AnnounceDeps, usualPeriodMs } from './node/announce.js';
import type { LeaveDeps } from './node/leave.js';
import { openNodeKeys } from './node-keys.js';
import { figuresOf } from './node/traffic.js';
import { accountBudget, type Allowance, type Budget } from './post/account.js';
import { postDue } from './post/post.js';
import { Sending, type SendingAccount } from './post/sending.js';
import type { Published } from './node/published.js';
import { accountsIn } from './config-mail.js';
import { accountOf, refuseOpenSecret, type ServerSettings } from './adapters/secrets.js';
import { smtpOutbox } from './adapters/smtp-outbox.js';
import { sqliteMixStore } from './adapters/sqlite-mix-store.js';
import { stderrLog } from './adapters/stderr-log.js';
import type { ConsensusStore, DirectoryStore } from './ports/follow.js';
import type { Log } from './ports/log.js';
import type { Inbox, Outbox } from './ports/mail.js';
import type { KeyStore } from './ports/keys.js';
import type { MixStore } from './ports/mix-store.js';
import type { CursorStore, NoteStore } from './ports/stores.js';
import type { Directory } from './ports/network.js';
import { publicKeyOf } from './route/document.js';

/** The database of a node or client. */
export const databaseOf = (config: Config): string => path.join(config.data, 'mixmailer.db');

/** A role with everything it needs from the world, and how to let go of it. */
export interface Composed<Deps> {
  readonly deps: Deps;
  readonly close: () => Promise<void>;
}

/** The list of all nodes: that of a file, or those that the store keeps of a joined network. */
export const directoryOf = (network: NetworkConfig, store: ConsensusStore): Directory =>
  network.kind === 'list' ? fileNetwork(network.list, trustOf(network)) : keptNetwork(store, trustOf(network));

/** A process whose list is a file does not start without a valid one; one that has joined waits. @throws RouteError */
export const refuseBadFile = (network: NetworkConfig): void => {
  if (network.kind === 'list') fileNetwork(network.list, trustOf(network)).network(systemClock.now());
};

/** What a start looks at besides what it opens. @throws ConfigError when others can read a password */
export const refuseOpenSecrets = ({ mail }: Config): void => {
  for (const { imap, smtp } of accountsIn(mail))
    for (const server of [imap, smtp]) if (server !== undefined) refuseOpenSecret(server.secret);
};

interface Lock {
  readonly release: () => void;
}

/** What was opened in a locked data folder; where that fails the folder is free again. */
export const opened = <T>(lock: Lock, open: () => T): T => {
  try {
    return open();
  } catch (error) {
    lock.release();
    throw error;
  }
};

/** @returns undefined when another process is on the data folder */
export const lockUnlessTaken = (folder: string): Lock | undefined => {
  try {
    return lockFolder(folder);
  } catch (error) {
    if (error instanceof StoreError && error.code === 'store/locked') return undefined;
    throw error;
  }
};

export const nodeIdOf = (keyStore: KeyStore): NodeId => {
  const self = parseNodeId(publicKeyOf(keyStore.identity()));
  if (self === undefined) throw new Bug('a public key is a node id');
  return self;
};

/** The budget of the configuration's first account, as the store has kept it. */
export const budgetIn = (store: NoteStore, { mail }: Config): Budget =>
  accountBudget(store, { ...mail.budget, now: systemClock.now() });

/** The accounts that a node's mails leave from. @param outboxOf its way out, by the name of its section */
export const sendingIn = (
  store: NoteStore,
  { mail }: Config,
  outboxOf: (name: string, smtp: ServerSettings) => Outbox,
): readonly [SendingAccount, ...SendingAccount[]] => {
  const now = systemClock.now();
  const { address: from, smtp, budget } = mail;
  return [
    { from, outbox: outboxOf('mail.smtp', smtp), budget: accountBudget(store, { ...budget, now }) },
    ...mail.further.map((one, i) => ({
      from: one.address,
      outbox: outboxOf(`mail.further.${i}.smtp`, one.smtp),
      budget: accountBudget(store, { ...one.budget, now, further: one.address }),
    })),
  ];
};

/** What a node needs to tell the authorities of itself. */
export const announceDeps = (
  config: Config,
  network: JoinConfig,
  {
    store,
    keyStore,
    allowance,
    published,
  }: {
    readonly store: MixStore;
    readonly keyStore: KeyStore;
    readonly allowance: Allowance | undefined;
    readonly published?: Published | undefined;
  },
): AnnounceDeps => {
  const { name, exit } = nodeConfig(config);
  return {
    store,
    keyStore,
    profile: { name, accounts: accountsIn(config.mail), isExit: exit },
    self: nodeIdOf(keyStore),
    directory: directoryOf(network, store),
    authorities: network.invitation.authorities,
    periodMs: network.invitation.periodMs ?? usualPeriodMs,
    base64: nodeBase64,
    compression: nodeCompression,
    rng: systemRng,
    figures: (now) => figuresOf(store, allowance, now),
    published,
  };
};

/** What follows a network for a role. */
interface Follower {
  readonly store: DirectoryStore;
  readonly mailbox: { readonly inbox: Inbox; readonly pollMs: number } | undefined;
  /** Nodes answer who asks for the list; clients don't. */
  readonly answers: boolean;
  /** Takes documents that are about this process alone. In the store's transaction. @returns whether it is one */
  readonly take?: (document: FoundDocument, now: number) => boolean;
  /** What else is due by the time. */
  readonly tick?: (now: number) => void;
  readonly log: Log;
}

/** How a role of a joined network keeps its list: by mail, from web servers and from files. */
export const followNetwork = (
  config: Config,
  network: JoinConfig,
  follower: Follower,
): Following & {
  /** Reads mails of the directory in another mailbox, whose cursors are these. */
  readonly readerOf: (cursors: CursorStore) => DirectoryReader;
} => {
  const { store, mailbox, answers, take, tick, log } = follower;
  const { invitation, sources } = network;
  const isUrl = (source: string): boolean => source.startsWith('https:');
  const urls = [...invitation.urls, ...sources.filter(isUrl)].map((url) => url.replace(/\/+$/, ''));
  const deps: FollowDeps = {
    store,
    followed: {
      authorities: invitation.authorities,
      threshold: trustOf(network).threshold,
      periodMs: invitation.periodMs,
      urls: [...new Set(urls)],
    },
    prefers: answers ? 'authorities' : 'nodes',
    receivesMail: mailbox !== undefined,
    fetchUrl: urls.length === 0 ? undefined : httpsSource({ proxy: config.mail.proxy }),
    files: sources.filter((source) => !isUrl(source)).map(listFile),
    answers: answers ? { bounds: usualAnswerBounds, cache: answerCache() } : undefined,
    base64: nodeBase64,
    compression: nodeCompression,
    rng: systemRng,
    log,
    from: config.mail.address,
    own: accountsIn(config.mail).map(({ address }) => address),
  };
  const reading = (): Omit<DirectoryMailDeps, 'inbox' | 'store'> => ({
    parse: parseMail,
    base64: nodeBase64,
    compression: nodeCompression,
    clock: systemClock,
    log,
    reading: directoryReading(),
    known: knownAccounts(deps),
    bounds: (mail, now) => followedBounds(deps, mail, now),
    take: (document, mail, now) => take?.(document, now) === true || takeFollowed(deps, document, mail, now),
  });
  const readerOf = (cursors: CursorStore): DirectoryReader => {
    const rest = { ...reading(), store: { atomically: store.atomically, ...cursors } };
    return (inbox, signal) => readDirectoryMails({ ...rest, inbox }, signal);
  };
  return {
    mailbox: mailbox && { ...mailbox, read: readerOf(store) },
    readerOf,
    tick: async (now, signal) => {
      tick?.(now);
      await followOnce(deps, now, signal);
    },
  };
};

/**
 * What `mixmailer leave` needs, beside a running node or without one.
 *
 * @throws ConfigError; StoreError, `store/version` when the database is of an older version
 */
export const composeLeave = (config: Config): Composed<LeaveDeps> => {
  const { mail } = config;
  const network = networkConfig(config);
  if (network.kind === 'list')
    throw new ConfigError(
      `network.list: expected a joined network; whoever makes this list leaves the node out of the next one (in ${config.file})`,
    );
  const keyStore = openNodeKeys(config);
  const store = sqliteMixStore(databaseOf(config), 'beside');
  const accounts = sendingIn(store, config, (name, smtp) => smtpOutbox(accountOf(name, smtp, mail.proxy), stderrLog));
  const sending = new Sending(accounts);
  const post = async (signal: AbortSignal): Promise<void> => {
    const lock = lockUnlessTaken(config.data);
    // The running node posts.
    if (lock === undefined) return;
    try {
      await postDue(
        {
          store,
          unstored: new Map(),
          ...accounts[0],
          sending,
          clock: systemClock,
          rng: systemRng,
          log: stderrLog,
        },
        signal,
      );
    } finally {
      lock.release();
    }
  };
  return {
    deps: {
      ...announceDeps(config, network, { store, keyStore, allowance: sending.allowance }),
      clock: systemClock,
      post,
    },
    close: async () => {
      await Promise.all(accounts.map(({ outbox }) => outbox.close()));
      store.close();
    },
  };
};
