import { nodeBase64 } from '../../src/adapters/node-base64.js';
import { nodeCompression } from '../../src/adapters/node-compression.js';
import { chooseCrypto } from '../../src/adapters/node-crypto.js';
import { parseMail } from '../../src/adapters/mime.js';
import { namedOperators } from '../../src/adapters/mx-operator.js';
import { sqliteAuthorityStore } from '../../src/adapters/sqlite-authority.js';
import { Bug, PacketError } from '../../src/base/errors.js';
import { nodeIdOf, type NodeId } from '../../src/base/ids.js';
import { fromHex } from '../../src/base/bytes.js';
import { type Rng, seededRng, uniformInt, unitInterval } from '../../src/base/random.js';
import { dayMs } from '../../src/base/units.js';
import { composeCarrierMail, sliceCarrierMail } from '../../src/carrier/carrier.js';
import { composeDirectoryMail, sliceDirectoryMail } from '../../src/carrier/directory-mail.js';
import { documentsIn } from '../../src/council/documents.js';
import { readChallenge, signAnswer, signLeave } from '../../src/council/membership.js';
import { type AuthorityDeps, authorityTurn, runAuthority } from '../../src/directory/authority.js';
import type { Operators } from '../../src/ports/operators.js';
import type { OutgoingMail } from '../../src/ports/mail.js';
import type { Ticker } from '../../src/ports/ticker.js';
import type { AuthorityStore } from '../../src/ports/authority.js';
import { type DescriptorDraft, signDescriptor } from '../../src/route/descriptor.js';
import { publicKeyOf, type PublicKeyHex } from '../../src/route/document.js';
import { hopOf } from '../../src/route/hop.js';
import {
  type AuthorityAddress,
  defaultNetworkParameters,
  inspectNetwork,
  type Network,
  type NetworkParameters,
} from '../../src/route/network.js';
import { expandKey, type ExpandedKey } from '../../src/sphinx/kem.js';
import { createMailboxPacket } from '../../src/sphinx/mailbox.js';
import { unwrapPacket } from '../../src/sphinx/packet.js';
import { Killed } from './faults.js';
import { fakeMailWorld, type FakeAccount, type FakeMailWorld } from './mail-world.js';
import type { Wrap } from './network.js';

const crypto = chooseCrypto();
const signal = new AbortController().signal;
const untouched: Wrap = (_name, port) => port;

/** An authority on a mailbox in memory. */
export interface FakeAuthority {
  readonly key: PublicKeyHex;
  readonly secretKey: Uint8Array;
  readonly account: FakeAccount;
  readonly store: AuthorityStore;
  /** Every line of its log. */
  readonly logged: readonly string[];
  /** What it published last, by file name. */
  readonly published: () => ReadonlyMap<string, string>;
  /** Its clock shows so much more than the true time. */
  skewMs: number;
  /** Its process does not run. */
  isDead: boolean;
  /** Gives each turn a process of its own, with ports changed by this; if it is killed, another one starts at once. */
  wrapTurns: (() => Wrap) | undefined;
  /** One round of all its jobs. */
  readonly turn: () => Promise<void>;
  /** The jobs themselves, as a process runs them. */
  readonly run: (ticker: Ticker, stop: AbortSignal) => Promise<void>;
  /** The newest list it holds. */
  readonly list: () => Network | undefined;
  /** Ends the process and starts another one on the store in that file. */
  readonly restart: (file: string) => void;
}

/** A node reduced to what authorities see of it: it has no pool, and sends on at once. */
export interface ThinNode {
  readonly name: string;
  readonly nodeId: NodeId;
  readonly identity: Uint8Array;
  readonly account: FakeAccount;
  /** Whether it answers challenges. */
  answers: boolean;
  /** Which part of the packets it throws away. */
  drops: number;
  /** Its process does not run. */
  isDead: boolean;
  /** Its word as it stands now. */
  readonly descriptor: (changes?: Partial<DescriptorDraft>) => string;
  /** Mails its descriptor to all authorities. */
  readonly announce: (changes?: Partial<DescriptorDraft>) => Promise<void>;
  readonly leave: () => Promise<void>;
  /** Other mix keys from now on. */
  readonly rotate: () => void;
  readonly turn: () => Promise<void>;
}

