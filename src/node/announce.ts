import { mostChallengesAnswered } from '../base/bounds.js';
import type { Base64 } from '../base/base64.js';
import { equalBytes } from '../base/bytes.js';
import type { NodeId } from '../base/ids.js';
import type { Rng } from '../base/random.js';
import { dayMs, secondMs } from '../base/units.js';
import { composeDirectoryMail } from '../carrier/directory-mail.js';
import { namedSigner } from '../council/documents.js';
import { readChallenge, signAnswer, signLeave } from '../council/membership.js';
import type { Compression } from '../ports/compression.js';
import type { KeyStore } from '../ports/keys.js';
import type { MembershipStore } from '../ports/membership.js';
import type { Directory } from '../ports/network.js';
import type { OutgoingStore, Store } from '../ports/stores.js';
import { networkAt } from '../follow/network-at.js';
import type { Descriptor, DescriptorDraft, MixKeyOffer } from '../route/descriptor.js';
import { mostMixKeys, readDescriptor, signDescriptor } from '../route/descriptor.js';
import type { AuthorityAddress, Network } from '../route/network.js';
import { RouteError } from '../base/errors.js';
import type { Published } from './published.js';
import { type Figures, haveMoved } from './traffic.js';

/** What the operator says of a node. */
export interface Profile {
  readonly name: string;
  /** Its accounts, the first one first. */
  readonly accounts: readonly [ProfileAccount, ...ProfileAccount[]];
  readonly isExit: boolean;
}

export interface ProfileAccount {
  readonly address: string;
  /** Domain of who runs the mailbox. */
  readonly provider: string;
}

export interface AnnounceDeps {
  readonly store: Store & OutgoingStore & MembershipStore;
  readonly keyStore: KeyStore;
  readonly profile: Profile;
  readonly self: NodeId;
  readonly directory: Directory;
  /** Those of the invitation: no mail and no list adds another one. */
  readonly authorities: readonly AuthorityAddress[];
  /** Time between two lists, as long as none is at hand. */
  readonly periodMs: number;
  readonly base64: Base64;
  readonly compression: Compression;
  readonly rng: Rng;
  /** What its accounts may send and what it has to do. */
  readonly figures?: (now: number) => Figures;
  /** Which of its addresses packets are to be sent to; undefined: the first. */
  readonly published?: Published | undefined;
}

/**
 * A descriptor that is made now stands in a list within two periods, which is valid for three: by then its keys must
 * not be over.
 */
const periodsAhead = 5;

/** The mix keys that a descriptor made now has, at most as many as fit. */
const offeredKeys = (keyStore: KeyStore, now: number, until: number): readonly MixKeyOffer[] =>
  keyStore
    .mixKeys(now, until)
    .filter(({ notAfter }) => now < notAfter)
    .slice(0, mostMixKeys);

interface Telling {
  readonly now: number;
  /** Keys of all epochs that begin before are in it, and of the running and next one anyway. */
  readonly until: number;
  readonly figures?: Figures | undefined;
  readonly published: string | undefined;
}

/** What a descriptor says of a node's accounts. @param published the address that packets are sent to; undefined: the first */
export const accountsTold = (
  accounts: Profile['accounts'],
  published?: string,
): Pick<Descriptor, 'address' | 'provider' | 'senders'> => {
  const { address, provider } = accounts.find((one) => one.address === published) ?? accounts[0];
  return { address, provider, senders: accounts.map((one) => one.address).filter((one) => one !== address) };
};

const draftOf = (
  { name, accounts, isExit }: Profile,
  keyStore: KeyStore,
  { now, until, figures, published }: Telling,
): DescriptorDraft => ({
  name,
  ...accountsTold(accounts, published),
  roles: isExit ? ['mix', 'exit'] : ['mix'],
  mixKeys: offeredKeys(keyStore, now, until),
  publishedAt: Math.floor(now / secondMs) * secondMs,
  ...figures,
});

/** Whether a descriptor says what a new one would say, apart from when and figures. Keys that are over don't count. */
const saysTheSame = (known: Descriptor, wanted: DescriptorDraft, now: number): boolean => {
  const running = known.mixKeys.filter(({ notAfter }) => now < notAfter);
  return (
    known.name === wanted.name &&
    known.address === wanted.address &&
    known.provider === wanted.provider &&
    known.senders.join() === wanted.senders?.join() &&
    known.roles.join() === wanted.roles.join() &&
    running.length === wanted.mixKeys.length &&
    wanted.mixKeys.every((key) => running.some(({ publicKey }) => equalBytes(publicKey, key.publicKey)))
  );
};

const readIfDescriptor = (text: string): Descriptor | undefined => {
  try {
    return readDescriptor(text);
  } catch (error) {
    if (error instanceof RouteError) return undefined;
    throw error;
  }
};

