import { fileNetwork } from './adapters/file-network.js';
import { nodeBase64 } from './adapters/node-base64.js';
import { nodeCompression } from './adapters/node-compression.js';
import { parseMail } from './adapters/mime.js';
import { lockFolder } from './adapters/sqlite.js';
import { systemClock, systemRng } from './adapters/system.js';
import { Bug, StoreError } from './base/errors.js';
import { type NodeId, parseNodeId } from './base/ids.js';
import { type Config, type JoinConfig, type NetworkConfig, nodeConfig, trustOf } from './config.js';
import type { Following } from './follow/following.js';
import { keptNetwork } from './follow/kept-network.js';
import { type AnnounceDeps, usualPeriodMs } from './node/announce.js';
import type { ConsensusStore } from './ports/follow.js';
import type { KeyStore } from './ports/keys.js';
import type { MixStore } from './ports/stores.js';
import type { Directory } from './ports/network.js';
import { publicKeyOf } from './route/document.js';

/** The list of all nodes: that of a file, or those that the store keeps of a joined network. */
export const directoryOf = (network: NetworkConfig, store: ConsensusStore): Directory =>
  network.kind === 'list' ? fileNetwork(network.list, trustOf(network)) : keptNetwork(store, trustOf(network));

/** A process whose list is a file does not start without a valid one; one that has joined waits. @throws RouteError */
export const refuseBadFile = (network: NetworkConfig): void => {
  if (network.kind === 'list') fileNetwork(network.list, trustOf(network)).network(systemClock.now());
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

/** What a node needs to tell the authorities of itself. */
export const announceDeps = (
  config: Config,
  network: JoinConfig,
  { store, keyStore }: { readonly store: MixStore; readonly keyStore: KeyStore },
): AnnounceDeps => {
  const { name, exit } = nodeConfig(config);
  const { address, provider } = config.mail;
  return {
    store,
    keyStore,
    profile: { name, address, provider, isExit: exit },
    self: nodeIdOf(keyStore),
    directory: directoryOf(network, store),
    authorities: network.invitation.authorities,
    periodMs: network.invitation.periodMs ?? usualPeriodMs,
    base64: nodeBase64,
    compression: nodeCompression,
    rng: systemRng,
  };
};