export interface FakeDirectoryOptions {
  readonly seed?: number;
  readonly authorities?: number;
  readonly nodes?: number;
  readonly parameters?: Partial<NetworkParameters>;
  readonly periodMs?: number;
  readonly candidatesPerHour?: number;
  readonly candidatesPerOperatorPerHour?: number;
  readonly probesPerPeriod?: number;
  readonly operators?: Operators;
  /** Where each authority's store is kept; in memory, if nothing is said. */
  readonly fileOf?: (address: string) => string;
  /** Turns that all take in a period; 16, if nothing is said. */
  readonly turnsAPeriod?: number;
}

/** Authorities and nodes on mailboxes in memory, whose time stands still until it is moved. */
export interface FakeDirectory {
  readonly world: FakeMailWorld;
  readonly authorities: readonly FakeAuthority[];
  /** As all of them have it in their configuration. */
  readonly configured: readonly AuthorityAddress[];
  readonly nodes: readonly ThinNode[];
  readonly periodMs: number;
  readonly rng: Rng;
  readonly now: () => number;
  /** That node at another mailbox too, under the same identity, with another key. */
  readonly moveNode: (node: ThinNode, address: string) => ThinNode;
  /** Another node; it says nothing yet. */
  readonly addNode: (name: string, address?: string) => ThinNode;
  /** Mails documents from an address to one. */
  readonly mail: (from: string, to: string, documents: readonly string[]) => Promise<void>;
  /** How long a mail is on its way; undefined: for ever. At once, until it is changed. */
  delay: (mail: OutgoingMail) => number | undefined;
  /** Lets all take turns in small steps until that time has come. */
  readonly runUntil: (at: number) => Promise<void>;
  /** Until the next list has begun; so many times. */
  readonly periods: (count: number) => Promise<void>;
}

/** When a story begins: at the start of a period. */
const startAt = Date.UTC(2026, 0, 15);

const secondsOf = (at: number): number => Math.floor(at / 1000) * 1000;

/** What all nodes and authorities of a story share. */
interface Scene {
  readonly options: FakeDirectoryOptions;
  readonly world: FakeMailWorld;
  readonly rng: Rng;
  readonly now: () => number;
  readonly periodMs: number;
  readonly configured: readonly AuthorityAddress[];
  /** The list that nodes send packets by. */
  readonly list: () => Network | undefined;
  readonly send: (mail: OutgoingMail) => Promise<void>;
}

const directoryMail = ({ now, rng }: Scene, from: string, to: string, documents: readonly string[]): OutgoingMail => {
  const raw = composeDirectoryMail({ from, to, documents, now: now(), rng }, nodeBase64, nodeCompression);
  return { from, to, raw };
};