const isLeave = (text: string): boolean => text.startsWith('mixmailer-leave ');

/** Whether the list still has the node as one that stays, or may soon. */
const mustTellLeave = (known: string | undefined, network: Network | undefined, self: NodeId): boolean => {
  if (network?.byId.has(self) === true) return network.standings.get(self)?.leaving !== true;
  return known !== undefined && !isLeave(known);
};

/** What the authorities ought to hear, or undefined if the list says so already. */
const wantedText = (
  { store, self, keyStore, profile, figures, published }: AnnounceDeps,
  network: Network | undefined,
  periodMs: number,
  now: number,
): string | undefined => {
  const last = store.announced();
  const known = last?.text;
  if (store.leavingSince() !== undefined) {
    if (!mustTellLeave(known, network, self)) return undefined;
    const publishedAt = Math.floor(now / secondMs) * secondMs;
    return known !== undefined && isLeave(known) ? known : signLeave({ publishedAt }, keyStore.identity());
  }
  const listed = network?.byId.get(self);
  const isLeaving = network?.standings.get(self)?.leaving === true;
  // Asked every few seconds: signed is only what is mailed.
  const wanted = draftOf(profile, keyStore, {
    now,
    until: now + periodsAhead * periodMs,
    figures: figures?.(now),
    published: published?.at(now),
  });
  const fresh = (): string => signDescriptor(wanted, keyStore.identity());
  if (listed !== undefined && !isLeaving && saysTheSame(listed, wanted, now)) {
    const isTime = last === undefined || Math.abs(now - last.sentAt) >= periodMs;
    return isTime && haveMoved(listed, wanted) ? fresh() : undefined;
  }
  const mailed = known === undefined ? undefined : readIfDescriptor(known);
  return mailed !== undefined && saysTheSame(mailed, wanted, now) ? known : fresh();
};

/**
 * Mails to all authorities what they don't know yet: the descriptor, when it is missing from the list or another one
 * than there, or that the node leaves. At most twice a period, but that it leaves at once; once, where nothing but
 * figures have changed.
 *
 * @returns whether there are mails to post
 * @throws StoreError, ConfigError (keys)
 */
export const announceOnce = (deps: AnnounceDeps, now: number): boolean => {
  const { store, authorities } = deps;
  const network = networkAt(deps.directory, now);
  const periodMs = network?.consensus?.periodMs ?? deps.periodMs;
  const last = store.announced();
  const isNew = last === undefined || (store.leavingSince() !== undefined && !isLeave(last.text));
  // Also after a clock that was set back.
  if (!isNew && Math.abs(now - last.sentAt) < periodMs / 2) return false;
  const text = wantedText(deps, network, periodMs, now);
  if (text === undefined) return false;
  store.atomically(() => {
    for (const authority of authorities) mailTo(deps, authority, text, now);
    store.setAnnounced({ text, sentAt: now });
  });
  return true;
};

const mailTo = (
  { store, profile, base64, compression, rng }: AnnounceDeps,
  { address }: AuthorityAddress,
  text: string,
  now: number,
): void => {
  const raw = composeDirectoryMail(
    { from: profile.accounts[0].address, to: address, documents: [text], now, rng },
    base64,
    compression,
  );
  store.addOutgoing({ kind: 'directory', to: address, raw }, now);
};

/**
 * Answers a challenge, if it is one of a configured authority for this node and one of its mailboxes: the answer goes to the
 * authority's address as it is configured, whatever the mail says of its sender. In a transaction.
 *
 * @returns whether the document is a challenge, answered or not
 */
export const takeChallenge = (
  deps: AnnounceDeps,
  { kind, text }: { readonly kind: string; readonly text: string },
  now: number,
): boolean => {
  if (kind !== 'challenge') return false;
  const { store, self, profile, authorities, keyStore } = deps;
  const authority = authorities.find(({ key }) => key === namedSigner(text));
  if (authority === undefined) return true;
  try {
    const challenge = readChallenge(text);
    const isOurs = ({ address }: ProfileAccount): boolean => challenge.address.toLowerCase() === address.toLowerCase();
    const isForUs = challenge.nodeId === self && profile.accounts.some(isOurs);
    if (!isForUs || store.leavingSince() !== undefined) return true;
    const periodMs = networkAt(deps.directory, now)?.consensus?.periodMs ?? deps.periodMs;
    if (store.countChallenge(authority.key, now, now - periodMs) > mostChallengesAnswered) return true;
    mailTo(deps, authority, signAnswer({ authority: authority.key, nonce: challenge.nonce }, keyStore.identity()), now);
  } catch (error) {
    if (!(error instanceof RouteError)) throw error;
  }
  return true;
};

/** The period of a network of which nothing else is known. */
export const usualPeriodMs = dayMs;
