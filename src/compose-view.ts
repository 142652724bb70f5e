import { existsSync, readFileSync } from 'node:fs';
import { sqliteAuthorityStore } from './adapters/sqlite-authority.js';
import { sqliteClientStore } from './adapters/sqlite-client-store.js';
import { isLocked, type Opening } from './adapters/sqlite.js';
import { sqliteMixStore } from './adapters/sqlite-mix-store.js';
import { ConfigError, RouteError } from './base/errors.js';
import { databaseOf } from './compose-joined.js';
import { authoritiesOf, authorityDatabaseOf } from './compose-authority.js';
import { type Config, networkConfig, trustOf } from './config.js';
import type { AccountSection } from './config-mail.js';
import type { Evidence } from './council/evidence.js';
import { evidenceOf } from './council/evidence.js';
import { moreThanHalf } from './council/majority.js';
import type { Account } from './carrier/budget.js';
import { withoutListsAhead } from './directory/lists.js';
import type { ConsensusStore, EndorsementStore, Fork } from './ports/follow.js';
import type { NoteStore } from './ports/stores.js';
import type { Heartbeat } from './mix/heartbeat.js';
import { heartbeatIn } from './node/heartbeat.js';
import { accountIn } from './post/account.js';
import { inspectNetwork, objectionTo } from './route/network.js';
import type { Network, Support, Trust } from './route/network.js';
import type { PublicKeyHex } from './route/document.js';

/** An authority, and what its signature on the list is. */
export interface Signer {
  readonly key: PublicKeyHex;
  /** Undefined where the list doesn't say. */
  readonly address: string | undefined;
  readonly state: 'signed' | 'missing' | 'bad';
}

/** A network as one process sees it. */
export interface NetworkView {
  readonly network: Network | undefined;
  /** Why there is no list, or why it isn't used. */
  readonly objection: RouteError | undefined;
  readonly signers: readonly Signer[];
  readonly forks: readonly Fork[];
  /** Authorities that said two things where only one may be said. */
  readonly contradictions: readonly Pick<Evidence, 'authority' | 'number' | 'kind'>[];
}

type Kept = ConsensusStore & EndorsementStore;

/** The keys of the authorities with what stands on the list; addresses as the list has them. */
const signersOf = (support: Support, network: Network, known: ReadonlyMap<PublicKeyHex, string>): readonly Signer[] => {
  const addresses = new Map([
    ...(network.consensus?.authorities ?? []).map(({ key, address }) => [key, address] as const),
    ...known,
  ]);
  const all = (keys: readonly PublicKeyHex[], state: Signer['state']): readonly Signer[] =>
    keys.map((key) => ({ key, address: addresses.get(key), state }));
  return [...all(support.valid, 'signed'), ...all(support.bad, 'bad'), ...all(support.missing, 'missing')];
};

interface Asked {
  readonly trust: Trust;
  readonly addresses: ReadonlyMap<PublicKeyHex, string>;
  readonly now: number;
}

const viewOfText = (text: string, { trust, addresses, now }: Asked): NetworkView => {
  const { network, support } = inspectNetwork(text, trust.authorities);
  return {
    network,
    objection: objectionTo(network, support, trust, now),
    signers: signersOf(support, network, addresses),
    forks: [],
    contradictions: [],
  };
};

const nothing = (objection: RouteError | undefined): NetworkView => ({
  network: undefined,
  objection,
  signers: [],
  forks: [],
  contradictions: [],
});

/** Authorities that endorsed two lists of one number, as far as this process has heard. */
const heardTwice = (store: Kept): NetworkView['contradictions'] =>
  store.consensuses().flatMap(({ number }) => {
    const heard = store.endorsements(number);
    return heard.flatMap((one, i) => {
      const other = heard.slice(i + 1).find(({ authority }) => authority === one.authority);
      const evidence = other && evidenceOf(one.text, other.text);
      return evidence === undefined ? [] : [evidence];
    });
  });