const thinNode = (scene: Scene, name: string, address: string, identity = scene.rng(32)): ThinNode => {
  const { world, rng, now, periodMs, configured } = scene;
  const account = world.account(address);
  const keys: { readonly key: ExpandedKey; readonly from: number }[] = [];
  const rotate = (): void => void keys.unshift({ key: expandKey(crypto, rng(32)), from: secondsOf(now()) });
  rotate();
  const nodeId = nodeIdOf(fromHex(publicKeyOf(identity)) ?? new Uint8Array());

  const descriptor = (changes: Partial<DescriptorDraft> = {}): string =>
    signDescriptor(
      {
        name,
        address,
        roles: ['mix', 'exit'],
        mixKeys: keys.slice(0, 2).map(({ key, from }) => ({
          publicKey: key.publicKey,
          notBefore: from,
          notAfter: from + 40 * periodMs,
          expiresAt: from + 50 * periodMs,
        })),
        publishedAt: secondsOf(now()),
        ...changes,
      },
      identity,
    );
  const toAll = async (documents: readonly string[]): Promise<void> => {
    for (const authority of configured) await scene.send(directoryMail(scene, address, authority.address, documents));
  };
  const unwrap = (packet: Uint8Array): ReturnType<typeof unwrapPacket> | undefined => {
    for (const { key } of keys) {
      try {
        return unwrapPacket(crypto, key, packet);
      } catch (error) {
        if (!(error instanceof PacketError)) throw error;
      }
    }
    return undefined;
  };
  const carry = async (packet: Uint8Array): Promise<void> => {
    const unwrapped = unwrap(packet);
    if (unwrapped === undefined || unitInterval(rng) < node.drops) return;
    const network = scene.list();
    const post = (to: string, bundle: Uint8Array): Promise<void> =>
      scene.send({
        from: address,
        to,
        raw: composeCarrierMail({ from: address, to, bundle, now: now(), rng }, nodeBase64),
      });
    if (unwrapped.kind === 'forward') {
      const next = network?.byId.get(unwrapped.nextHop);
      if (next !== undefined) await post(next.address, unwrapped.packet);
    } else if (unwrapped.kind === 'to-mailbox') {
      const decoy = network?.nodes[uniformInt(rng, network.nodes.length)];
      if (decoy === undefined) return;
      const { surbId, payload } = unwrapped;
      await post(unwrapped.address, createMailboxPacket(crypto, { surbId, payload, decoy: hopOf(decoy, now()), rng }));
    }
  };
  const answer = async (text: string): Promise<void> => {
    const { authority, nonce, nodeId: asked } = readChallenge(text);
    const known = configured.find(({ key }) => key === authority);
    if (known === undefined || asked !== nodeId) return;
    await scene.send(directoryMail(scene, address, known.address, [signAnswer({ authority, nonce }, identity)]));
  };
  const node: ThinNode = {
    name,
    nodeId,
    identity,
    account,
    answers: true,
    drops: 0,
    isDead: false,
    descriptor,
    announce: (changes) => toAll([descriptor(changes)]),
    leave: () => toAll([signLeave({ publishedAt: secondsOf(now()) }, identity)]),
    rotate,
    turn: async () => {
      if (node.isDead) return;
      const { mailbox, inbox } = account;
      const { mails, uidValidity } = await inbox.fetch('INBOX', undefined, signal);
      for (const { raw = new Uint8Array() } of mails) {
        for (const packet of sliceCarrierMail(raw, nodeBase64) ?? []) await carry(packet);
        const text = sliceDirectoryMail(raw, nodeBase64, { compression: nodeCompression, mostBytes: 1e8 }) ?? '';
        for (const document of documentsIn(text))
          if (document.kind === 'challenge' && node.answers) await answer(document.text);
      }
      await inbox.remove('INBOX', uidValidity, mailbox.uids(), signal);
    },
  };
  return node;
};

const fakeAuthority = (scene: Scene, secretKey: Uint8Array, address: string): FakeAuthority => {
  const { options, world, now, periodMs, configured, rng } = scene;
  const account = world.account(address);
  let store = sqliteAuthorityStore(options.fileOf?.(address) ?? ':memory:');
  const logged: string[] = [];
  const log = (event: string, counts: object = {}): void => void logged.push(`${event} ${JSON.stringify(counts)}`);
  let published: ReadonlyMap<string, string> = new Map();
  // Of its own, so that what one authority draws does not depend on the others' turns.
  const own = seededRng(rng(32));
  const depsOf = (wrap: Wrap): AuthorityDeps => ({
    store: wrap('store', store),
    inbox: wrap('inbox', account.inbox),
    outbox: wrap('outbox', {
      ...account.outbox,
      send: async (mail) => {
        const handling = world.handle(mail);
        if (handling !== undefined && !handling.taken) return handling.outcome;
        await scene.send(mail);
        return handling?.outcome ?? { kind: 'accepted', code: 250 };
      },
    }),
    parse: parseMail,
    base64: nodeBase64,
    compression: nodeCompression,
    crypto,
    operators: options.operators ?? namedOperators,
    publisher: { publish: (files) => (published = new Map(files)) },
    rng: own,
    clock: { now: () => now() + authority.skewMs },
    log: { info: log, warn: log },
    ticker: {
      every: () => {
        throw new Bug('time is moved by the test');
      },
    },
    secretKey,
    unstored: new Map(),
    from: address,
    pollMs: 1000,
    rules: {
      periodMs,
      authorities: configured,
      parameters: { ...defaultNetworkParameters, ...options.parameters },
      candidatesPerHour: options.candidatesPerHour ?? 100,
      candidatesPerOperatorPerHour: options.candidatesPerOperatorPerHour ?? 25,
      probesPerPeriod: options.probesPerPeriod ?? 4,
    },
  });
  let running = authorityTurn(depsOf(untouched));
  const authority: FakeAuthority = {
    key: publicKeyOf(secretKey),
    secretKey,
    account,
    get store() {
      return store;
    },
    restart: (elsewhere) => {
      store.close();
      store = sqliteAuthorityStore(elsewhere);
      running = authorityTurn(depsOf(untouched));
    },
    logged,
    published: () => published,
    skewMs: 0,
    isDead: false,
    wrapTurns: undefined,
    turn: async () => {
      if (authority.isDead) return;
      if (authority.wrapTurns === undefined) return running(signal);
      for (let isDone = false; !isDone;) {
        isDone = await authorityTurn(depsOf(authority.wrapTurns()))(signal).then(
          () => true,
          (error: unknown) => {
            if (error instanceof Killed) return false;
            throw error;
          },
        );
      }
    },
    run: (ticker, stop) => runAuthority({ ...depsOf(untouched), ticker }, stop),
    list: () => {
      const [newest] = store.consensuses();
      const text = newest && store.consensusText(newest.digest);
      return text === undefined ? undefined : inspectNetwork(text, []).network;
    },
  };
  return authority;
};