const viewOfStore = (store: Kept, asked: Asked): NetworkView => {
  const forks = store.forks();
  const [fork] = forks;
  const [newest] = store.consensuses();
  const text = newest && store.consensusText(newest.digest);
  const view = text === undefined ? nothing(undefined) : viewOfText(text, asked);
  const objection = fork && new RouteError('route/fork', `there are two lists of number ${fork.number}`);
  return { ...view, objection: objection ?? view.objection, forks, contradictions: heardTwice(store) };
};

const viewOfFile = (file: string, asked: Asked): NetworkView => {
  try {
    return viewOfText(readFileSync(file, 'utf8'), asked);
  } catch (error) {
    if (error instanceof RouteError) return nothing(error);
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new ConfigError(`${file}: can't be read (${code})`, { cause: error });
  }
};

const withStore = <S extends { readonly close: () => void }, T>(store: S, work: (store: S) => T): T => {
  try {
    return work(store);
  } finally {
    store.close();
  }
};

/** Nothing is written, nor made newer, in what another process works on. */
const openingOf = ({ data }: Config): Opening => (isLocked(data) ? 'look' : 'own');

const openKept = (config: Config, how: Opening): Kept & NoteStore & { readonly close: () => void } =>
  config.client === undefined ? sqliteMixStore(databaseOf(config), how) : sqliteClientStore(databaseOf(config), how);

const viewOfAuthority = (config: Config, now: number): NetworkView => {
  const authorities = authoritiesOf(config);
  const keys = authorities.map(({ key }) => key);
  const trust = { authorities: keys, threshold: moreThanHalf(keys.length) };
  const addresses = new Map(authorities.map(({ key, address }) => [key, address]));
  if (!existsSync(authorityDatabaseOf(config))) return nothing(undefined);
  return withStore(sqliteAuthorityStore(authorityDatabaseOf(config), openingOf(config)), (store) => ({
    ...viewOfStore(keys.length === 1 ? withoutListsAhead(store, () => now) : store, { trust, addresses, now }),
    contradictions: store.contradictions(),
  }));
};

/**
 * The network of that configuration, from its file or from what its node, client or authority has kept; beside a running
 * one.
 *
 * @throws ConfigError, StoreError
 */
export const viewNetwork = (config: Config, now: number): NetworkView => {
  if (config.authority !== undefined) return viewOfAuthority(config, now);
  const network = networkConfig(config);
  const trust = trustOf(network);
  if (network.kind === 'list') return viewOfFile(network.list, { trust, addresses: new Map(), now });
  const addresses = new Map(network.invitation.authorities.map(({ key, address }) => [key, address]));
  if (!existsSync(databaseOf(config))) return nothing(undefined);
  return withStore(openKept(config, openingOf(config)), (store) => viewOfStore(store, { trust, addresses, now }));
};

/** What `ConsensusStore.forgetForks` does, for the node or client of that configuration. @returns how many forks */
export const forgetForks = (config: Config): number => {
  networkConfig(config);
  if (!existsSync(databaseOf(config))) return 0;
  return withStore(openKept(config, 'beside'), (store) => store.forgetForks());
};

/**
 * What an account of that configuration has left; beside the running process. One that nothing was sent from yet is new.
 *
 * @throws StoreError
 */
export const viewAccount = (config: Config, { account, further }: AccountSection, now: number): Account => {
  const rules = { ...account.budget, now, further };
  const isAuthority = config.authority !== undefined;
  if (!existsSync(isAuthority ? authorityDatabaseOf(config) : databaseOf(config)))
    return accountIn({ note: () => undefined }, rules);
  return isAuthority
    ? withStore(sqliteAuthorityStore(authorityDatabaseOf(config), openingOf(config)), (store) =>
        accountIn(store, rules),
      )
    : withStore(openKept(config, openingOf(config)), (store) => accountIn(store, rules));
};

/** What a node knows of its loops; beside the running one. Undefined of one that has not been started yet. @throws StoreError */
export const viewHeartbeat = (config: Config): Heartbeat | undefined =>
  existsSync(databaseOf(config)) ? withStore(openKept(config, openingOf(config)), heartbeatIn) : undefined;