/** Each authority and each node is at a provider of its own; nothing is random but by the seed. */
export const fakeDirectory = (options: FakeDirectoryOptions = {}): FakeDirectory => {
  const rng = seededRng(new Uint8Array(32).fill(options.seed ?? 1));
  const world = fakeMailWorld();
  const periodMs = options.periodMs ?? dayMs;
  const turnsAPeriod = options.turnsAPeriod ?? 16;
  let time = startAt;
  const now = (): number => time;
  const secrets = Array.from({ length: options.authorities ?? 4 }, () => rng(32));
  const configured = secrets.map((secret, i) => ({ key: publicKeyOf(secret), address: `dir@auth${i + 1}.test` }));
  let onTheWay: { readonly at: number; readonly mail: OutgoingMail }[] = [];
  let known: { readonly digest: string; readonly network: Network } | undefined;

  const deliver = async (mail: OutgoingMail): Promise<void> => {
    await world.account(mail.from).outbox.send(mail, signal);
  };
  const scene: Scene = {
    options,
    world,
    rng,
    now,
    periodMs,
    configured,
    list: () => {
      // The newest list that has begun, as the first living authority holds it.
      for (const { store, isDead } of directory.authorities) {
        const found = isDead ? undefined : store.consensuses().find(({ number }) => number * periodMs <= time);
        const text = found && store.consensusText(found.digest);
        if (found === undefined || text === undefined) continue;
        if (known?.digest !== found.digest) known = { digest: found.digest, network: inspectNetwork(text, []).network };
        return known.network;
      }
      return undefined;
    },
    send: async (mail) => {
      const delayMs = directory.delay(mail);
      if (delayMs === undefined) return;
      if (delayMs === 0) await deliver(mail);
      else onTheWay.push({ at: time + delayMs, mail });
    },
  };
  const authorities = secrets.map((secret, i) => fakeAuthority(scene, secret, configured[i]?.address ?? ''));
  const nodes: ThinNode[] = [];
  const addNode = (name: string, address = `node@${name}.test`): ThinNode => {
    const node = thinNode(scene, name, address);
    nodes.push(node);
    return node;
  };
  const moveNode = ({ name, identity }: ThinNode, address: string): ThinNode => {
    const node = thinNode(scene, name, address, identity);
    nodes.push(node);
    return node;
  };
  for (let i = 1; i <= (options.nodes ?? 9); i++) addNode(`mix${i}`);
  const runUntil = async (at: number): Promise<void> => {
    while (time < at) {
      time = Math.min(at, time + periodMs / turnsAPeriod);
      const due = onTheWay.filter((one) => one.at <= time);
      onTheWay = onTheWay.filter((one) => one.at > time);
      for (const { mail } of due) await deliver(mail);
      for (const node of nodes) await node.turn();
      for (const authority of authorities) await authority.turn();
    }
  };
  const directory: FakeDirectory = {
    world,
    authorities,
    configured,
    nodes,
    periodMs,
    rng,
    now,
    addNode,
    moveNode,
    mail: (from, to, documents) => {
      world.account(from);
      return scene.send(directoryMail(scene, from, to, documents));
    },
    delay: () => 0,
    runUntil,
    // A little more, so that what is done when a list begins is done.
    periods: (count) => runUntil((Math.floor(time / periodMs) + count) * periodMs + periodMs / turnsAPeriod),
  };
  return directory;
};

/** A network whose nodes have said that they are there, at its first list. */
export const started = async (options: FakeDirectoryOptions = {}): Promise<FakeDirectory> => {
  const directory = fakeDirectory(options);
  for (const node of directory.nodes) await node.announce();
  await directory.periods(1);
  return directory;
};
